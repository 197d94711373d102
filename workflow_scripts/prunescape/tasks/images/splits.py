"""A split in memory as batches on the training device; streaming.py has those from disk.

A batch holds images, uint8 (b, height, width, channels), and labels (b,).
"""

from __future__ import annotations

import copy
from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from prunescape.tasks.images.augmentation import Augmenter, to_device


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
        """The same images, shuffled, cropped and flipped by another generator."""
        other = copy.copy(self)
        other.augmenter = copy.copy(self.augmenter)
        other.augmenter.generator = generator
        return other

    def first(self, count: int) -> tuple[Tensor, Tensor]:
        """The first images as they are, all of them where there are fewer."""
        return self.images[:count], self.labels[:count]

    def shuffled(self, batch_size: int, skip: int = 0) -> Iterator[tuple[Tensor, Tensor]]:
        """Every image once, in random order, cropped and flipped anew; the last batch may be smaller."""
        order = to_device(torch.randperm(len(self.labels), generator=self.augmenter.generator), self.labels.device)
        for number, chosen in enumerate(order.split(batch_size)):
            images = self.augmenter.batch(chosen)
            if number >= skip:
                yield images, self.labels[chosen]

    def in_order(self, batch_size: int) -> Iterator[tuple[Tensor, Tensor]]:
        """Every image once, as it is, in the stored order."""
        return zip(self.images.split(batch_size), self.labels.split(batch_size), strict=True)
