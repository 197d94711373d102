"""ResNet-50 for 224x224 images as torchvision builds it (v1.5: the stride is in the 3x3 convolution).

Layers bear torchvision's names, so its weights load unchanged; torchvision itself is not needed.
"""

import torch
import torch.nn.functional as F
from torch import nn

from prunescape.models.build import he_normal_convolutions

# width, blocks, stride of the first block (matthiesen2023, Table 2.1)
STAGES = ((64, 3, 1), (128, 4, 2), (256, 6, 2), (512, 3, 2))
EXPANSION = 4


class Bottleneck(nn.Module):
    """1x1 reduction, 3x3, 1x1 expansion to four times the width, and a shortcut around them."""

    def __init__(self, in_channels: int, width: int, stride: int) -> None:
        super().__init__()
        channels = width * EXPANSION
        self.conv1 = nn.Conv2d(in_channels, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride=stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, channels, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(channels)
        self.downsample = nn.Identity()
        if stride != 1 or in_channels != channels:
            projection = nn.Conv2d(in_channels, channels, 1, stride=stride, bias=False)
            self.downsample = nn.Sequential(projection, nn.BatchNorm2d(channels))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out = F.relu(self.bn1(self.conv1(x)))
        out = F.relu(self.bn2(self.conv2(out)))
        out = self.bn3(self.conv3(out))
        return F.relu(out + self.downsample(x))


class ResNet50(nn.Module):
    """7x7 stem, max pooling, four stages of bottlenecks, global average pooling, one linear layer."""

    def __init__(self, in_channels: int, classes: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, 64, 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        channels = 64
        for number, (width, count, stride) in enumerate(STAGES, start=1):
            first = Bottleneck(channels, width, stride)
            channels = width * EXPANSION
            rest = [Bottleneck(channels, width, 1) for _ in range(count - 1)]
            self.add_module(f"layer{number}", nn.Sequential(first, *rest))
        self.fc = nn.Linear(channels, classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = F.max_pool2d(F.relu(self.bn1(self.conv1(x))), 3, stride=2, padding=1)
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.fc(x.mean((2, 3)))


def build(model: str, in_channels: int, classes: int) -> nn.Module:
    """The one model of this module, `resnet50`."""
    return ResNet50(in_channels, classes)


def he_initialise(network: nn.Module) -> None:
    """He normal, fan-out, for convolutions, as torchvision; the linear layer keeps torch's default, as there."""
    he_normal_convolutions(network, "fan_out")
