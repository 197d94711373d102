"""A network that int8 spoils: which layers do it, by what ranges, and what mends it. Needs torch."""

from types import SimpleNamespace

import numpy as np
import onnx
import pytest
import torch
from torch import nn

from prunescape.deploy.export import export_model
from prunescape.deploy.int8 import quantise
from prunescape.deploy.int8_explained import (
    AS_EXPORTED,
    IN_FLOAT,
    LOSS,
    Compared,
    Examples,
    compared_examples,
    explain_model,
)
from prunescape.deploy.int8_layers import Ranges, layers_of
from prunescape.deploy.int8_ways import WAYS, Quantiser
from prunescape.tasks.images import exported as images
from prunescape.tasks.images.prepared import PreparedData

LAYERS = ["first", "wide", "narrow", "classifier"]


class Spoilt(nn.Module):
    """Channel 0 behind `wide` is 3000 times as large as the others, and `narrow` takes nothing of it."""

    def __init__(self, factor: float = 3000) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.first = nn.Conv2d(2, 6, 1)
        self.first_bn = nn.BatchNorm2d(6)
        self.wide = nn.Conv2d(6, 6, 3, padding=1, groups=6)
        self.narrow = nn.Conv2d(6, 8, 1, bias=False)
        self.classifier = nn.Linear(8, 4)
        with torch.no_grad():
            self.wide.weight[0] = self.wide.weight[0].abs() * factor
            self.narrow.weight[:, 0] = 0
            self.first_bn.running_mean.uniform_(-0.1, 0.1)
            self.first_bn.running_var.uniform_(0.5, 2)
            self.classifier.bias -= self.eval()(noise(200, torch.Generator().manual_seed(9))).mean(
                0
            )  # of several classes

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = torch.relu(self.first_bn(self.first(x)))
        x = torch.relu(self.wide(x))
        return self.classifier(self.narrow(x).mean((2, 3)))


def drawn(network: nn.Module, count: int, seed: int) -> Examples:
    """Random images, labelled as the network itself says in float: the half that it is surest of."""
    inputs = noise(2 * count, torch.Generator().manual_seed(seed))
    with torch.no_grad():
        best = network(inputs).topk(2)
    surest = (best.values[:, 0] - best.values[:, 1]).argsort(descending=True)[:count]
    return Examples(inputs[surest].numpy(), best.indices[surest, 0].numpy())


def noise(count: int, generator: torch.Generator) -> torch.Tensor:
    return sum(torch.randn(shape, generator=generator) for shape in ((count, 2, 4, 4), (count, 2, 1, 1)))


def exported(network: nn.Module, folder) -> SimpleNamespace:
    """Its files, what they are compared on, and what int8 costs and why."""
    network.eval()
    calibration, choosing, test = (drawn(network, 200, seed) for seed in range(3))
    float_file, int8_file = folder / "rank-1.onnx", folder / "rank-1.int8.onnx"
    export_model(network, calibration.inputs, float_file, mean=[0.0], std=[1.0])
    quantise(float_file, calibration.inputs, int8_file)
    compared = Compared(calibration.inputs, choosing, "validation")
    found = explain_model(float_file, int8_file, test, lambda: compared)
    return SimpleNamespace(float=float_file, int8=int8_file, network=network, calibration=calibration, found=found)


@pytest.fixture(scope="module")
def spoilt(tmp_path_factory):
    return exported(Spoilt(), tmp_path_factory.mktemp("spoilt"))


def lost(found: dict, way: dict) -> float:
    return 100 * (found["float_correct"] - way["correct"]) / found["tested"]


def test_the_layers_before_and_behind_the_wide_values_are_named_and_in_float_they_mend_it(spoilt):
    found = spoilt.found
    ways = {way["way"]: way for way in found["ways"]}
    assert found["float_correct"] == found["tested"] == 200, "labels are the network's own"
    assert lost(found, ways[AS_EXPORTED]) == lost(found, found) > 20
    assert {row["layer"] for row in found["layers"][:2]} == {"wide", "narrow"}
    assert {"wide", "narrow"} <= set(ways[IN_FLOAT]["float_layers"]) <= {"first", "wide", "narrow"}
    assert lost(found, ways[IN_FLOAT]) <= LOSS
    assert all(lost(found, ways[name]) > 20 for name in WAYS), "no range of activations serves all channels"


def test_names_and_ranges_of_layers_are_those_that_torch_sees(spoilt):
    """Hooks behind the network's own modules, with the batch norm and the ReLU that the graph has folded in."""
    seen = {}
    watched = {"first": spoilt.network.first_bn, "wide": spoilt.network.wide}
    for name, layer in watched.items():
        layer.register_forward_hook(lambda _, __, out, name=name: seen.update({name: torch.relu(out)}))
    for name in ("narrow", "classifier"):
        getattr(spoilt.network, name).register_forward_hook(lambda _, __, out, name=name: seen.update({name: out}))
    with torch.no_grad():
        spoilt.network(torch.from_numpy(spoilt.calibration.inputs))
    rows = {row["layer"]: row for row in spoilt.found["layers"]}
    assert [row["layer"] for row in sorted(rows.values(), key=lambda row: row["place"])] == LAYERS
    for name, values in seen.items():
        ends = [rows[name]["output_low"], rows[name]["output_high"]]
        assert ends == pytest.approx([float(values.min()), float(values.max())], rel=1e-4, abs=1e-5)
        channels = values.transpose(0, 1).flatten(1)
        spans = channels.amax(1).clamp(min=0) - channels.amin(1).clamp(max=0)
        whole = max(float(values.max()), 0) - min(float(values.min()), 0)
        assert rows[name]["output_spread"] == pytest.approx(whole / float(np.median(spans)), rel=1e-4)
    wide = spoilt.network.wide.weight.detach()
    assert [rows["wide"]["weight_low"], rows["wide"]["weight_high"]] == pytest.approx(
        [float(wide.min()), float(wide.max())]
    )
    assert rows["narrow"]["input_high"] == rows["wide"]["output_high"]


def test_channels_that_are_zero_are_not_the_median_one():
    ranges = Ranges(np.array([0.0, 0.0, 0.0, -1.0, 0.5]), np.array([0.0, 0.0, 0.0, 3.0, 2.0]))
    assert ranges.spread == (3 + 1) / np.median([4, 2]), "the range of each holds zero"
    assert Ranges(np.zeros(3), np.zeros(3)).spread == 1


def test_a_network_that_loses_little_is_not_quantised_again(tmp_path):
    found = exported(Spoilt(factor=1), tmp_path).found
    assert found["ways"] == found["layers"] == []
    assert lost(found, found) <= LOSS


def test_the_way_that_is_exported_gives_the_same_file(spoilt, tmp_path):
    Quantiser(spoilt.float, spoilt.calibration.inputs, tmp_path).write(tmp_path / "again.onnx")
    assert (tmp_path / "again.onnx").read_bytes() == spoilt.int8.read_bytes()


def test_ways_and_layers_in_float_are_in_the_file(spoilt, tmp_path):
    quantiser = Quantiser(spoilt.float, spoilt.calibration.inputs, tmp_path)
    quantiser.write(tmp_path / "tensor.onnx", WAYS["per tensor"])
    assert weight_scales(tmp_path / "tensor.onnx") == {1}
    wide = layers_of(spoilt.float)[LAYERS.index("wide")]
    quantiser.write(tmp_path / "float.onnx", but=wide.nodes)
    values = onnx.load(tmp_path / "float.onnx").graph.initializer
    assert {tensor.name: tensor.data_type for tensor in values}["wide.weight"] == onnx.TensorProto.FLOAT


def weight_scales(file) -> set[int]:
    """How many scales the quantised weights of convolutions have."""
    graph = onnx.load(file).graph
    values = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in graph.initializer}
    weights = [node for node in graph.node if node.input[0] in values and values[node.input[0]].ndim == 4]
    return {values[node.input[1]].size for node in weights if node.op_type == "DequantizeLinear"}


def prepared(**splits: int) -> PreparedData:
    """Images whose one pixel is their number, below 256."""
    arrays = {}
    for split, count in splits.items():
        arrays[f"{split}_images"] = np.arange(count, dtype=np.uint8).reshape(-1, 1, 1, 1)
        arrays[f"{split}_labels"] = np.arange(count)
    return PreparedData(**arrays, mean=np.zeros(1, np.float32), std=np.ones(1, np.float32), classes=2)


def test_ways_are_compared_on_validation_examples_where_there_are_some():
    compared = compared_examples(images, prepared(train=20, test=10, validation=15), "standard")
    assert compared.split == "validation" and compared.examples.labels.tolist() == list(range(15))
    assert np.rint(compared.examples.inputs.ravel() * 255).tolist() == list(range(15))
    assert len(compared.calibration) == 20


def test_else_on_training_examples_that_calibrate_nothing(monkeypatch):
    monkeypatch.setattr("prunescape.deploy.int8_explained.CALIBRATION_EXAMPLES", 8)
    monkeypatch.setattr("prunescape.tasks.images.exported.CALIBRATION_EXAMPLES", 8)
    compared = compared_examples(images, prepared(train=30, test=10), "standard")
    calibrating = set(np.rint(compared.calibration.ravel() * 255).tolist())
    assert compared.split == "train" and len(calibrating) == 8
    assert set(compared.examples.labels.tolist()) == set(range(30)) - calibrating
    assert np.rint(compared.examples.inputs.ravel() * 255).tolist() == compared.examples.labels.tolist()
