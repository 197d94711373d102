"""A recurrent network for texts: liao2022's LSTM sentiment classification, with the defaults of its Table 2."""

import torch
from torch import nn

from prunescape.models.text_layers import ACTIVATIONS, embed, initialise_embedding


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
        self.activation = ACTIVATIONS[activation]
        self.embedding = embed(vocabulary, embedding)
        self.lstm = nn.LSTM(embedding, units, batch_first=True)
        self.dense = nn.Linear(units, units)
        self.dropout = nn.Dropout(dropout)
        self.fc = nn.Linear(units, classes)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        outputs, _ = self.lstm(self.dropout(self.embedding(tokens)))
        return self.fc(self.dropout(self.activation(self.dense(outputs[:, -1]))))


def build(
    model: str,
    in_channels: int,
    classes: int,
    *,
    units: int = 64,
    embedding: int = 128,
    dropout: float = 0.5,
    activation: str = "tanh",
) -> nn.Module:
    """The one model of this module, `text_lstm`; `in_channels` is the size of the vocabulary."""
    layers = {"units": units, "embedding": embedding}
    return TextLstm(in_channels, classes, **layers, dropout=dropout, activation=activation)


def he_initialise(network: nn.Module) -> None:
    """The embedding as Keras has it; the other layers keep torch's default: no layer of it has rectified inputs."""
    initialise_embedding(network.embedding)
