"""The embedding of tokens, as networks for texts have it."""

import torch
from torch import nn

PADDING = 0  # the number of no token, as tasks/text/tokens.py has it
LARGEST = 0.05  # Keras' default; torch's standard normal vectors drown what a short training learns


def embed(vocabulary: int, size: int) -> nn.Embedding:
    """Vectors (vocabulary, size); that of PADDING is and stays zero."""
    return nn.Embedding(vocabulary, size, padding_idx=PADDING)


def initialise_embedding(embedding: nn.Embedding) -> None:
    """Uniform in ±LARGEST, but for the zeros of PADDING."""
    nn.init.uniform_(embedding.weight, -LARGEST, LARGEST)
    with torch.no_grad():
        embedding.weight[PADDING] = 0
