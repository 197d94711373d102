"""CutMix (Yun et al. 2019, 3.1): a random box of each image is that of another one."""

from torch import Tensor

from prunescape.tasks.images.torchvision_import import import_torchvision

import_torchvision()
from torchvision.transforms import v2  # noqa: E402 (after its operators are declared)

ALPHA = 1.0  # of the areas' Beta(α, α): the paper's


def augment(images: Tensor, labels: Tensor, classes: int) -> tuple[Tensor, Tensor]:
    """The cut images, uint8 (b, channels, height, width), and the share of each class by area, (b, classes)."""
    return v2.CutMix(alpha=ALPHA, num_classes=classes)(images, labels)
