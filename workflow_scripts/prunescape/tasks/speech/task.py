"""The recognition of spoken words: batches of waves."""

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
from prunescape.tasks.speech.prepared import FULL_SCALE, PreparedWaves, load_prepared
from prunescape.tasks.subsets import evenly_spread

__all__ = ["Task", "example_data", "load_prepared"]

SHIFT_SHARE = 0.1  # of a clip of one second: 100 ms to either side, the default of TensorFlow's speech_commands example


class Recordings:
    """A Split (tasks/contract.py) whole on the training device: waves int16 (n, 1, samples), labels (n,).

    In batches to train on each wave is moved by up to `shift` samples to either side, at random.
    """

    def __init__(self, waves: np.ndarray, labels: np.ndarray, device: torch.device, shift: int = 0) -> None:
        self.waves, self.labels = torch.from_numpy(waves).to(device), torch.from_numpy(labels).to(device)
        self.shift = shift
        self.generator: torch.Generator | None = None

    def __len__(self) -> int:
        return len(self.labels)

    def drawn_from(self, generator: torch.Generator) -> Self:
        other = copy.copy(self)
        other.generator = generator
        return other

    def first(self, count: int) -> tuple[Tensor, Tensor]:
        return self.waves[:count], self.labels[:count]

    def evenly_spread(self, count: int) -> tuple[Tensor, Tensor]:
        chosen = torch.from_numpy(evenly_spread(len(self), count)).to(self.labels.device)
        return self.waves[chosen], self.labels[chosen]

    def shuffled(self, batch_size: int, skip: int = 0) -> Iterator[tuple[Tensor, Tensor]]:
        order = torch.randperm(len(self), generator=self.generator).to(self.labels.device)
        for number, chosen in enumerate(order.split(batch_size)):
            shifts = self._drawn_shifts(len(chosen))
            if number >= skip:
                waves = self.waves[chosen]
                yield waves if shifts is None else shifted(waves, shifts), self.labels[chosen]

    def in_order(self, batch_size: int) -> Iterator[tuple[Tensor, Tensor]]:
        return zip(self.waves.split(batch_size), self.labels.split(batch_size), strict=True)

    def _drawn_shifts(self, count: int) -> Tensor | None:
        if not self.shift:
            return None
        drawn = torch.randint(-self.shift, self.shift + 1, (count,), generator=self.generator)
        return drawn.to(self.labels.device)


def shifted(waves: Tensor, shifts: Tensor) -> Tensor:
    """Waves (b, 1, samples), each later by its number of samples in `shifts` (b,), with zeros where it has ended."""
    samples = waves.shape[-1]
    places = torch.arange(samples, device=waves.device) - shifts[:, None]
    inside = (places >= 0) & (places < samples)
    return waves.gather(2, places.clamp(0, samples - 1)[:, None]) * inside[:, None]


class Task(Classification):
    """Recordings of one prepared data set and their classes, as tasks/contract.py says.

    Examples are int16 (b, 1, samples), those of k networks (b, k, 1, samples).
    """

    stack_dim = 1

    def __init__(self, data: PreparedWaves, device: torch.device, scaling: str = "standard") -> None:
        """`scaling` is that of images: waves go in as -1 to 1."""
        self.data, self.device = data, device

    def open_splits(self, recipe: Recipe, generator: torch.Generator) -> Splits:
        """The splits; the order of the training split, and shifts in time, are drawn from `generator`."""
        data, device = self.data, self.device
        trained, held_out = trained_and_held_out(recipe, data.train_labels, [data.train_waves, data.train_labels])
        shift = round(SHIFT_SHARE * data.train_waves.shape[-1]) if recipe.augmentation == "time_shift" else 0
        train = Recordings(*trained, device, shift).drawn_from(generator)
        others = [(data.test_waves, data.test_labels), held_out or (data.validation_waves, data.validation_labels)]
        return Splits(train, *(None if split[0] is None else Recordings(*split, device) for split in others))

    def inputs(self, examples: Tensor) -> Tensor:
        """The waves as float32, -1 to 1: (b, 1, samples), of k networks (b, k, 1, samples)."""
        return examples.float() / FULL_SCALE


def example_data(identity: dict[str, Any], count: int) -> PreparedWaves:
    """`count` recordings of noise of the shape in `identity`, all of one class: for measuring training steps."""
    waves = np.random.default_rng(0).integers(-FULL_SCALE, FULL_SCALE, (count, *identity["shape"]), dtype=np.int16)
    labels, nothing = np.zeros(count, np.int64), np.zeros(0, np.uint8)
    return PreparedWaves(waves, labels, waves, labels, nothing, identity["classes"])
