"""ResNet-50 with a stem for 32x32 images and a head with hyperparameters (liao2022, 3.2 and Table 2).

The paper leaves open what its hyperparameters are in ResNet-50. Decided: `kernel` is the stem's, which keeps the
image's size, without the max pooling of large images; `pooling` is that after the last block; `units` are those of a
dense layer between it and the classifier, after which `activation` and `dropout` act. The blocks are ResNet-50's.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import nn

from prunescape.models.build import he_normal_convolutions
from prunescape.models.layers import activation_layer, dropout_layer, image_pooling
from prunescape.models.resnet_imagenet import STAGES, ResNet50


class ResNet50Cifar(ResNet50):
    """Images (n, in_channels, *image_size) to logits (n, classes)."""

    def __init__(
        self,
        in_channels: int,
        image_size: Sequence[int],
        classes: int,
        *,
        units: int,
        kernel: int,
        dropout: float,
        activation: str,
        pooling: str,
    ) -> None:
        super().__init__(in_channels, classes)
        self.activation = activation
        stem, channels = self.conv1.out_channels, self.fc.in_features
        self.conv1 = nn.Conv2d(in_channels, stem, kernel, padding=kernel // 2, bias=False)
        self.pooling = image_pooling(pooling)
        pooled = self.pooling(torch.zeros(1, channels, *(last_side(side, kernel) for side in image_size)))
        self.dense = nn.Linear(pooled[0].numel(), units)
        self.act = activation_layer(activation)
        self.dropout = dropout_layer(dropout)
        self.fc = nn.Linear(units, classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = F.relu(self.bn1(self.conv1(x)))
        x = self.pooling(self.layer4(self.layer3(self.layer2(self.layer1(x)))))
        return self.fc(self.dropout(self.act(self.dense(x.flatten(1)))))


def last_side(side: int, kernel: int) -> int:
    """The height or width of the maps of the last block, from that of the image."""
    side += 2 * (kernel // 2) - kernel + 1  # an even kernel pads one pixel too many
    for _, _, stride in STAGES:
        side = -(-side // stride)
    return side


def build(
    model: str, in_channels: int, classes: int, *, image_size: Sequence[int], **hyperparameters: int | float | str
) -> nn.Module:
    """The one model of this module, `resnet50_cifar`, with the hyperparameters that config/models.py lists."""
    return ResNet50Cifar(in_channels, image_size, classes, **hyperparameters)


def he_initialise(network: nn.Module) -> None:
    """He normal for convolutions, fan-out, and the dense layer, fan-in with its activation's gain; else torch's."""
    he_normal_convolutions(network, "fan_out")
    nn.init.kaiming_normal_(network.dense.weight, mode="fan_in", nonlinearity=network.activation)
