"""AdamW (Loshchilov and Hutter 2019, algorithm 2), as torch.optim.AdamW computes it."""

from collections.abc import Iterable

from torch import nn

from prunescape.space.recipe import Recipe
from prunescape.training.optimisers import adam
from prunescape.training.optimisers.stateful import Stateful


def build(parameters: Iterable[nn.Parameter], recipe: Recipe) -> Stateful:
    """Adam whose weight decay is no part of the gradient: W ← (1 − γλ) W first."""
    return adam.build(parameters, recipe, decoupled=True)
