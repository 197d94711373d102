"""The splits of a data set as batches on the training device: in memory here, from disk in streaming.py. Needs torch.

A split gives `shuffled(batch_size)` for training and `in_order(batch_size)` for testing: pairs of images, uint8
(b, height, width, channels), and labels, (b,). `skip` leaves out the first batches, which are drawn all the same.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from prunescape.space.recipe import Recipe
from prunescape.tasks.images.augmentation import Augmenter, to_device
from prunescape.tasks.images.prepared import PreparedData, PreparedFolder

if TYPE_CHECKING:
    from prunescape.tasks.images.streaming import Streamed


class InMemory:
    """One split whole on the training device: images uint8 (n, channels, height, width) and labels (n,).

    `augmentation` (crop_padding, flip and generator, as the Augmenter takes them) is for a split that is trained on.
    """

    def __init__(
        self, images: np.ndarray, labels: np.ndarray, device: torch.device, augmentation: dict | None = None
    ) -> None:
        self.images = torch.from_numpy(images).permute(0, 2, 3, 1).contiguous().to(device)
        self.labels = torch.from_numpy(labels).to(device)
        self.augmenter = Augmenter(self.images, **augmentation) if augmentation else None

    def __len__(self) -> int:
        return len(self.labels)

    def drawn_from(self, generator: torch.Generator) -> InMemory:
        """The same images, to be trained on in the order and with the crops and flips that `generator` gives."""
        other = copy.copy(self)
        other.augmenter = copy.copy(self.augmenter)
        other.augmenter.generator = generator
        return other

    def first(self, count: int) -> tuple[Tensor, Tensor]:
        """A batch that draws nothing: the first images as they are, all of them where there are fewer."""
        return self.images[:count], self.labels[:count]

    def shuffled(self, batch_size: int, skip: int = 0) -> Iterator[tuple[Tensor, Tensor]]:
        """Every image once, in random order, cropped and flipped anew; the last batch may be smaller."""
        order = to_device(torch.randperm(len(self.labels), generator=self.augmenter.generator), self.labels.device)
        for number, chosen in enumerate(order.split(batch_size)):
            images = self.augmenter.batch(chosen)
            if number >= skip:
                yield images, self.labels[chosen]

    def in_order(self, batch_size: int) -> Iterator[tuple[Tensor, Tensor]]:
        """Every image once, as it is and where it stands."""
        return zip(self.images.split(batch_size), self.labels.split(batch_size), strict=True)


@dataclass(frozen=True)
class Splits:
    """The splits of one data set; `validation` is None where no images are held out for it."""

    train: InMemory | Streamed
    test: InMemory | Streamed
    validation: InMemory | Streamed | None

    def drawn_from(self, generator: torch.Generator) -> Splits:
        """The same images for a training with another generator."""
        return replace(self, train=self.train.drawn_from(generator))


def open_splits(
    data: PreparedData | PreparedFolder, recipe: Recipe, generator: torch.Generator, device: torch.device
) -> Splits:
    """The splits of `data`; order, crops and flips of the training split are drawn from `generator`.

    An image folder's training crops lie anywhere in the resized image, so `crop_padding` has no meaning there.
    """
    if isinstance(data, PreparedFolder):
        from prunescape.tasks.images.streaming import Streamed

        train = Streamed(data.train_listing, data, device, flip=recipe.flip, generator=generator)
        others = [data.test_listing, data.validation_listing]
        return Splits(train, *(None if listing is None else Streamed(listing, data, device) for listing in others))
    augmentation = {"crop_padding": recipe.crop_padding, "flip": recipe.flip, "generator": generator}
    train = InMemory(data.train_images, data.train_labels, device, augmentation)
    others = [(data.test_images, data.test_labels), (data.validation_images, data.validation_labels)]
    return Splits(train, *(None if images is None else InMemory(images, labels, device) for images, labels in others))


class Normaliser:
    """uint8 batches of any split as the network takes them: (x / 255 − mean) / std per channel."""

    def __init__(self, data: PreparedData | PreparedFolder, device: torch.device) -> None:
        self.scale = (1 / (255 * torch.from_numpy(data.std))).to(device)
        self.shift = torch.from_numpy(data.mean / data.std).to(device)

    def __call__(self, images: Tensor) -> Tensor:
        """Images (b, height, width, channels) as float32 (b, channels, height, width), channels last in memory."""
        return self.scaled(images).permute(0, 3, 1, 2)

    def scaled(self, images: Tensor) -> Tensor:
        """Images of any shape whose last dimension is the channels, as float32 of that shape."""
        return images * self.scale - self.shift
