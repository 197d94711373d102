"""A recurrent network for texts: liao2022's LSTM sentiment classification, with the defaults of its Table 2."""

import torch
from torch import nn

from prunescape.models.layers import activation_layer, dropout_layer
from prunescape.models.text_layers import embed, initialise_embedding


class TextLstm(nn.Module):
    """Embedding, one LSTM with `units`, a dense layer with as many, a linear layer.

    Takes numbers of tokens (n, length) below `vocabulary`. The LSTM keeps tanh inside: `activation` is the dense
    layer's.
    """

    def __init__(
        self, vocabulary: int, classes: int, *, units: int, embedding: int, dropout: float, activation: str
    ) -> None:
        super().__init__()
        self.vocabulary = vocabulary
        self.act = activation_layer(activation)
        self.embedding = embed(vocabulary, embedding)
        self.lstm = nn.LSTM(embedding, units, batch_first=True)
        self.dense = nn.Linear(units, units)
        self.dropout = dropout_layer(dropout)
        self.fc = nn.Linear(units, classes)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        outputs, _ = self.lstm(self.dropout(self.embedding(tokens)))
        return self.fc(self.dropout(self.act(self.dense(outputs[:, -1]))))


def build(model: str, in_channels: int, classes: int, **hyperparameters: int | float | str) -> nn.Module:
    """The one model of this module, `text_lstm`, with the hyperparameters that config/models.py lists.

    `in_channels` is the size of the vocabulary.
    """
    return TextLstm(in_channels, classes, **hyperparameters)


def he_initialise(network: nn.Module) -> None:
    """The embedding as Keras has it; the other layers keep torch's default: no layer of it has rectified inputs."""
    initialise_embedding(network.embedding)
