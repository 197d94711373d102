"""What pruning and planning a variant write, and what they refuse. Needs torch, safetensors."""

import json

import pytest
import torch
from safetensors.torch import load_file, save_file

from prunescape.config.models import ARCHITECTURES
from prunescape.errors import InputError
from prunescape.models.build import build_model, initialise, rebuild
from prunescape.models.counting import count_flops
from prunescape.models.weights import load_weights, save_weights
from prunescape.pruning.prune import DEFAULT_CLASSES, prune_model
from prunescape.pruning.variant_plan import write_widths
from prunescape.store.files import read_json, write_json
from support.cells import BASE_PLAN

DIGITS = {"shape": [1, 8, 8], "classes": 10}


def resnet8(seed=0):
    return initialise(build_model("resnet_cifar", "resnet8", in_channels=1, classes=10), seed)


def request(**changed):
    names = BASE_PLAN | {"method": "nonuniform", "ratio": "0.5"}
    return {**names, "score": "l1_layer", "min_keep": 0.1, "ranking": "trained", **changed}


@pytest.fixture
def identity(tmp_path):
    write_json(tmp_path / "data.json", DIGITS)
    return tmp_path / "data.json"


@pytest.mark.parametrize("method", ["uniform", "nonuniform"])
def test_prune_writes_widths_and_weights_that_fit_together(tmp_path, method):
    told = prune_model("resnet8", input_shape=(1, 8, 8), ratio=0.5, method=method, out=tmp_path)
    widths = read_json(tmp_path / "widths.json")
    network = rebuild(resnet8(), widths["modules"])
    metadata = load_weights(network, tmp_path / "weights.safetensors")
    assert count_flops(network, (1, 8, 8)) == told["flops"] == widths["flops"]
    assert sum(p.numel() for p in network.parameters()) == told["parameters"] < told["parameters_base"]
    assert told["ratio_achieved"] == told["flops"] / told["flops_base"] == pytest.approx(0.5, rel=0.01)
    assert told["ratio_requested"] == 0.5 and told["weights"] == "fresh initialisation, seed 0"
    assert metadata["model"] == "resnet8" and json.loads(json.dumps(told)) == told
    assert all(network.get_submodule(name).out_channels == layer["out"] for name, layer in told["layers"].items())


def test_prune_keeps_the_given_weights(tmp_path):
    network = resnet8(seed=7)
    save_weights(network, tmp_path / "given.safetensors")
    options = {"input_shape": (1, 8, 8), "ratio": 0.5, "method": "uniform", "out": tmp_path}
    told = prune_model("resnet8", weights=tmp_path / "given.safetensors", **options)
    kept = load_file(tmp_path / "weights.safetensors")
    assert torch.equal(kept["conv1.weight"], network.conv1.weight)
    assert told["weights"].endswith("given.safetensors")


def test_prune_of_shared_weights_writes_every_name(tmp_path, monkeypatch):
    code = (
        "from torch import nn\n"
        "def tied():\n"
        "    one = nn.Linear(8, 8, bias=False)\n"
        "    net = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Conv2d(8, 16, 3), nn.ReLU(), nn.Conv2d(16, 8, 3),\n"
        "        nn.AdaptiveAvgPool2d(1), nn.Flatten(), one, nn.Linear(8, 8, bias=False))\n"
        "    net[8].weight = one.weight\n"
        "    return net\n"
    )
    (tmp_path / "their_tied.py").write_text(code)
    monkeypatch.chdir(tmp_path)
    options = {"input_shape": (3, 12, 12), "ratio": 0.5, "method": "uniform"}
    told = prune_model("their_tied:tied", out=tmp_path / "out", **options)
    assert {"7.weight", "8.weight"} <= load_file(tmp_path / "out" / "weights.safetensors").keys()
    assert set(told["layers"]) == {"2"} and told["classes"] is None


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"model": "resnet9"}, "did you mean"),
        ({"input_shape": (8, 8)}, "channels,height,width"),
        ({"input_shape": (1, 0, 8)}, "channels,height,width"),
        ({"model": "text_cnn"}, "vocabulary,length as in 20000,200"),
        ({"model": "text_lstm", "input_shape": (50, 8)}, "no layer that may be cut"),
        ({"ratio": 0.0}, "above 0 and below 1"),
        *(
            ({"classes": value}, f"classes: {value} cannot be used; allowed: a whole")
            for value in (-1, 0, True, 2.5, 10**9)
        ),
        ({"ratio": 0.01}, "smallest this network can reach"),
        ({"method": "global"}, "uniform, nonuniform"),
        ({"weights": "nowhere.safetensors"}, "there is no file nowhere.safetensors"),
        ({"model": "torchvision:alexnet", "input_shape": (3, 16, 16)}, "does not take images of shape"),
    ],
)
def test_prune_refuses_in_one_line_and_writes_nothing(tmp_path, changed, said):
    options = {"model": "resnet8", "input_shape": (1, 8, 8), "ratio": 0.5, "method": "uniform", **changed}
    with pytest.raises(InputError, match=said) as caught:
        prune_model(out=tmp_path / "out", **options)
    assert "\n" not in str(caught.value) and not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda state: {**state, "fc.bias": torch.zeros(7)}, r'"fc.bias" has shape \(7,\); allowed: \(10,\)'),
        (lambda state: {name: value for name, value in state.items() if name != "fc.bias"}, 'lacks "fc.bias"'),
        (lambda state: {**state, "fc.more": torch.zeros(1)}, 'has no "fc.more"'),
        (lambda state: {**state, "fc.bias": torch.full((10,), float("nan"))}, "not finite"),
    ],
)
def test_weights_of_another_model_are_refused(tmp_path, damage, said):
    save_file(damage(resnet8().state_dict()), tmp_path / "given.safetensors")
    options = {"input_shape": (1, 8, 8), "ratio": 0.5, "method": "uniform", "out": tmp_path / "out"}
    with pytest.raises(InputError, match=said):
        prune_model("resnet8", weights=tmp_path / "given.safetensors", **options)


def test_a_damaged_weights_file_is_refused(tmp_path):
    (tmp_path / "given.safetensors").write_bytes(b"not safetensors at all")
    with pytest.raises(InputError, match="cannot be read as safetensors"):
        load_weights(resnet8(), tmp_path / "given.safetensors")


def test_the_base_has_full_widths(tmp_path, identity):
    write_widths(request(method="base", ratio=""), identity=identity, weights=None, out=tmp_path / "widths.json")
    widths = read_json(tmp_path / "widths.json")
    assert widths["modules"] == {} and widths["ratio"] == widths["ratio_achieved"] == 1.0
    assert widths["flops"] == widths["flops_base"] == count_flops(resnet8(), (1, 8, 8))
    assert widths["layers"]["layer3.0.conv1"] == {"out": 64, "of": 64, "flops_share": 1.0}


def test_plan_variant_is_deterministic_and_ranks_by_the_given_weights(tmp_path, identity):
    network = resnet8()
    with torch.no_grad():
        network.layer3[0].conv1.weight[10:].mul_(0.01)
    save_weights(network, tmp_path / "base.safetensors", {"status": "ok"})
    for name in ("one", "two"):
        write_widths(request(), identity=identity, weights=tmp_path / "base.safetensors", out=tmp_path / name)
    write_widths(request(ranking="initial"), identity=identity, weights=None, out=tmp_path / "initial")
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    trained, initial = read_json(tmp_path / "one"), read_json(tmp_path / "initial")
    assert trained["layers"]["layer3.0.conv1"]["out"] < initial["layers"]["layer3.0.conv1"]["out"]
    assert trained["ratio"] == 0.5 and abs(trained["ratio_achieved"] - 0.5) <= 0.005
    assert trained["in_channels"] == 1 and trained["classes"] == 10 and trained["input_shape"] == [1, 8, 8]


@pytest.mark.parametrize("how", ["status", "values"])
def test_a_diverged_base_ranks_nothing(tmp_path, identity, how):
    network = resnet8()
    if how == "values":
        with torch.no_grad():
            network.fc.bias.fill_(float("inf"))
    save_weights(network, tmp_path / "base.safetensors", {"status": "diverged" if how == "status" else "ok"})
    with pytest.raises(InputError, match="diverged at the prior and cannot rank filters"):
        write_widths(request(), identity=identity, weights=tmp_path / "base.safetensors", out=tmp_path / "widths.json")
    assert not (tmp_path / "widths.json").exists()


def test_a_ratio_that_is_no_number_is_refused(tmp_path, identity):
    with pytest.raises(InputError, match="above 0 and below 1"):
        write_widths(request(ratio="half"), identity=identity, weights=None, out=tmp_path / "widths.json")


def test_every_model_of_ours_has_a_number_of_classes_without_a_study():
    assert {*ARCHITECTURES.values()} <= {*DEFAULT_CLASSES}
