"""Other precisions of a really trained network: what they compute, how exact and how large. Needs torch."""

import copy
import json
import zlib

import numpy as np
import onnx
import pytest
import torch
from torch.nn.functional import cross_entropy

from benchmark_target import benchmark_target
from prunescape.deploy import precisions
from prunescape.deploy.export import logits_of
from prunescape.deploy.export_best import export_best
from prunescape.deploy.int8_choice import near_best
from prunescape.deploy.precisions import export_precision, sparse, subnormal_weights
from prunescape.errors import InputError
from prunescape.models.build import build_model, initialise
from prunescape.models.counting import count_flops, count_parameters
from prunescape.models.weights import save_weights
from prunescape.store.files import read_json, write_json
from prunescape.tasks.images.exported import calibration_inputs, stored_inputs
from prunescape.tasks.images.prepared import load_prepared
from prunescape.tasks.images.preparing import write_prepared
from prunescape.tasks.subsets import evenly_spread
from support.cells import named
from support.onnx_files import local_target
from support.small_images import prepared_files

ARCHITECTURE = {"architecture": "resnet_cifar", "model": "resnet8"}
PRECISIONS = ["bf16", "fp16", "fp32", "int8", "sparse80"]


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    """scikit-learn's digits, every third one for testing, as the workflow prepares them."""
    from sklearn.datasets import load_digits

    found = load_digits()
    images = np.round(found.images * 255 / 16).astype(np.uint8)[:, None]
    test = np.arange(len(images)) % 3 == 0
    arrays = {}
    for split, chosen in (("train", ~test), ("test", test)):
        arrays |= {f"{split}_images": images[chosen], f"{split}_labels": found.target[chosen].astype(np.int64)}
    files = prepared_files(tmp_path_factory.mktemp("digits"))
    write_prepared(arrays, dataset="digits", **files)
    return files


@pytest.fixture(scope="module")
def trained(digits):
    """ResNet-8, three epochs with Adam: far from perfect, but trained."""
    prepared = load_prepared(**digits)
    images = torch.from_numpy((prepared.train_images / np.float32(255) - prepared.mean[:, None, None]) / prepared.std)
    labels = torch.from_numpy(prepared.train_labels)
    network = initialise(build_model(**ARCHITECTURE, in_channels=1, classes=10), 0).train()
    optimiser = torch.optim.Adam(network.parameters(), lr=3e-3)
    generator = torch.Generator().manual_seed(0)
    for _ in range(3):
        for chosen in torch.randperm(len(labels), generator=generator).split(50):
            optimiser.zero_grad()
            cross_entropy(network(images[chosen].float()), labels[chosen]).backward()
            optimiser.step()
    return network.eval()


@pytest.fixture(scope="module")
def exported(digits, trained, tmp_path_factory):
    """What the export rule makes of one cell in every precision."""
    folder = tmp_path_factory.mktemp("cell")
    save_weights(trained, folder / "weights.safetensors")
    costs = {"flops": count_flops(trained, (1, 8, 8)), "parameters": count_parameters(trained), "ratio_achieved": 1.0}
    write_json(folder / "widths.json", {**ARCHITECTURE, "in_channels": 1, "classes": 10, "modules": {}, **costs})
    write_json(folder / "record.json", named(status="ok", correct=590, tested=599, top1=98.0))
    made = {"records": [folder / "record.json"], "weights": [folder / "weights.safetensors"], **digits}
    terms = {"best": 1, "precisions": PRECISIONS}
    export_best(terms, widths=folder / "widths.json", **made, out=folder / "onnx")
    return folder / "onnx"


@pytest.fixture(scope="module")
def ranked_in_int8(digits, trained, exported, tmp_path_factory):
    """The best in int8 of three cells: one with disturbed weights that says it is better, this one, a far worse one."""
    folder = tmp_path_factory.mktemp("ranked")
    disturbed = copy.deepcopy(trained)
    (linear,) = (layer for layer in disturbed.modules() if isinstance(layer, torch.nn.Linear))
    with torch.no_grad():
        linear.weight.add_(torch.randn(linear.weight.shape, generator=torch.Generator().manual_seed(0)))
    records, weights = [], []
    for seed, (network, correct) in enumerate(((disturbed, 592), (trained, 590), (trained, 500))):
        records.append(folder / f"{seed}.json")
        weights.append(folder / f"{seed}.safetensors")
        save_weights(network, weights[-1])
        write_json(records[-1], named(status="ok", correct=correct, tested=599, top1=correct / 5.99, seed=seed))
    terms = {"best": 1, "by": "int8", "threshold": 1.0, "precisions": ["fp32", "int8"]}
    made = {"records": records, "weights": weights, "widths": exported.parent / "widths.json", **digits}
    export_best(terms, **made, out=folder / "onnx")
    return folder / "onnx"


def models_of(exported):
    return {model["precision"]: model for model in read_json(exported / "export.json")["models"]}


def test_every_precision_is_a_file_with_its_own_sizes(exported):
    models = models_of(exported)
    assert sorted(models) == PRECISIONS
    for precision, model in models.items():
        content = (exported / model["file"]).read_bytes()
        assert model["file"] == ("rank-1.onnx" if precision == "fp32" else f"rank-1.{precision}.onnx")
        assert (model["file_bytes"], model["encoded_bytes"]) == (len(content), len(zlib.compress(content, 9)))
        props = {entry.key: json.loads(entry.value) for entry in onnx.load(exported / model["file"]).metadata_props}
        assert set(props) == {"prunescape.mean", "prunescape.std"}
    assert models["int8"]["file_bytes"] < models["fp32"]["file_bytes"] / 2
    assert models["sparse80"]["encoded_bytes"] < 0.45 * models["fp32"]["encoded_bytes"]
    assert models["sparse80"]["file_bytes"] == pytest.approx(models["fp32"]["file_bytes"], rel=0.02)


def test_int8_has_unsigned_activations_and_signed_weights_per_channel(exported):
    """onnx's own reading of the file; every convolution's weights carry one scale per output channel."""
    graph = onnx.load(exported / "rank-1.int8.onnx").graph
    values = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in graph.initializer}
    producers = {output: node for node in graph.node for output in node.output}
    convolutions = [node for node in graph.node if node.op_type == "Conv"]
    assert len(convolutions) >= 7
    for node in convolutions:
        activation, weight = (producers[name] for name in node.input[:2])
        assert activation.op_type == weight.op_type == "DequantizeLinear"
        assert values[activation.input[2]].dtype == np.uint8 and values[activation.input[1]].ndim == 0
        assert values[weight.input[0]].dtype == np.int8
        assert values[weight.input[1]].shape == (values[weight.input[0]].shape[0],)


def test_two_products_of_an_int8_layer_fit_in_16_bits(exported):
    """VPMADDUBSW of x86 without VNNI saturates their sum: Intel 64 manual, volume 2, "Packed Multiply and Add"."""
    graph = onnx.load(exported / "rank-1.int8.onnx").graph
    weights = [onnx.numpy_helper.to_array(tensor) for tensor in graph.initializer]
    large = [weight.astype(int) for weight in weights if weight.dtype == np.int8 and weight.ndim > 1]
    assert len(large) == 8, "seven convolutions, and the linear layer"
    for weight in large:
        assert 2 * np.iinfo(np.uint8).max * np.abs(weight).max() <= np.iinfo(np.int16).max
        assert np.abs(weight).max() == 64, "the bits that there are get used"


def test_onnxruntime_computes_every_convolution_in_8_bits(exported, tmp_path):
    """By the graph that onnxruntime itself makes of the file: signed activations would leave some in float."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath = str(tmp_path / "optimised.onnx")
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
    onnxruntime.InferenceSession(exported / "rank-1.int8.onnx", options, providers=["CPUExecutionProvider"])
    kinds = [node.op_type for node in onnx.load(tmp_path / "optimised.onnx").graph.node]
    assert kinds.count("QLinearConv") == 7 and "Conv" not in kinds and "FusedConv" not in kinds


def test_cells_near_the_best_are_ranked_by_what_onnxruntime_gets_right_in_int8(ranked_in_int8, digits):
    found = read_json(ranked_in_int8 / "export.json")
    assert [model["cell"]["seed"] for model in found["models"]] == [1, 1]
    first, second = found["ranked_in_int8"]
    assert (first["seed"], second["seed"]) == (0, 1), "the third is more than a point under the best"
    images, labels = stored_inputs(load_prepared(**digits), "standard")
    right = int((logits_of(ranked_in_int8 / "rank-1.int8.onnx", images).argmax(1) == labels).sum())
    assert second["correct_int8"] == right > first["correct_int8"]


def test_the_region_has_as_many_cells_as_are_exported_at_least():
    top1 = [98.0, 90.0, 97.0, 96.9, 50.0]
    order = [0, 2, 3, 1, 4]
    assert near_best(top1, order, 1.0, 1) == [0, 2]
    assert near_best(top1, order, 1.0, 4) == [0, 2, 3, 1]
    assert near_best(top1, [], 1.0, 4) == []


def test_calibration_images_are_of_the_training_split(digits):
    prepared = load_prepared(**digits)
    images = calibration_inputs(prepared, "standard")
    assert images.shape == (256, 1, 8, 8) and images.dtype == np.float32
    pixels = np.rint((images * prepared.std[:, None, None] + prepared.mean[:, None, None]) * 255)
    known = {image.tobytes() for image in prepared.train_images}
    assert all(image.astype(np.uint8).tobytes() in known for image in pixels)
    assert evenly_spread(5, 3).tolist() == [0, 2, 4] and evenly_spread(2, 3).tolist() == [0, 1]


def test_four_fifths_of_every_layer_are_the_smallest_and_zero(trained):
    for name, layer in sparse(trained).named_modules():
        if not isinstance(layer, torch.nn.Conv2d | torch.nn.Linear):
            continue
        full = dict(trained.named_modules())[name].weight.abs()
        assert int((layer.weight == 0).sum()) == round(0.8 * layer.weight.numel())
        kept = layer.weight != 0
        assert full[kept].min() >= full[~kept].max()


def test_half_precision_is_in_the_file_and_near_float(exported):
    for precision, kind in (("fp16", onnx.TensorProto.FLOAT16), ("bf16", onnx.TensorProto.BFLOAT16)):
        model = onnx.load(exported / f"rank-1.{precision}.onnx")
        weights = [tensor for tensor in model.graph.initializer if len(tensor.dims) == 4]
        assert weights and all(tensor.data_type == kind for tensor in weights)
        assert model.graph.input[0].type.tensor_type.elem_type == onnx.TensorProto.FLOAT
    assert models_of(exported)["fp16"]["parity"]["difference"] < 0.01


def test_subnormal_weights_are_counted(tmp_path):
    """2^-126 is the smallest normal float32, 2^-149 the smallest of all (IEEE 754)."""
    values = np.array([0, 2.0**-126, 2.0**-127, -(2.0**-149), 1], np.float32)
    graph = onnx.helper.make_graph([], "g", [], [], [onnx.numpy_helper.from_array(values, "w")])
    onnx.save(onnx.helper.make_model(graph), tmp_path / "m.onnx")
    assert subnormal_weights(tmp_path / "m.onnx") == 2


def test_what_cannot_run_here_is_exported_without_a_distance(trained, exported, tmp_path, monkeypatch):
    def refuse(path, images):
        raise InputError("no kernel")

    monkeypatch.setattr(precisions, "logits_of", refuse)
    given = {"inputs": np.zeros((3, 1, 8, 8), np.float32), "calibration": None, "mean": [0.5], "std": [0.2]}
    assert export_precision("fp16", trained, exported / "rank-1.onnx", out=tmp_path / "a.onnx", **given) is None
    assert (tmp_path / "a.onnx").exists()


@pytest.fixture(scope="module")
def measured(digits, exported, tmp_path_factory):
    """The exported precisions as this host measures them."""
    out = tmp_path_factory.mktemp("measured") / "here.json"
    benchmark_target(local_target(precisions=PRECISIONS), exports=[exported], **digits, out=out)
    return read_json(out)


def test_int8_is_within_a_point_of_float_on_the_test_split(measured):
    models = {model["precision"]: model for model in measured["models"]}
    assert models["fp32"]["tested"] == models["int8"]["tested"] == 599
    assert models["fp32"]["top1"] > 90
    assert abs(models["int8"]["top1"] - models["fp32"]["top1"]) <= 1


def test_a_precision_that_the_provider_does_not_run_is_told_with_its_reason(measured):
    """Whatever this processor runs: measured or told, never both, and float and int8 always measured."""
    run = {model["precision"] for model in measured["models"]}
    told = {entry["id"].rsplit("/", 1)[1]: entry["why"] for entry in measured["not_run"]}
    assert run | set(told) == set(PRECISIONS) and not run & set(told)
    assert {"fp32", "int8", "sparse80"} <= run
    for precision in told:
        assert "float" in told[precision] or "Conv" in told[precision]
