"""Stochastic gradient descent with momentum, without torch's optimiser class: that imports a compiler, a second."""

from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.optim.sgd import sgd

from prunescape.space.recipe import Recipe


class SGD:
    """An Optimiser: V ← μV + ∇L + λW; W ← W − γV (matthiesen2023, Eq 2.1), λ on all parameters, by torch's kernels.

    The same bits as torch.optim.SGD(momentum=μ, weight_decay=λ) with dampening 0. On a GPU one kernel updates all
    parameters, and the learning rate may be a tensor.
    """

    capturable = True

    def __init__(
        self, parameters: Iterable[nn.Parameter], *, momentum: float, weight_decay: float, nesterov: bool = False
    ) -> None:
        self.parameters = list(parameters)
        self.velocities: list[Tensor | None] = [None] * len(self.parameters)
        self.settings = {"momentum": momentum, "weight_decay": weight_decay, "nesterov": nesterov}
        self.fused = any(parameter.is_cuda for parameter in self.parameters) or None

    def allocate(self) -> None:
        for place, parameter in enumerate(self.parameters if self.settings["momentum"] else ()):
            if self.velocities[place] is None:
                self.velocities[place] = torch.zeros_like(parameter)

    @torch.no_grad()
    def step(self, learning_rate: float | Tensor) -> None:
        held = [place for place, parameter in enumerate(self.parameters) if parameter.grad is not None]
        parameters = [self.parameters[place] for place in held]
        gradients = [parameter.grad for parameter in parameters]
        velocities = [self.velocities[place] for place in held]
        fixed = {"dampening": 0, "maximize": False, "fused": self.fused}
        sgd(parameters, gradients, velocities, lr=learning_rate, **self.settings, **fixed)
        for place, parameter, velocity in zip(held, parameters, velocities, strict=True):
            self.velocities[place], parameter.grad = velocity, None

    def state(self) -> dict[str, Tensor]:
        return {f"velocity.{place}": held for place, held in enumerate(self.velocities) if held is not None}

    def restore(self, state: dict[str, Tensor]) -> None:
        held = (state.get(f"velocity.{place}") for place in range(len(self.parameters)))
        self.velocities = [
            None if velocity is None else torch.empty_like(parameter).copy_(velocity)
            for parameter, velocity in zip(self.parameters, held, strict=True)
        ]


def build(parameters: Iterable[nn.Parameter], recipe: Recipe) -> SGD:
    """The optimiser with the recipe's momentum and weight decay."""
    return SGD(parameters, momentum=recipe.momentum, weight_decay=recipe.weight_decay)
