"""Adamax (Kingma and Ba 2015, algorithm 2), as torch.optim.Adamax computes it."""

from collections.abc import Iterable

from torch import Tensor, nn
from torch.optim.adamax import adamax

from prunescape.space.recipe import Recipe
from prunescape.training.optimisers.stateful import Lists, Stateful, on_gpu


def build(parameters: Iterable[nn.Parameter], recipe: Recipe) -> Stateful:
    """Adam with the largest gradient so far, fading by β2, instead of the mean square; λW is added to the gradient."""
    fixed = {"beta1": recipe.beta1, "beta2": recipe.beta2, "eps": recipe.epsilon, "weight_decay": recipe.weight_decay}

    def update(parameters: list[Tensor], gradients: list[Tensor], state: Lists, rate: float | Tensor) -> None:
        means = state["mean"], state["largest"], state["step"]
        adamax(parameters, gradients, *means, lr=rate, capturable=on_gpu(parameters), **fixed)

    return Stateful(parameters, update, like={"mean": 0.0, "largest": 0.0}, counts={"step": 0.0})
