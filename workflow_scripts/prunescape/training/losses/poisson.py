"""Poisson loss, as Keras' poisson computes it."""

from torch import Tensor

from prunescape.training.losses.probabilities import EPSILON, probabilities_and_shares


def losses(outputs: Tensor, labels: Tensor, *, smoothing: float) -> Tensor:
    """The mean over images and classes of p − y log(p + ε), (k,)."""
    found, shares = probabilities_and_shares(outputs, labels, smoothing)
    return (found - shares * (found + EPSILON).log()).mean((1, 2))
