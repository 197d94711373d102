"""What Keras' losses are of: a softmax, and the share of each class."""

from torch import Tensor
from torch.nn import functional

EPSILON = 1e-7  # keras.backend.epsilon


def probabilities_and_shares(outputs: Tensor, labels: Tensor, smoothing: float) -> tuple[Tensor, Tensor]:
    """The softmax of logits (k, b, classes), and of each class its share, smoothed: (1 − s) y + s / classes."""
    classes = outputs.shape[-1]
    shares = labels if labels.is_floating_point() else functional.one_hot(labels, classes)
    return outputs.softmax(-1), shares.to(outputs.dtype) * (1 - smoothing) + smoothing / classes
