"""M5, a convolutional network for raw waveforms (Dai et al. 2017, arXiv:1610.00087, Table 1), in two sizes.

`m5` has the paper's stride and channels, `m5_small` those of torchaudio's tutorial on Speech Commands. Decided:
convolutions have no padding, as in the tutorial, and weights are drawn as those of our other networks (He normal).
"""

import torch
from torch import nn

from prunescape.models.build import he_normal_convolutions

FIRST_KERNEL, KERNEL, POOLED = 80, 3, 4
# the stride of the first convolution, and the channels of all four
SIZES = {"m5": (4, (128, 128, 256, 512)), "m5_small": (16, (32, 32, 64, 64))}


class M5(nn.Module):
    """Four convolutions, each with batch norm, ReLU and max pooling; the mean over time; a linear layer.

    Takes waves (n, in_channels, samples), gives logits (n, classes).
    """

    def __init__(self, in_channels: int, classes: int, stride: int, channels: tuple[int, ...]) -> None:
        super().__init__()
        self.features = nn.Sequential()
        shapes = [(FIRST_KERNEL, stride), *[(KERNEL, 1)] * (len(channels) - 1)]
        entering = (in_channels, *channels[:-1])
        for number, (before, width, shape) in enumerate(zip(entering, channels, shapes, strict=True), start=1):
            self.features.add_module(f"conv{number}", nn.Conv1d(before, width, *shape))
            self.features.add_module(f"norm{number}", nn.BatchNorm1d(width))
            self.features.add_module(f"relu{number}", nn.ReLU(inplace=True))
            self.features.add_module(f"pool{number}", nn.MaxPool1d(POOLED))
        self.fc = nn.Linear(channels[-1], classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.fc(self.features(x).mean(2))


def build(model: str, in_channels: int, classes: int) -> nn.Module:
    """The network of this name in SIZES."""
    return M5(in_channels, classes, *SIZES[model])


def he_initialise(network: nn.Module) -> None:
    """He normal, fan-in, for convolutions; the linear layer keeps torch's default."""
    he_normal_convolutions(network, "fan_in")
