"""The ResNet-8 of MLPerf Tiny's image classification (Banbury et al. 2021), after its Keras definition of 16 filters.

github.com/mlcommons/tiny, benchmark/training/image_classification/keras_model.py. Unlike the ResNet-8 of He et al. its
convolutions have biases, and its shortcuts are 1x1 convolutions without batch norm. Decided: a convolution pads alike
on all sides; Keras' `same` pads an image that it halves on the right and below only.
"""

import torch
import torch.nn.functional as F
from torch import nn

from prunescape.models.build import he_normal_convolutions

FILTERS = 16


def batch_norm(channels: int) -> nn.BatchNorm2d:
    """With Keras' defaults: ε 0.001, and running statistics that keep 0.99 of the past."""
    return nn.BatchNorm2d(channels, eps=1e-3, momentum=0.01)


class Block(nn.Module):
    """Two 3x3 convolutions and a shortcut around them: a 1x1 convolution where the number of channels changes."""

    def __init__(self, in_channels: int, channels: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, channels, 3, stride=stride, padding=1)
        self.bn1 = batch_norm(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1)
        self.bn2 = batch_norm(channels)
        same = in_channels == channels
        self.shortcut = nn.Identity() if same else nn.Conv2d(in_channels, channels, 1, stride=stride)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out = F.relu(self.bn1(self.conv1(x)))
        return F.relu(self.shortcut(x) + self.bn2(self.conv2(out)))


class MlperfTinyResNet(nn.Module):
    """A convolution, three blocks with 16, 32 and 64 channels, global average pooling, one linear layer."""

    def __init__(self, in_channels: int, classes: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, FILTERS, 3, padding=1)
        self.bn1 = batch_norm(FILTERS)
        self.block1 = Block(FILTERS, FILTERS, stride=1)
        self.block2 = Block(FILTERS, 2 * FILTERS, stride=2)
        self.block3 = Block(2 * FILTERS, 4 * FILTERS, stride=2)
        self.fc = nn.Linear(4 * FILTERS, classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = F.relu(self.bn1(self.conv1(x)))
        x = self.block3(self.block2(self.block1(x)))
        return self.fc(x.mean((2, 3)))


def build(model: str, in_channels: int, classes: int) -> nn.Module:
    """The one model of this module, `resnet8_mlperf_tiny`."""
    return MlperfTinyResNet(in_channels, classes)


def he_initialise(network: nn.Module) -> None:
    """He normal, fan-in, for convolutions and the linear layer's weight, biases 0: as Keras has it, not truncated."""
    he_normal_convolutions(network, "fan_in")
    nn.init.kaiming_normal_(network.fc.weight, mode="fan_in", nonlinearity="relu")
    nn.init.zeros_(network.fc.bias)
