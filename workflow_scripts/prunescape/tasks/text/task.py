"""The classification of texts: batches of token numbers."""

import copy
from collections.abc import Iterator
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor

from prunescape.space.recipe import Recipe
from prunescape.tasks.classification import Classification
from prunescape.tasks.contract import Splits
from prunescape.tasks.parts import trained_and_held_out
from prunescape.tasks.subsets import evenly_spread
from prunescape.tasks.text.prepared import PreparedTexts, load_prepared

__all__ = ["Task", "example_data", "load_prepared"]


class Sentences:
    """A Split (tasks/contract.py) whole on the training device: tokens int32 (n, length), labels (n,)."""

    def __init__(self, tokens: np.ndarray, labels: np.ndarray, device: torch.device) -> None:
        self.tokens, self.labels = torch.from_numpy(tokens).to(device), torch.from_numpy(labels).to(device)
        self.generator: torch.Generator | None = None

    def __len__(self) -> int:
        return len(self.labels)

    def drawn_from(self, generator: torch.Generator) -> Self:
        other = copy.copy(self)
        other.generator = generator
        return other

    def first(self, count: int) -> tuple[Tensor, Tensor]:
        return self.tokens[:count], self.labels[:count]

    def evenly_spread(self, count: int) -> tuple[Tensor, Tensor]:
        chosen = torch.from_numpy(evenly_spread(len(self), count)).to(self.labels.device)
        return self.tokens[chosen], self.labels[chosen]

    def shuffled(self, batch_size: int, skip: int = 0) -> Iterator[tuple[Tensor, Tensor]]:
        order = torch.randperm(len(self), generator=self.generator).to(self.labels.device)
        for chosen in order.split(batch_size)[skip:]:
            yield self.tokens[chosen], self.labels[chosen]

    def in_order(self, batch_size: int) -> Iterator[tuple[Tensor, Tensor]]:
        return zip(self.tokens.split(batch_size), self.labels.split(batch_size), strict=True)


class Task(Classification):
    """Texts of one prepared data set and their classes, as tasks/contract.py says.

    Examples are int32 (b, length), those of k networks (b, k, length).
    """

    stack_dim = 1

    def __init__(self, data: PreparedTexts, device: torch.device, scaling: str = "standard") -> None:
        """`scaling` is that of images: token numbers go in as they are."""
        self.data, self.device = data, device

    def open_splits(self, recipe: Recipe, generator: torch.Generator) -> Splits:
        """The splits; the order of the training split is drawn from `generator`."""
        data, device = self.data, self.device
        pool = [data.train_tokens, data.train_labels]
        trained, held_out = trained_and_held_out(recipe, data.train_labels, pool)
        train = Sentences(*trained, device).drawn_from(generator)
        others = [(data.test_tokens, data.test_labels), held_out or (data.validation_tokens, data.validation_labels)]
        return Splits(train, *(None if split[0] is None else Sentences(*split, device) for split in others))

    def inputs(self, examples: Tensor) -> Tensor:
        """The numbers of tokens as int64 (b, length), of k networks (b, k, length)."""
        return examples.long()


def example_data(identity: dict[str, Any], count: int) -> PreparedTexts:
    """`count` random texts of the shape in `identity`, all of one class: for measuring training steps."""
    vocabulary, length = identity["shape"]
    tokens = np.random.default_rng(0).integers(0, vocabulary, (count, length), dtype=np.int32)
    labels = np.zeros(count, np.int64)
    nothing = np.zeros(0, np.uint8)
    return PreparedTexts(tokens, labels, tokens, labels, nothing, vocabulary, identity["classes"])
