"""A convolutional network for texts (Kim 2014) with the hyperparameters of liao2022 (Table 2) and their defaults.

Two convolutions of stride 3, so that pruning can treat layers unequally; their padding is half a kernel, so that a text
may have any length.
"""

import torch
from torch import nn

from prunescape.models.build import he_normal_convolutions
from prunescape.models.text_layers import ACTIVATIONS, embed, initialise_embedding

STRIDE = 3
POOLING = ("globalmax", "globalavg")


class TextCnn(nn.Module):
    """Embedding, two convolutions with `filters` each, global pooling, a dense layer with `units`, a linear layer.

    Takes numbers of tokens (n, length) below `vocabulary`.
    """

    def __init__(
        self,
        vocabulary: int,
        classes: int,
        *,
        filters: int,
        kernel: int,
        units: int,
        embedding: int,
        dropout: float,
        activation: str,
        pooling: str,
    ) -> None:
        super().__init__()
        self.vocabulary, self.pooling = vocabulary, pooling
        self.activation = ACTIVATIONS[activation]
        self.embedding = embed(vocabulary, embedding)
        self.conv1 = nn.Conv1d(embedding, filters, kernel, stride=STRIDE, padding=kernel // 2)
        self.conv2 = nn.Conv1d(filters, filters, kernel, stride=STRIDE, padding=kernel // 2)
        self.dense = nn.Linear(filters, units)
        self.dropout = nn.Dropout(dropout)
        self.fc = nn.Linear(units, classes)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        x = self.dropout(self.embedding(tokens)).transpose(1, 2)
        x = self.activation(self.conv2(self.activation(self.conv1(x))))
        x = x.mean(2) if self.pooling == "globalavg" else x.amax(2)
        return self.fc(self.dropout(self.activation(self.dense(x))))


def build(
    model: str,
    in_channels: int,
    classes: int,
    *,
    filters: int = 128,
    kernel: int = 7,
    units: int = 128,
    embedding: int = 128,
    dropout: float = 0.5,
    activation: str = "relu",
    pooling: str = "globalmax",
) -> nn.Module:
    """The one model of this module, `text_cnn`; `in_channels` is the size of the vocabulary."""
    layers = {"filters": filters, "kernel": kernel, "units": units, "embedding": embedding}
    return TextCnn(in_channels, classes, **layers, dropout=dropout, activation=activation, pooling=pooling)


def he_initialise(network: nn.Module) -> None:
    """He normal, fan-in, for convolutions; the embedding as Keras has it; linear layers keep torch's default."""
    he_normal_convolutions(network, "fan_in")
    initialise_embedding(network.embedding)
