"""Kullback–Leibler divergence, as Keras' kl_divergence computes it.

Its gradient is that of cross-entropy: the two differ by the entropy of the labels, which is 0 for plain classes.
"""

from torch import Tensor

from prunescape.training.losses.probabilities import EPSILON, probabilities_and_shares


def losses(outputs: Tensor, labels: Tensor, *, smoothing: float) -> Tensor:
    """The mean over images of Σ y log(y / p), (k,); y and p are at least ε."""
    found, shares = probabilities_and_shares(outputs, labels, smoothing)
    found, shares = found.clamp(EPSILON, 1), shares.clamp(EPSILON, 1)
    return (shares * (shares / found).log()).sum(2).mean(1)
