"""Dynamic loss scaling for fp16, whose smallest gradients would be 0 (Micikevicius et al. 2018, 3.2)."""

import torch
from torch import Tensor, nn

from prunescape.training.optimisers import Optimiser

FIRST, GROWTH, BACKOFF, INTERVAL = 2.0**16, 2.0, 0.5, 2000  # torch.amp.GradScaler's


class ScaledOptimiser:
    """An Optimiser around another: it divides the gradients by the `scale` that the loss was multiplied by.

    Where one is not finite, there is no update, and the scale is halved; after 2,000 updates in a row it doubles. As
    torch.amp.GradScaler does it, but with a state that a checkpoint holds. It looks at the gradients: no CUDA graph.
    """

    capturable = False

    def __init__(self, inner: Optimiser, parameters: list[nn.Parameter]) -> None:
        self.inner, self.parameters = inner, parameters
        self.scale, self.updates = FIRST, 0

    def allocate(self) -> None:
        self.inner.allocate()

    @torch.no_grad()
    def step(self, learning_rate: float | Tensor) -> None:
        gradients = [parameter.grad for parameter in self.parameters if parameter.grad is not None]
        torch._foreach_mul_(gradients, 1 / self.scale)
        if all(gradient.isfinite().all() for gradient in gradients):
            self.inner.step(learning_rate)
            self.updates += 1
            if self.updates == INTERVAL:
                self.scale, self.updates = self.scale * GROWTH, 0
            return
        for parameter in self.parameters:
            parameter.grad = None
        self.scale, self.updates = self.scale * BACKOFF, 0

    def state(self) -> dict[str, Tensor]:
        scaling = torch.tensor([self.scale, self.updates], dtype=torch.float64)
        return {"scaling": scaling} | {f"inner.{name}": tensor for name, tensor in self.inner.state().items()}

    def restore(self, state: dict[str, Tensor]) -> None:
        scale, updates = state["scaling"].tolist()
        self.scale, self.updates = scale, int(updates)
        inner = {name: tensor for name, tensor in state.items() if name != "scaling"}
        self.inner.restore({name.removeprefix("inner."): tensor for name, tensor in inner.items()})
