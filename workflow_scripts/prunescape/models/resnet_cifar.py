"""ResNets for small images (He et al. 2015b, section 4.2) with parameter-free shortcuts (option A).

After Idelbayev (2018), the source that matthiesen2023 (3.1.2) names; any input size of at least one pixel.
"""

import torch
import torch.nn.functional as F
from torch import nn

from prunescape.models.build import he_normal_convolutions


class Shortcut(nn.Module):
    """Option A: every second pixel, new channels zero, half of them on either side."""

    def __init__(self, new_channels: int, stride: int) -> None:
        super().__init__()
        self.before, self.after, self.stride = new_channels // 2, new_channels - new_channels // 2, stride

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.pad(x[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, self.before, self.after))


class BasicBlock(nn.Module):
    """Two 3x3 convolutions and a shortcut around them."""

    def __init__(self, in_channels: int, channels: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, channels, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        same = stride == 1 and in_channels == channels
        self.shortcut = nn.Identity() if same else Shortcut(channels - in_channels, stride)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out = F.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        return F.relu(out + self.shortcut(x))


class CifarResNet(nn.Module):
    """6n + 2 layers: three stages of n blocks with 16, 32 and 64 channels, global average pooling, one linear layer."""

    def __init__(self, blocks: int, in_channels: int, classes: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, 16, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        self.layer1 = self._stage(16, 16, blocks, stride=1)
        self.layer2 = self._stage(16, 32, blocks, stride=2)
        self.layer3 = self._stage(32, 64, blocks, stride=2)
        self.fc = nn.Linear(64, classes)

    @staticmethod
    def _stage(in_channels: int, channels: int, blocks: int, stride: int) -> nn.Sequential:
        rest = [BasicBlock(channels, channels, 1) for _ in range(blocks - 1)]
        return nn.Sequential(BasicBlock(in_channels, channels, stride), *rest)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = F.relu(self.bn1(self.conv1(x)))
        x = self.layer3(self.layer2(self.layer1(x)))
        return self.fc(x.mean((2, 3)))


def build(model: str, in_channels: int, classes: int) -> nn.Module:
    """`model` is resnetD with D = 6n + 2: resnet8, resnet20, ..., resnet110."""
    depth = int(model.removeprefix("resnet"))
    return CifarResNet((depth - 2) // 6, in_channels, classes)


def he_initialise(network: nn.Module) -> None:
    """He normal, fan-in, for convolutions and the linear layer's weight (Idelbayev 2018); its bias stays torch's."""
    he_normal_convolutions(network, "fan_in")
    nn.init.kaiming_normal_(network.fc.weight, mode="fan_in", nonlinearity="relu")
