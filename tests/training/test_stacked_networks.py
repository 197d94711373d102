"""Which networks with hyperparameters of their own train as one on a GPU."""

import pytest
import torch

from prunescape.config.models import network_values
from prunescape.models.build import build_model, initialise
from prunescape.space.cells import Cell
from prunescape.space.settings import Setting
from prunescape.space.variants import BASE
from prunescape.training.stack import stack_networks
from train_cell import together_of


def networks(**given):
    known = {"in_channels": 1, "image_size": (8, 8), "classes": 10}
    values = network_values("image_cnn", given)
    made = [build_model("image_cnn", "image_cnn", **known, hyperparameters=values) for _ in range(2)]
    return [initialise(network, seed).train() for seed, network in enumerate(made)]


@pytest.mark.parametrize(("pooling", "activation"), [("max", "relu"), ("avg", "tanh")])
def test_networks_without_dropout_compute_the_same_as_one(pooling, activation):
    alone = networks(dropout=0, pooling=pooling, activation=activation)
    images = torch.randn(5, 2, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    wanted = [network(images[:, place]) for place, network in enumerate(alone)]
    torch.testing.assert_close(stack_networks(alone)(images), torch.stack(wanted), rtol=1e-4, atol=1e-5)


def test_networks_with_dropout_are_not_stacked():
    """`most_together` takes this error for "trained alone": each would draw what the others leave it."""
    with pytest.raises(RuntimeError, match="random operation"):
        stack_networks(networks(dropout=0.5))(torch.zeros(5, 2, 1, 8, 8))


def test_only_cells_of_one_network_train_together():
    def key(**setting):
        cell = Cell("e", BASE, Setting.of(setting))
        return together_of("cuda", cell.content, f"{cell.variant_path}/widths.json", "auto").key

    first = key(filters=6, dropout=0, log10_lr=-1)
    assert first == key(filters=6, dropout=0, log10_lr=-2)
    assert first not in (key(filters=12, dropout=0, log10_lr=-1), key(filters=6, dropout=0.1, log10_lr=-1))
