"""torch's SGD without its optimiser class, which imports a compiler: a second for every cell. Needs torch."""

from collections.abc import Iterable

import torch
from torch import nn
from torch.optim.sgd import sgd


class SGD:
    """V ← μV + ∇L + λW; W ← W − γV (matthiesen2023, Eq 2.1), λ on all parameters, by torch's own kernels.

    The same bits as torch.optim.SGD(momentum=μ, weight_decay=λ) with dampening 0 and without Nesterov. `fused` is
    torch's own word for one kernel for all parameters; on a GPU it takes the learning rate as a tensor too.
    """

    def __init__(
        self, parameters: Iterable[nn.Parameter], *, momentum: float, weight_decay: float, fused: bool = False
    ) -> None:
        self.parameters = list(parameters)
        self.velocities: list[torch.Tensor | None] = [None] * len(self.parameters)
        self.settings, self.fused = {"momentum": momentum, "weight_decay": weight_decay}, fused

    def allocate(self) -> None:
        """Hold every velocity from now on, 0 where there was none: a captured step has to find them."""
        for place, parameter in enumerate(self.parameters if self.settings["momentum"] else ()):
            if self.velocities[place] is None:
                self.velocities[place] = torch.zeros_like(parameter)

    @torch.no_grad()
    def step(self, learning_rate: float | torch.Tensor) -> None:
        """One update from the gradients that the parameters hold, which are then dropped; without one, no update."""
        held = [place for place, parameter in enumerate(self.parameters) if parameter.grad is not None]
        parameters = [self.parameters[place] for place in held]
        gradients = [parameter.grad for parameter in parameters]
        velocities = [self.velocities[place] for place in held]
        fixed = {"dampening": 0, "nesterov": False, "maximize": False, "fused": self.fused or None}
        sgd(parameters, gradients, velocities, lr=learning_rate, **self.settings, **fixed)
        for place, parameter, velocity in zip(held, parameters, velocities, strict=True):
            self.velocities[place], parameter.grad = velocity, None
