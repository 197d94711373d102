"""Adadelta (Zeiler 2012, algorithm 1), as torch.optim.Adadelta computes it."""

from collections.abc import Iterable

from torch import Tensor, nn
from torch.optim.adadelta import adadelta

from prunescape.space.recipe import Recipe
from prunescape.training.optimisers.stateful import Lists, Stateful, on_gpu


def build(parameters: Iterable[nn.Parameter], recipe: Recipe) -> Stateful:
    """Zeiler's step times the learning rate, which is 1 in the paper; λW is added to the gradient."""
    fixed = {"rho": recipe.rho, "eps": recipe.epsilon, "weight_decay": recipe.weight_decay, "maximize": False}

    def update(parameters: list[Tensor], gradients: list[Tensor], state: Lists, rate: float | Tensor) -> None:
        means = state["square"], state["moved"], state["step"]
        adadelta(parameters, gradients, *means, lr=rate, capturable=on_gpu(parameters), **fixed)

    return Stateful(parameters, update, like={"square": 0.0, "moved": 0.0}, counts={"step": 0.0})
