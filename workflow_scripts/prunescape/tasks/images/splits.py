"""A split in memory as batches on the training device, augmented there; streaming.py has those from disk.

A batch holds images, uint8 (b, height, width, channels), and labels (b,).
"""

import copy
from collections.abc import Callable, Iterator
from typing import Self

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from prunescape.tasks.images.augmentations import draw_seed
from prunescape.tasks.subsets import evenly_spread


class Augmenter:
    """Random crops of zero-padded images and random horizontal flips (matthiesen2023, Table 3.3).

    `images` is the whole training set, uint8 (n, height, width, channels): channels come last so that one gather
    moves whole pixels. Padding is black, before normalisation, as torchvision's RandomCrop does it.
    """

    def __init__(self, images: Tensor, *, crop_padding: int, flip: bool, generator: torch.Generator) -> None:
        self.size = images.shape[1:3]
        self.padding, self.flip, self.generator = crop_padding, flip, generator
        self.images = functional.pad(images, (0, 0, crop_padding, crop_padding, crop_padding, crop_padding))

    def batch(self, chosen: Tensor) -> Tensor:
        """Images number `chosen` (b,), each cropped and flipped anew: uint8 (b, height, width, channels)."""
        if not self.padding and not self.flip:
            return self.images[chosen]
        top, left, flipped = to_device(self._drawn(len(chosen)), chosen.device)[:, :, None]
        rows, columns = (
            first + torch.arange(length, device=first.device)
            for first, length in zip((top, left), self.size, strict=True)
        )
        if self.flip:
            columns = torch.where(flipped > 0, columns.flip(1), columns)
        return self.images[chosen[:, None, None], rows[:, :, None], columns[:, None, :]]

    def _drawn(self, count: int) -> Tensor:
        """The random choices for `count` images, (3, count): a crop's first row and column, and 1 where flipped."""
        top, left = (torch.randint(0, 2 * self.padding + 1, (count,), generator=self.generator) for _ in range(2))
        flipped = torch.rand(count, generator=self.generator) < 0.5 if self.flip else torch.zeros(count)
        return torch.stack([top, left, flipped.long()])


def to_device(tensor: Tensor, device: torch.device) -> Tensor:
    """`tensor` from the processor's memory on `device`; a GPU that still computes is not waited for."""
    return tensor.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else tensor


class InMemory:
    """A Split (tasks/contract.py) whole on the training device: images uint8 (n, channels, height, width), labels (n,).

    `augmentation` (crop_padding, flip and generator, as the Augmenter takes them) is for a split that is trained on;
    `augment` changes its batches besides (see augmentations).
    """

    def __init__(
        self,
        images: np.ndarray,
        labels: np.ndarray,
        device: torch.device,
        augmentation: dict | None = None,
        augment: Callable[[Tensor, Tensor, int], tuple[Tensor, Tensor]] | None = None,
    ) -> None:
        self.images = torch.from_numpy(images).permute(0, 2, 3, 1).contiguous().to(device)
        self.labels = torch.from_numpy(labels).to(device)
        self.augmenter = Augmenter(self.images, **augmentation) if augmentation else None
        self.augment = augment

    def __len__(self) -> int:
        return len(self.labels)

    def drawn_from(self, generator: torch.Generator) -> Self:
        other = copy.copy(self)
        other.augmenter = copy.copy(self.augmenter)
        other.augmenter.generator = generator
        return other

    def first(self, count: int) -> tuple[Tensor, Tensor]:
        return self.images[:count], self.labels[:count]

    def evenly_spread(self, count: int) -> tuple[Tensor, Tensor]:
        chosen = to_device(torch.from_numpy(evenly_spread(len(self), count)), self.labels.device)
        return self.images[chosen], self.labels[chosen]

    def shuffled(self, batch_size: int, skip: int = 0) -> Iterator[tuple[Tensor, Tensor]]:
        order = to_device(torch.randperm(len(self.labels), generator=self.augmenter.generator), self.labels.device)
        for number, chosen in enumerate(order.split(batch_size)):
            images, labels = self.augmenter.batch(chosen), self.labels[chosen]
            seed = draw_seed(self.augmenter.generator) if self.augment else None
            if number >= skip:
                yield self.augment(images, labels, seed) if self.augment else (images, labels)

    def in_order(self, batch_size: int) -> Iterator[tuple[Tensor, Tensor]]:
        return zip(self.images.split(batch_size), self.labels.split(batch_size), strict=True)
