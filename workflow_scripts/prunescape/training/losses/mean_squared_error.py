"""Mean squared error of a softmax (Brier's score over the classes), as Keras' mean_squared_error computes it."""

from torch import Tensor

from prunescape.training.losses.probabilities import probabilities_and_shares


def losses(outputs: Tensor, labels: Tensor, *, smoothing: float) -> Tensor:
    """The mean over images and classes of (y − p)², (k,)."""
    found, shares = probabilities_and_shares(outputs, labels, smoothing)
    return (shares - found).square().mean((1, 2))
