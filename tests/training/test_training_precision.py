"""Precisions of training: what is computed how exactly, and how `auto` is settled once and for all."""

from functools import partial

import numpy as np
import pytest
import torch
from torch import nn

from declare_experiment import declare_experiment
from prunescape.config.models import architecture_of
from prunescape.errors import InputError
from prunescape.space.recipe import Recipe
from prunescape.store.files import read_json, write_json
from prunescape.tasks.images.preparing import write_prepared
from prunescape.tasks.images.task import Task, example_data
from prunescape.training import probe
from prunescape.training.device import check_precision, computed_in, forward, offered_by
from prunescape.training.loop import Batch

CPU = torch.device("cpu")
DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")
RECIPE = {"epochs": 1, "batch_size": 8, "precision": "auto"}
PRIOR = {"log10_lr": -1.0, "log10_wd": -4.0}
PROBE = {"architecture": "resnet_cifar", "model": "resnet8", "hyperparameters": {}, "device": "cpu", "prior": PRIOR}


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


@pytest.mark.parametrize(
    ("model", "batch_sizes", "refused"),
    [
        ("resnet8", [5, 8, 3], False),  # its last feature maps have four pixels: one image is enough
        ("torchvision:mobilenet_v3_small", [8, 4], False),
        ("torchvision:mobilenet_v3_small", [8, 5], True),
        ("torchvision:mobilenet_v3_small", [1], True),
    ],
)
def test_a_last_batch_of_one_image_is_refused_where_batch_norm_has_one_value(
    identity, tmp_path, model, batch_sizes, refused
):
    """Sixteen images: of batches of 3 and 5 one image is left. torch itself refuses to train on it."""
    write_json(identity, read_json(identity) | {"shape": [1 if model == "resnet8" else 3, 8, 8]})
    probed = PROBE | {"model": model, "architecture": architecture_of(model)}
    declare = partial(declare_experiment, RECIPE | {"precision": "fp32"}, "code", identity=identity, probe=probed)
    if not refused:
        return declare(out=tmp_path / "shared.json", batch_sizes=batch_sizes)
    with pytest.raises(InputError, match=r"batch_size: [15]: the last batch would have 1 example.*another batch_size"):
        declare(out=tmp_path / "shared.json", batch_sizes=batch_sizes)


def test_a_part_of_the_images_may_not_leave_one_of_them_alone(identity, tmp_path):
    """Of sixteen images in batches of 4 none is left; of 80 % of them, thirteen, one is."""
    probed = PROBE | {"model": "torchvision:mobilenet_v3_small", "architecture": "torchvision_models"}
    write_json(identity, read_json(identity) | {"shape": [3, 8, 8]})
    recipe, out = RECIPE | {"precision": "fp32"}, tmp_path / "shared.json"
    declare = partial(declare_experiment, recipe, "code", identity=identity, out=out, probe=probed, batch_sizes=[4])
    declare(parts=[("none", 1.0)])
    for parts in ([("none", 1.0), ("80-10-10", 1.0)], [("none", 0.8)]):
        with pytest.raises(InputError, match="batch_size: 4: the last batch would have 1 example"):
            declare(parts=parts)


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


TAKEN = [
    ({"fp32": 1.0, "bf16": 0.5}, "bf16"),
    ({"fp32": 1.0, "bf16": 0.95}, "fp32"),
    ({"fp32": 1.0, "bf16": 3.0}, "fp32"),
    ({"fp32": 1.0, "tf32": 0.5, "bf16": 0.4}, "bf16"),
    ({"fp32": 1.0, "tf32": 0.5, "bf16": 0.48}, "tf32"),
    ({"fp32": 1.0, "tf32": 0.95, "bf16": 0.9}, "bf16"),
    ({"fp32": 1.0}, "fp32"),
]


@pytest.mark.parametrize(("taken", "settled"), TAKEN)
def test_a_less_exact_one_is_taken_where_it_is_worth_it(monkeypatch, identity, tmp_path, taken, settled):
    monkeypatch.setattr(probe, "offered_by", lambda device: tuple(taken))
    monkeypatch.setattr(probe, "throwaway_step", lambda *arguments: arguments[-1])
    monkeypatch.setattr(probe, "seconds_of", lambda step, device, count=1: taken[step])
    declare_experiment(RECIPE, "code", identity=identity, out=tmp_path / "shared.json", probe=PROBE)
    assert read_json(tmp_path / "shared.json")["recipe"] == RECIPE | {"precision": settled}


def test_a_probe_really_trains_and_leaves_the_weights_as_they_are():
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(2, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(144, 3))
    before = {name: value.clone() for name, value in network.state_dict().items()}
    task = Task(example_data({"shape": [2, 8, 8], "classes": 3}, 5), DEVICE)
    recipe = Recipe(epochs=1, batch_size=5, **PRIOR)
    assert probe.fastest_precision(network, task, recipe) in offered_by(DEVICE)
    assert all(torch.equal(value.cpu(), before[name]) for name, value in network.state_dict().items())
    batch = Batch(*task.open_splits(recipe, torch.Generator()).train.first(5), rate=0.0)
    assert probe.seconds_of(probe.throwaway_step(network, task, batch, recipe, "fp32"), DEVICE) > 0


@pytest.mark.parametrize(("precision", "tf32"), [("fp32", False), ("tf32", True), ("bf16", True)])
def test_tf32_is_allowed_within_only(precision, tf32):
    before = allowed_tf32()
    with pytest.raises(ZeroDivisionError), computed_in(precision):
        assert allowed_tf32() == (tf32, tf32)
        raise ZeroDivisionError
    assert allowed_tf32() == before


def allowed_tf32() -> tuple[bool, bool]:
    return torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32


def test_no_training_says_tf32_and_computes_in_fp32(monkeypatch):
    check_precision("bf16", CPU)
    with pytest.raises(InputError, match=r"^recipe\.precision: cpu has no tf32; allowed: fp32, bf16, fp16, fp64;"):
        check_precision("tf32", CPU)
    for capability, offered in (((7, 5), ("fp32",)), ((8, 0), ("fp32", "tf32", "bf16"))):
        monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device, told=capability: told)
        assert offered_by(torch.device("cuda")) == offered


@pytest.mark.skipif(not torch.cuda.is_available(), reason="TF32 is a GPU's")
def test_a_gpu_rounds_operands_to_10_bits_in_tf32_only():
    """Against float64: fp32 has 23 bits of mantissa, TF32 10, bf16 7."""
    torch.manual_seed(0)
    layer, images = nn.Conv2d(64, 64, 3, bias=False).cuda(), torch.randn(8, 64, 16, 16, device="cuda")
    exact = nn.functional.conv2d(images.double(), layer.weight.double())
    errors = {}
    for precision in ("fp32", "tf32", "bf16"):
        with computed_in(precision):
            errors[precision] = ((forward(layer, images, precision) - exact).norm() / exact.norm()).item()
    assert errors["fp32"] < 2**-20 < errors["tf32"] < 2**-10 < errors["bf16"] < 2**-7


def test_a_given_precision_is_not_probed(monkeypatch, identity, tmp_path):
    monkeypatch.setattr(probe, "fastest_precision", None)
    declare_experiment(RECIPE | {"precision": "bf16"}, "code", identity=identity, out=tmp_path / "shared.json")
    assert read_json(tmp_path / "shared.json")["recipe"]["precision"] == "bf16"
