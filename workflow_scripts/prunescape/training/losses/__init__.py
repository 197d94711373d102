"""Loss functions of liao2022, Table 2: one module each, named as in the recipe, with a function `losses`."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

    from prunescape.space.recipe import Recipe


def build_losses(recipe: Recipe) -> Callable[[Tensor, Tensor], Tensor]:
    """The recipe's loss function: the mean loss of each of k networks, (k,).

    It takes logits (k, b, classes) and labels: classes (k, b), or the share of each class (k, b, classes).
    """
    module = importlib.import_module(f"prunescape.training.losses.{recipe.loss_function}")
    return partial(module.losses, smoothing=recipe.label_smoothing)
