"""Internal optimisations (burmester2023, 2.5): one module each, named as in the recipe, with a function `build`.

A recipe may have one of them; with `none` a network is computed as it is, layer by layer.
"""

from __future__ import annotations

import importlib
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import nn

    from prunescape.training.loop import Training


class Internal:
    """How the network of one training is computed: here as it is; modules of this folder change some of it.

    A step that is not `capturable` cannot be held by a CUDA graph, nor shared with others: on a GPU its training goes
    alone. `compile_seconds` is the wall time of compilation so far, which counts neither as time nor as energy of an
    epoch; None where nothing is compiled.
    """

    capturable = True
    compile_seconds: float | None = None

    def prepare(self, network: nn.Module) -> None:
        """Change `network` in place before its optimiser is built: it lies on its device, in its precision.

        What that adds to its state is part of a checkpoint. Raises InputError for a network that cannot be changed.
        """

    def running(self, training: Training) -> AbstractContextManager[None]:
        """What holds while `training` trains and tests."""
        return nullcontext()

    def scored(self, training: Training) -> nn.Module:
        """The network whose scores the trained cell has: that of the training, or another one made of it."""
        return training.network

    def plain(self, network: nn.Module) -> nn.Module:
        """The same weights in floating point without any change: what is stored, exported and pruned."""
        return network


def build_internal(level: str) -> Internal:
    """The internal optimisation of this name for one training."""
    return importlib.import_module(f"prunescape.training.internal.{level}").build() if level != "none" else Internal()
