"""RandAugment (Cubuk et al. 2020, 3): two random operations on each image, at magnitude 9 of 31."""

import torch
from torch import Tensor

from prunescape.tasks.images.torchvision_import import import_torchvision

import_torchvision()
from torchvision.transforms import v2  # noqa: E402 (after its operators are declared)


def augment(images: Tensor, labels: Tensor, classes: int) -> tuple[Tensor, Tensor]:
    """The images, uint8 (b, channels, height, width), each changed by operations of its own; labels stay."""
    transform = v2.RandAugment(num_ops=2, magnitude=9)
    return torch.stack([transform(image) for image in images]), labels
