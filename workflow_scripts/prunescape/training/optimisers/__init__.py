"""Optimisers: one module each, named as in the recipe, with a function `build`."""

from __future__ import annotations

import importlib
from collections.abc import Iterable
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from torch import Tensor, nn

    from prunescape.space.recipe import Recipe


class Optimiser(Protocol):
    """Updates the parameters of one network and holds the state that it needs for that.

    A step that is not `capturable` cannot be held by a CUDA graph: on a GPU its training goes alone, step by step.
    Weight decay is λW added to the gradient (L2), but for AdamW.
    """

    capturable: bool

    def allocate(self) -> None:
        """Hold every tensor of the state from now on: a step that is captured for a GPU has to find them."""

    def step(self, learning_rate: float | Tensor) -> None:
        """One update from the gradients that the parameters hold, which are then dropped; without one, no update."""

    def state(self) -> dict[str, Tensor]:
        """The tensors held so far by name, for a checkpoint."""

    def restore(self, state: dict[str, Tensor]) -> None:
        """Hold what `state` gave, on the parameters' device."""


def build_optimiser(parameters: Iterable[nn.Parameter], recipe: Recipe) -> Optimiser:
    """The recipe's optimiser for `parameters`, which lie on the training device."""
    return importlib.import_module(f"prunescape.training.optimisers.{recipe.optimiser}").build(parameters, recipe)
