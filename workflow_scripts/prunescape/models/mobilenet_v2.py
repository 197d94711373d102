"""MobileNetV2 for 32x32 images (Sandler et al. 2018), with the strides of Chen (2018).

Chen's code is the source that matthiesen2023 (3.1.2) names: the first block, too, has a 1x1 expansion, the classifier
is one linear layer, and there is no dropout.
"""

import torch
import torch.nn.functional as F
from torch import nn

from prunescape.models.build import he_normal_convolutions

# expansion, output channels, blocks, stride of the first block (matthiesen2023, Table 2.2)
STAGES = ((1, 16, 1, 1), (6, 24, 2, 1), (6, 32, 3, 1), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1))


class InvertedResidual(nn.Module):
    """1x1 expansion, 3x3 depthwise, linear 1x1 projection; a shortcut where input and output have one shape."""

    def __init__(self, in_channels: int, channels: int, stride: int, expansion: int) -> None:
        super().__init__()
        hidden = in_channels * expansion
        self.conv1 = nn.Conv2d(in_channels, hidden, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(hidden)
        self.conv2 = nn.Conv2d(hidden, hidden, 3, stride=stride, padding=1, groups=hidden, bias=False)
        self.bn2 = nn.BatchNorm2d(hidden)
        self.conv3 = nn.Conv2d(hidden, channels, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(channels)
        self.shortcut = stride == 1 and in_channels == channels

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out = F.relu6(self.bn1(self.conv1(x)))
        out = F.relu6(self.bn2(self.conv2(out)))
        out = self.bn3(self.conv3(out))
        return x + out if self.shortcut else out


class MobileNetV2(nn.Module):
    """3x3 stem with 32 channels, seven stages of inverted residuals, 1x1 head with 1280, pooling, one linear layer."""

    def __init__(self, in_channels: int, classes: int) -> None:
        super().__init__()
        self.stem = nn.Conv2d(in_channels, 32, 3, padding=1, bias=False)
        self.stem_bn = nn.BatchNorm2d(32)
        blocks, width = [], 32
        for expansion, channels, count, stride in STAGES:
            for index in range(count):
                blocks.append(InvertedResidual(width, channels, stride if index == 0 else 1, expansion))
                width = channels
        self.blocks = nn.Sequential(*blocks)
        self.head = nn.Conv2d(width, 1280, 1, bias=False)
        self.head_bn = nn.BatchNorm2d(1280)
        self.fc = nn.Linear(1280, classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = F.relu6(self.stem_bn(self.stem(x)))
        x = self.blocks(x)
        x = F.relu6(self.head_bn(self.head(x)))
        return self.fc(x.mean((2, 3)))


def build(model: str, in_channels: int, classes: int) -> nn.Module:
    """The one model of this module, `mobilenet_v2`."""
    return MobileNetV2(in_channels, classes)


def he_initialise(network: nn.Module) -> None:
    """He normal with std sqrt(2 / (k k out)) for convolutions (Chen 2018); the linear layer keeps torch's default."""
    he_normal_convolutions(network, "fan_out")
