"""Stochastic gradient descent with Nesterov's momentum (Sutskever et al. 2013, 2), as torch.optim.SGD has it."""

from collections.abc import Iterable

from torch import nn

from prunescape.space.recipe import Recipe
from prunescape.training.optimisers.sgd import SGD


def build(parameters: Iterable[nn.Parameter], recipe: Recipe) -> SGD:
    """V ← μV + ∇L + λW; W ← W − γ(∇L + λW + μV); without momentum plain gradient descent."""
    settings = {"momentum": recipe.momentum, "weight_decay": recipe.weight_decay}
    return SGD(parameters, **settings, nesterov=recipe.momentum > 0)
