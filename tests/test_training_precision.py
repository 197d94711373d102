"""Training in bf16: what is in 16 bits and what is not, and how `auto` is settled once and for all."""

import numpy as np
import pytest
import torch
from torch import nn

from declare_experiment import declare_experiment
from prunescape.data.preparing import write_prepared
from prunescape.files import read_json
from prunescape.training import probe
from prunescape.training.loop import forward

CPU = torch.device("cpu")
RECIPE = {"epochs": 1, "batch_size": 8, "precision": "auto"}
NETWORK = {"architecture": "resnet_cifar", "model": "resnet8", "device": "cpu"}


@pytest.fixture
def identity(tmp_path):
    """The identity of sixteen black images in two classes."""
    arrays = {}
    for split in ("train", "test"):
        arrays[f"{split}_images"] = np.zeros((16, 1, 8, 8), np.uint8)
        arrays[f"{split}_labels"] = np.arange(16) % 2
    arrays["train_images"][0] = 255
    write_prepared(arrays, dataset="black", data=tmp_path / "black.npz", identity=tmp_path / "black.json")
    return tmp_path / "black.json"


def test_products_are_rounded_to_16_bits_and_weights_and_gradients_are_not():
    """Against a product of operands that torch rounded to bfloat16 itself, summed in more than that."""
    torch.manual_seed(0)
    layer, images = nn.Linear(64, 5, bias=False), torch.randn(3, 64)
    rounded = images.bfloat16().double() @ layer.weight.detach().bfloat16().double().T
    logits = forward(layer, images, "bf16")
    assert logits.dtype == layer.weight.dtype == torch.float32
    assert torch.equal(logits, rounded.bfloat16().float())
    assert torch.equal(forward(layer, images, "fp32"), layer(images)) and not torch.equal(logits, layer(images))
    logits.sum().backward()
    assert layer.weight.grad.dtype == torch.float32


@pytest.mark.parametrize(("seconds", "settled"), [((1.0, 0.5), "bf16"), ((1.0, 0.95), "fp32"), ((1.0, 3.0), "fp32")])
def test_the_faster_one_is_taken_where_it_is_worth_it(monkeypatch, identity, tmp_path, seconds, settled):
    taken = dict(zip(probe.PRECISIONS, seconds, strict=True))
    monkeypatch.setattr(probe, "throwaway_step", lambda *arguments: arguments[-1])
    monkeypatch.setattr(probe, "seconds_of", lambda step, device, count=1: taken[step])
    declare_experiment(RECIPE, "code", identity=identity, out=tmp_path / "shared.json", network=NETWORK)
    assert read_json(tmp_path / "shared.json")["recipe"] == RECIPE | {"precision": settled}


def test_a_probe_really_trains_and_leaves_the_weights_as_they_are():
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(2, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(144, 3))
    before = {name: value.clone() for name, value in network.state_dict().items()}
    assert probe.faster_precision(network, (2, 8, 8), 5, CPU) in probe.PRECISIONS
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    assert probe.seconds_of(probe.throwaway_step(network, (2, 8, 8), 5, CPU, "bf16"), CPU) > 0


def test_a_given_precision_is_not_probed(monkeypatch, identity, tmp_path):
    monkeypatch.setattr(probe, "faster_precision", None)
    declare_experiment(RECIPE | {"precision": "bf16"}, "code", identity=identity, out=tmp_path / "shared.json")
    assert read_json(tmp_path / "shared.json")["recipe"]["precision"] == "bf16"
