"""The small image classifier of liao2022 (3.2 and 3.3): two convolutions with pooling, dropout, one linear layer.

The paper takes it from TensorFlow's site, says that it has 6 layers, and lists filters, kernel size, dropout,
activation and pooling as hyperparameters (Table 2), but prints no more. Decided: convolution, pooling, convolution,
pooling, dropout, linear. Both convolutions have `filters` filters, the second of which can be pruned; there is no batch
norm.
"""

from collections.abc import Sequence

import torch
from torch import nn

from prunescape.models.build import he_normal_convolutions
from prunescape.models.layers import activation_layer, dropout_layer, image_pooling


class ImageCnn(nn.Module):
    """Images (n, in_channels, *image_size) to logits (n, classes); a convolution pads by half its kernel."""

    def __init__(
        self,
        in_channels: int,
        image_size: Sequence[int],
        classes: int,
        *,
        filters: int,
        kernel: int,
        dropout: float,
        activation: str,
        pooling: str,
    ) -> None:
        super().__init__()
        self.activation = activation
        self.features = nn.Sequential()
        for channels in (in_channels, filters):
            self.features.append(nn.Conv2d(channels, filters, kernel, padding=kernel // 2))
            self.features.append(activation_layer(activation))
            self.features.append(image_pooling(pooling))
        with torch.no_grad():
            pooled = self.features(torch.zeros(1, in_channels, *image_size))
        self.dropout = dropout_layer(dropout)
        self.fc = nn.Linear(pooled[0].numel(), classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.fc(self.dropout(self.features(x).flatten(1)))


def build(
    model: str, in_channels: int, classes: int, *, image_size: Sequence[int], **hyperparameters: int | float | str
) -> nn.Module:
    """The one model of this module, `image_cnn`, with the hyperparameters that config/models.py lists."""
    return ImageCnn(in_channels, image_size, classes, **hyperparameters)


def he_initialise(network: nn.Module) -> None:
    """He normal, fan-in, for convolutions, with the gain of the activation; the linear layer keeps torch's default."""
    he_normal_convolutions(network, "fan_in", network.activation)
