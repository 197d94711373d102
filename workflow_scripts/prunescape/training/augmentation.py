"""Crops and flips of whole batches, on the device that holds the images. Needs torch."""

import torch
from torch import Tensor
from torch.nn import functional


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
        """The images whose numbers are in `chosen`, (b,), each cropped and flipped anew: uint8 (b, h, w, channels)."""
        if not self.padding and not self.flip:
            return self.images[chosen]
        rows = self._places(len(chosen), self.size[0])
        columns = self._places(len(chosen), self.size[1])
        if self.flip:
            flipped = torch.rand(len(chosen), 1, generator=self.generator) < 0.5
            columns = torch.where(flipped, columns.flip(1), columns)
        place = (chosen[:, None, None], rows[:, :, None], columns[:, None, :])
        return self.images[tuple(index.to(self.images.device) for index in place)]

    def _places(self, count: int, length: int) -> Tensor:
        """For each image, the `length` rows or columns that its crop takes: (count, length)."""
        start = torch.randint(0, 2 * self.padding + 1, (count, 1), generator=self.generator)
        return start + torch.arange(length)
