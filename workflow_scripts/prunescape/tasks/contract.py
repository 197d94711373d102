"""What a task provides to training: the splits of its data, a network's inputs, and scores for the record.

A task is a folder beside this file with three modules:

- `prepared`: `load_prepared` reads a prepared data set, `tested_labels` gives the labels of its test split;
- `task`: a class `Task` as here, `load_prepared`, and `example_data`, which makes up data for measuring steps;
- `exported`: `parity_inputs` and `calibration_inputs` are what an exported model takes, as it takes it, and
  `stored_inputs` all stored test examples with their labels; `scaling` is what it carries to scale raw examples
  itself; `stored_score` is a cell's score on the test examples that are stored.

Only `task` needs torch. In the identity of a prepared data set, `shape` is that of one example, its first size the one
from which the first layer is built: [channels, height, width], [vocabulary, length] of numbers of tokens, or
[1, samples] of recordings.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from types import ModuleType
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

    from prunescape.space.recipe import Recipe


class Split(Protocol):
    """One split as batches on the training device: examples (b, ...) as they are stored, and labels (b,)."""

    def __len__(self) -> int:
        """The number of examples."""

    def shuffled(self, batch_size: int, skip: int = 0) -> Iterator[tuple[Tensor, Tensor]]:
        """Every example once, in random order, augmented; `skip` leaves out batches, which are drawn all the same."""

    def in_order(self, batch_size: int) -> Iterator[tuple[Tensor, Tensor]]:
        """Every example once, in the stored order, as it is."""

    def first(self, count: int) -> tuple[Tensor, Tensor] | None:
        """The first examples without drawing anything; None where the split is not in memory."""

    def evenly_spread(self, count: int) -> tuple[Tensor, Tensor]:
        """Up to `count` examples from all over the stored order, as they are."""

    def drawn_from(self, generator: torch.Generator) -> Split:
        """The same examples, shuffled and augmented by another generator."""


@dataclass(frozen=True)
class Splits:
    """The splits of one data set; `validation` is None where nothing is held out for it."""

    train: Split
    test: Split
    validation: Split | None

    @property
    def counts(self) -> dict[str, int | None]:
        """The number of examples of each split."""
        splits = {"train": self.train, "test": self.test, "validation": self.validation}
        return {name: None if split is None else len(split) for name, split in splits.items()}

    def drawn_from(self, generator: torch.Generator) -> Splits:
        """The same examples for a training with another generator."""
        return replace(self, train=self.train.drawn_from(generator))


@dataclass(frozen=True)
class Tested:
    """What a network reaches on one split: mean loss, and (n,) booleans, which examples it classifies correctly.

    `correct_top5` counts the five best classes; None where there are too few classes for that.
    """

    loss: float
    correct: Tensor
    correct_top5: Tensor | None


class Task(Protocol):
    """What is learnt from one prepared data set on one device.

    Built from a prepared data set, the device, and how inputs are scaled (the recipe's `scaling`). Where several
    networks train as one, their examples lie side by side along dimension `stack_dim` of a batch.
    """

    device: torch.device
    stack_dim: int

    def open_splits(self, recipe: Recipe, generator: torch.Generator) -> Splits:
        """The splits on the device; what training draws at random comes from `generator`."""

    def inputs(self, examples: Tensor) -> Tensor:
        """What a network takes for stored examples (b, ...); for those of k networks side by side, (b, k, ...)."""

    def test(self, network: nn.Module, split: Split, *, between_batches: Callable[[], None]) -> Tested:
        """What `network` reaches on `split`."""

    def scores(self, identity: dict[str, Any], test: Tested | None, validation: Tested | None) -> dict[str, Any]:
        """The scores of a record as JSON values; None stands for a diverged training."""


def task_module(identity: dict[str, Any], part: str = "task") -> ModuleType:
    """One module of the task that a data set with this identity is for."""
    return importlib.import_module(f"prunescape.tasks.{identity['task']}.{part}")
