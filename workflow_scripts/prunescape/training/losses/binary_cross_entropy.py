"""Binary cross-entropy of every class by itself, as Keras' binary_crossentropy computes it."""

from torch import Tensor

from prunescape.training.losses.probabilities import EPSILON, probabilities_and_shares


def losses(outputs: Tensor, labels: Tensor, *, smoothing: float) -> Tensor:
    """The mean over images and classes of −y log p − (1 − y) log(1 − p), (k,); p is kept ε away from 0 and 1."""
    found, shares = probabilities_and_shares(outputs, labels, smoothing)
    found = found.clamp(EPSILON, 1 - EPSILON)
    return -(shares * found.log() + (1 - shares) * (1 - found).log()).mean((1, 2))
