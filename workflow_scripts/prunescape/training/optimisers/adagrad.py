"""Adagrad (Duchi, Hazan and Singer 2011), as torch.optim.Adagrad computes it."""

from collections.abc import Iterable

from torch import Tensor, nn
from torch.optim.adagrad import adagrad

from prunescape.space.recipe import Recipe
from prunescape.training.optimisers.stateful import Lists, Stateful


def build(parameters: Iterable[nn.Parameter], recipe: Recipe) -> Stateful:
    """W ← W − γ ∇L / (√s + ε), s the sum of all squares so far; λW is added to the gradient.

    torch reads its rate from the processor, so no CUDA graph can hold it.
    """
    fixed = {"eps": recipe.epsilon, "weight_decay": recipe.weight_decay, "lr_decay": 0.0, "maximize": False}

    def update(parameters: list[Tensor], gradients: list[Tensor], state: Lists, rate: float | Tensor) -> None:
        adagrad(parameters, gradients, state["sum"], state["step"], lr=float(rate), **fixed)

    return Stateful(parameters, update, like={"sum": 0.0}, counts={"step": 0.0}, capturable=False)
