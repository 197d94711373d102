"""FTRL-proximal (McMahan et al. 2013, algorithm 1), the class of the package pytorch-optimizer."""

from collections.abc import Iterable

import torch
import torch._dynamo  # FTRL's constructor imports it: here that is done once, for all cells of a warm process
from pytorch_optimizer import FTRL
from torch import Tensor, nn

from prunescape.space.recipe import Recipe


class Leader:
    """An Optimiser: FTRL without L1 and β, λW added to the gradient as with the others.

    Its weights are −z γ / √n, so that a new γ would scale them all: z is scaled the other way, and they stay. The
    weights whose first gradient is exactly 0 become 0, as in the paper, where all start there.
    """

    capturable = False  # torch reads its rate from the processor

    def __init__(self, parameters: Iterable[nn.Parameter], *, weight_decay: float) -> None:
        self.parameters, self.weight_decay = list(parameters), weight_decay
        self.leader = FTRL(self.parameters, lr=1.0)
        self.rate: float | None = None

    def allocate(self) -> None:
        """Nothing captures its steps: the state comes with the first gradients."""

    @torch.no_grad()
    def step(self, learning_rate: float | Tensor) -> None:
        rate = float(learning_rate)
        if self.rate not in (None, rate):
            for held in self.leader.state.values():
                held["z"].mul_(self.rate / rate)
        self.rate = self.leader.param_groups[0]["lr"] = rate
        for parameter in self.parameters:
            if parameter.grad is not None:
                parameter.grad.add_(parameter, alpha=self.weight_decay)
        self.leader.step()
        for parameter in self.parameters:
            parameter.grad = None

    def state(self) -> dict[str, Tensor]:
        places = enumerate(self.leader.state.get(parameter, {}) for parameter in self.parameters)
        found = {f"{name}.{place}": tensor for place, held in places for name, tensor in held.items()}
        return found if self.rate is None else found | {"rate": torch.tensor(self.rate, dtype=torch.float64)}

    def restore(self, state: dict[str, Tensor]) -> None:
        self.leader.state.clear()
        self.rate = state["rate"].item() if "rate" in state else None
        for key in sorted(state.keys() - {"rate"}):
            name, place = key.split(".")
            parameter = self.parameters[int(place)]
            self.leader.state[parameter][name] = torch.empty_like(parameter).copy_(state[key])


def build(parameters: Iterable[nn.Parameter], recipe: Recipe) -> Leader:
    """The optimiser with the recipe's weight decay."""
    return Leader(parameters, weight_decay=recipe.weight_decay)
