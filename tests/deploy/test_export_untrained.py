"""Untrained variants as ONNX files: the same every time, with a digest that no weight changes. Needs torch."""

import onnx
import pytest
import torch
from onnx import numpy_helper

from prunescape.deploy.export_untrained import export_untrained, graph_digest, settle_statistics
from prunescape.models.build import build_model, initialise
from prunescape.pruning.variant_plan import write_widths
from prunescape.store.files import file_digest, read_json
from support.cells import BASE_PLAN
from support.small_images import prepare_noise

CUT = BASE_PLAN | {"method": "uniform", "ratio": "0.5", "min_keep": 0.1}
DARKER = 128  # pixel values below it: another mean, another calibration


@pytest.fixture(scope="module")
def exports(tmp_path_factory):
    """The base on two data sets, and a pruned variant on the first; each in fp32 and int8."""
    folder = tmp_path_factory.mktemp("untrained")
    made = {}
    for name, plan, high in (("base", BASE_PLAN, 256), ("darker", BASE_PLAN, DARKER), ("cut", CUT, 256)):
        files = prepare_noise(folder / name, (1, 8, 8), 4, train=40, test=24, high=high)
        widths = folder / name / "widths.json"
        write_widths(plan, identity=str(files["identity"]), weights=None, out=str(widths))
        given = {key: str(path) for key, path in files.items()} | {"widths": str(widths)}
        export_untrained(["fp32", "int8"], **given, out=str(folder / name / "models"))
        made[name] = given, folder / name / "models"
    return made


def models(export):
    return {model["precision"]: model for model in read_json(export / "export.json")["models"]}


def test_the_same_widths_give_the_same_files(exports):
    given, out = exports["base"]
    before = {name: model["sha256"] for name, model in models(out).items()}
    export_untrained(["fp32", "int8"], **given, out=str(out))
    assert {name: file_digest(out / model["file"]) for name, model in models(out).items()} == before
    assert all(model["parity"]["top1_agreement"] > 0.5 for model in models(out).values())


def test_widths_and_precision_make_a_graph_but_weights_and_data_do_not(exports, tmp_path):
    base, darker, cut = (models(exports[name][1]) for name in ("base", "darker", "cut"))
    for precision in ("fp32", "int8"):
        assert base[precision]["sha256"] != darker[precision]["sha256"]
        assert base[precision]["graph_digest"] == darker[precision]["graph_digest"] != cut[precision]["graph_digest"]
        assert cut[precision]["file_bytes"] < base[precision]["file_bytes"]
    known = [read_json(exports[name][1] / "export.json")["architecture_digest"] for name in ("base", "darker", "cut")]
    assert known[0] == known[1] != known[2]
    model = onnx.load(exports["base"][1] / "fp32.onnx")
    for tensor in model.graph.initializer:
        if tensor.data_type == onnx.TensorProto.FLOAT:
            tensor.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(tensor) + 1, tensor.name))
    onnx.save(model, tmp_path / "other.onnx")
    assert graph_digest(tmp_path / "other.onnx") == base["fp32"]["graph_digest"]


def test_the_values_of_a_deep_untrained_network_stay_within_16_bits():
    """Without statistics every residual block doubles the variance (He et al. 2015a): ResNet-110 leaves 65504."""
    network = initialise(build_model("resnet_cifar", "resnet110", in_channels=1, classes=10), 0).eval()
    inputs = torch.randn(32, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    weights = {name: value.clone() for name, value in network.named_parameters()}
    with torch.no_grad():
        assert network(inputs).abs().max() > 65504
        settle_statistics(network, inputs.numpy())
        assert network(inputs).abs().max() < 1000
    assert not network.training and all(torch.equal(value, weights[name]) for name, value in network.named_parameters())
