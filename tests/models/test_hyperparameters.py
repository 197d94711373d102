"""Networks with hyperparameters: what each one changes, cost in closed form, initialisation, pruning, export."""

import math

import numpy as np
import pytest
import torch
from torch import nn

from prunescape.config.models import NETWORKS, network_values
from prunescape.deploy.export import export_model
from prunescape.models.build import build_model, initialise
from prunescape.models.counting import count_flops, count_parameters
from prunescape.models.resnet50_cifar import last_side
from prunescape.pruning.planning import plan_widths
from prunescape.pruning.prunable import find_prunable


def network_of(model, shape=(1, 28, 28), **given):
    known = {"in_channels": shape[0], "image_size": shape[1:], "hyperparameters": network_values(model, given)}
    return initialise(build_model(model, model, classes=10, **known), 0)


@pytest.mark.parametrize("model", NETWORKS)
def test_a_model_takes_the_hyperparameters_that_the_config_lists(model):
    with pytest.raises(TypeError, match="unexpected keyword argument 'embedings'"):
        shape = {"in_channels": 3, "classes": 10, "image_size": (32, 32)}
        build_model(model, model, **shape, hyperparameters=network_values(model, {}) | {"embedings": 1})


@pytest.mark.parametrize(("filters", "kernel"), [(12, 3), (6, 5), (24, 9)])
def test_the_small_cnn_costs_what_its_layers_do(filters, kernel):
    """2 x multiply-accumulates: k² · in · out per pixel of an odd kernel; pooling halves 28 to 14 and to 7 pixels."""
    network = network_of("image_cnn", filters=filters, kernel=kernel)
    products = kernel**2 * filters * (28**2 + filters * 14**2) + 7**2 * filters * 10
    assert count_flops(network, (1, 28, 28)) == 2 * products
    weights = kernel**2 * filters * (1 + filters) + 7**2 * filters * 10
    assert count_parameters(network) == weights + 2 * filters + 10


@pytest.mark.parametrize(("activation", "gain"), [("relu", math.sqrt(2)), ("tanh", 5 / 3), ("sigmoid", 1)])
def test_the_activation_sets_the_gain_of_initial_weights(activation, gain):
    """He et al. 2015a for relu; torch.nn.init.calculate_gain for the others: std = gain / sqrt(fan-in)."""
    weight = network_of("image_cnn", filters=96, activation=activation).features[3].weight
    assert weight.std().item() == pytest.approx(gain / math.sqrt(9 * 96), rel=0.02)
    dense = network_of("resnet50_cifar", (3, 32, 32), activation=activation).dense.weight
    assert dense.std().item() == pytest.approx(gain / math.sqrt(2048), rel=0.02)


def test_layer_decisions_are_the_layers_named():
    kinds = {type(module) for module in network_of("image_cnn", activation="tanh", pooling="avg").modules()}
    assert {nn.Tanh, nn.AvgPool2d, nn.Dropout} <= kinds and not {nn.ReLU, nn.MaxPool2d} & kinds
    assert not any(isinstance(module, nn.Dropout) for module in network_of("image_cnn", dropout=0).modules())


@pytest.mark.parametrize(("pooling", "pixels"), [("globalavg", 1), ("globalmax", 1), ("max", 4), ("avg", 4)])
def test_resnet50_for_small_images_pools_and_has_a_dense_layer(pooling, pixels):
    """The blocks leave 4 x 4 pixels of 32 x 32: strides 2, 2 and 2 (matthiesen2023, Table 2.1)."""
    network = network_of("resnet50_cifar", (3, 32, 32), pooling=pooling, units=64, kernel=5)
    assert network.dense.in_features == 2048 * pixels and network.fc.in_features == network.dense.out_features == 64
    assert network.conv1.kernel_size == (5, 5) and network.conv1.stride == (1, 1)
    assert find_prunable(network, (3, 32, 32)).refused["dense"] == "it is outside any residual block"


@pytest.mark.parametrize(("side", "kernel"), [(32, 7), (32, 4), (8, 3), (33, 9), (1, 3)])
def test_the_last_maps_have_the_size_that_the_network_makes(side, kernel):
    network = network_of("resnet50_cifar", (1, side, side), kernel=kernel, pooling="globalavg").eval()
    seen = []
    network.layer4.register_forward_hook(lambda module, entering, maps: seen.append(maps.shape[-1]))
    network(torch.zeros(1, 1, side, side))
    assert seen == [last_side(side, kernel)]


@pytest.mark.parametrize(
    ("model", "shape", "given"),
    [
        ("image_cnn", (1, 28, 28), {}),
        ("image_cnn", (1, 7, 9), {"pooling": "avg", "kernel": 4, "activation": "sigmoid"}),
        ("image_cnn", (3, 1, 1), {"activation": "tanh"}),
        ("resnet50_cifar", (1, 17, 17), {"pooling": "avg", "activation": "tanh", "kernel": 3}),
        ("resnet50_cifar", (1, 8, 8), {"pooling": "globalmax"}),
    ],
)
def test_pruned_networks_export_to_onnx(model, shape, given, tmp_path):
    """`export_model` refuses a file whose logits are not torch's."""
    network = network_of(model, shape, **given)
    plan = plan_widths(network, shape, method="nonuniform", ratio=0.6 if shape[1] > 1 else 0.7)
    images = np.random.default_rng(0).normal(size=(4, *shape)).astype(np.float32)
    scaling = {"mean": [0.0] * shape[0], "std": [1.0] * shape[0]}
    parity = export_model(plan.network, images, tmp_path / "rank-1.onnx", **scaling)
    assert parity["top1_agreement"] == 1 and plan.parameters < plan.parameters_base
