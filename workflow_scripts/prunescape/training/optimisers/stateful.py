"""What optimisers of torch.optim's functional forms share: tensors of state beside every parameter."""

from collections.abc import Callable, Iterable, Mapping

import torch
from torch import Tensor, nn

Lists = dict[str, list[Tensor]]
Update = Callable[[list[Tensor], list[Tensor], Lists, "float | Tensor"], None]


class Stateful:
    """An Optimiser whose parameters each have tensors of their own shape and counts beside them.

    `like` and `counts` give the first value of each tensor by name. `update(parameters, gradients, state, rate)` gets
    the state as one list per name, in the order of the parameters, and changes parameters and state in place. Its
    bits are those of torch's class, whose constructor imports torch's compiler: a second. A `capturable` update
    counts on the GPU and takes the rate as a tensor, so that a CUDA graph can hold it; others are started one by one.
    """

    def __init__(
        self,
        parameters: Iterable[nn.Parameter],
        update: Update,
        *,
        like: Mapping[str, float],
        counts: Mapping[str, float],
        capturable: bool = True,
    ) -> None:
        self.parameters = list(parameters)
        self.update, self.like, self.counts, self.capturable = update, like, counts, capturable
        self.held: list[dict[str, Tensor]] = [{} for _ in self.parameters]

    def allocate(self) -> None:
        for place in range(len(self.parameters)):
            self._allocate(place)

    def _allocate(self, place: int) -> dict[str, Tensor]:
        held, parameter = self.held[place], self.parameters[place]
        if not held:
            counting = parameter.device if self.capturable else "cpu"
            held |= {name: torch.full_like(parameter, value) for name, value in self.like.items()}
            held |= {name: torch.full((), value, device=counting) for name, value in self.counts.items()}
        return held

    @torch.no_grad()
    def step(self, learning_rate: float | Tensor) -> None:
        places = [place for place, parameter in enumerate(self.parameters) if parameter.grad is not None]
        parameters, held = [self.parameters[place] for place in places], [self._allocate(place) for place in places]
        state = {name: [tensors[name] for tensors in held] for name in (*self.like, *self.counts)}
        self.update(parameters, [parameter.grad for parameter in parameters], state, learning_rate)
        for parameter in parameters:
            parameter.grad = None

    def state(self) -> dict[str, Tensor]:
        return {f"{name}.{place}": tensor for place, held in enumerate(self.held) for name, tensor in held.items()}

    def restore(self, state: dict[str, Tensor]) -> None:
        self.held = [{} for _ in self.parameters]
        for key, saved in state.items():
            name, place = key.split(".")
            self._allocate(int(place))[name].copy_(saved)


def on_gpu(parameters: list[Tensor]) -> bool:
    """Whether an update has to be one that a CUDA graph can hold."""
    return any(parameter.is_cuda for parameter in parameters)
