"""MixUp (Zhang et al. 2018, 2): a batch and itself in another order, averaged with one random weight."""

from torch import Tensor

from prunescape.tasks.images.torchvision_import import import_torchvision

import_torchvision()
from torchvision.transforms import v2  # noqa: E402 (after its operators are declared)

ALPHA = 0.2  # of the weights' Beta(α, α): the paper's for ImageNet


def augment(images: Tensor, labels: Tensor, classes: int) -> tuple[Tensor, Tensor]:
    """The averaged images (b, channels, height, width), float32, and the share of each class in them, (b, classes)."""
    return v2.MixUp(alpha=ALPHA, num_classes=classes)(images.float(), labels)
