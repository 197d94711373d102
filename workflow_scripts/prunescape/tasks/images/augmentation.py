"""Crops and flips of whole batches, on the device that holds the images."""

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
        """The images whose numbers are in `chosen`, (b,) on their device, each cropped and flipped anew.

        uint8 (b, height, width, channels).
        """
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
