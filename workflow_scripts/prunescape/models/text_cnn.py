"""A convolutional network for texts (Kim 2014) with the hyperparameters of liao2022 (Table 2) and their defaults.

Two convolutions of stride 3, so that pruning can treat layers unequally; their padding is half a kernel, so that a text
may have any length.
"""

import torch
from torch import nn

from prunescape.models.build import he_normal_convolutions
from prunescape.models.layers import activation_layer, dropout_layer
from prunescape.models.text_layers import embed, initialise_embedding

STRIDE = 3


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
        self.activation, self.act = activation, activation_layer(activation)
        self.embedding = embed(vocabulary, embedding)
        self.conv1 = nn.Conv1d(embedding, filters, kernel, stride=STRIDE, padding=kernel // 2)
        self.conv2 = nn.Conv1d(filters, filters, kernel, stride=STRIDE, padding=kernel // 2)
        self.dense = nn.Linear(filters, units)
        self.dropout = dropout_layer(dropout)
        self.fc = nn.Linear(units, classes)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        x = self.dropout(self.embedding(tokens)).transpose(1, 2)
        x = self.act(self.conv2(self.act(self.conv1(x))))
        x = x.mean(2) if self.pooling == "globalavg" else x.amax(2)
        return self.fc(self.dropout(self.act(self.dense(x))))


def build(model: str, in_channels: int, classes: int, **hyperparameters: int | float | str) -> nn.Module:
    """The one model of this module, `text_cnn`, with the hyperparameters that config/models.py lists.

    `in_channels` is the size of the vocabulary.
    """
    return TextCnn(in_channels, classes, **hyperparameters)


def he_initialise(network: nn.Module) -> None:
    """He normal, fan-in, for convolutions, with the gain of the activation; linear layers keep torch's default.

    The embedding is as Keras has it.
    """
    he_normal_convolutions(network, "fan_in", network.activation)
    initialise_embedding(network.embedding)
