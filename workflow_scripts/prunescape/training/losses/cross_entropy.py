"""Categorical cross-entropy, −Σ y log p, of a softmax p and the share y of each class."""

from torch import Tensor
from torch.nn import functional


def losses(outputs: Tensor, labels: Tensor, *, smoothing: float) -> Tensor:
    """Mean cross-entropy (k,) of logits (k, b, classes)."""
    if len(outputs) == 1:  # torch's mean adds up in another order
        return functional.cross_entropy(outputs[0], labels[0], label_smoothing=smoothing)[None]
    joined = outputs.flatten(0, 1), labels.flatten(0, 1)
    each = functional.cross_entropy(*joined, reduction="none", label_smoothing=smoothing)
    return each.view(outputs.shape[:2]).mean(1)
