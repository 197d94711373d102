"""Loss functions against their formulas in float64, as Keras documents them (keras.io/api/losses), and autograd."""

import numpy as np
import pytest
import torch
from torch.nn import functional

from prunescape.space.recipe import PARAMETERS, Recipe
from prunescape.training.losses import build_losses

EPSILON = 1e-7
KERAS = {
    "cross_entropy": lambda y, p: -(y * np.log(p)).sum(-1),
    "binary_cross_entropy": lambda y, p: -(y * np.log(p) + (1 - y) * np.log(1 - p)).mean(-1),
    "kl_divergence": lambda y, p: (np.maximum(y, EPSILON) * np.log(np.maximum(y, EPSILON) / p)).sum(-1),
    "poisson": lambda y, p: (p - y * np.log(p + EPSILON)).mean(-1),
    "mean_squared_error": lambda y, p: ((y - p) ** 2).mean(-1),
}
LABELS = torch.tensor([[0, 3, 1, 1, 2], [2, 2, 0, 1, 3]])


def losses_of(name: str, smoothing: float = 0.0):
    return build_losses(Recipe(epochs=1, batch_size=1, loss_function=name, label_smoothing=smoothing))


def logits() -> torch.Tensor:
    return torch.randn(2, 5, 4, generator=torch.Generator().manual_seed(0)) * 2


def test_every_loss_function_is_compared():
    assert set(KERAS) == set(PARAMETERS["loss_function"].levels)


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
@pytest.mark.parametrize("mixed", [False, True])
@pytest.mark.parametrize("name", KERAS)
def test_a_loss_is_its_formula(name, mixed, smoothing):
    """Of plain classes and of shares of classes, of several networks and of one."""
    labels = functional.one_hot(LABELS, 4).float()
    labels = 0.3 * labels + 0.7 * labels.roll(1, 1) if mixed else labels
    given, outputs = (labels if mixed else LABELS), logits()
    found = losses_of(name, smoothing)(outputs, given)
    y, p = labels.double().numpy() * (1 - smoothing) + smoothing / 4, outputs.double().softmax(-1).numpy()
    np.testing.assert_allclose(found, KERAS[name](y, p).mean(1), rtol=1e-5)
    alone = [losses_of(name, smoothing)(outputs[place : place + 1], given[place : place + 1]) for place in range(2)]
    torch.testing.assert_close(torch.cat(alone), found)


def test_cross_entropy_of_one_network_has_torchs_bits():
    outputs = logits()[:1]
    theirs = functional.cross_entropy(outputs[0], LABELS[0])
    assert torch.equal(losses_of("cross_entropy")(outputs, LABELS[:1])[0], theirs)


@pytest.mark.parametrize("name", KERAS)
def test_a_loss_stays_finite_where_a_class_is_impossible(name):
    outputs = torch.tensor([[[200.0, 0, 0, 0]]], requires_grad=True)
    loss = losses_of(name)(outputs, torch.tensor([[1]])).sum()
    loss.backward()
    assert loss.isfinite() and outputs.grad.isfinite().all()


def test_kl_divergence_descends_as_cross_entropy_does():
    """The two differ by the entropy of the labels, which no weight changes."""
    gradients = []
    for name in ("kl_divergence", "cross_entropy"):
        outputs = logits().requires_grad_()
        losses_of(name)(outputs, LABELS).sum().backward()
        gradients.append(outputs.grad)
    torch.testing.assert_close(*gradients, rtol=1e-4, atol=1e-6)
