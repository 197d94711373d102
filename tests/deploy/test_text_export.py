"""Networks for texts as ONNX: token numbers in, any batch size, and in int8."""

import zlib

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, numpy_helper

from prunescape.config.models import network_values
from prunescape.deploy.export import export_model, logits_of
from prunescape.deploy.precisions import export_precision, sparse, weight_names
from prunescape.models.build import build_model, initialise

VOCABULARY, LENGTH, COUNT = 60, 12, 40


@pytest.fixture(scope="module", params=["text_cnn", "text_lstm"])
def exported(request, tmp_path_factory):
    """A network, what it takes, and its files in every precision that differs for texts."""
    known = {"in_channels": VOCABULARY, "classes": 2, "hyperparameters": network_values(request.param, {})}
    network = initialise(build_model(request.param, request.param, **known), 0)
    inputs = np.random.default_rng(0).integers(0, VOCABULARY, (COUNT, LENGTH))
    folder = tmp_path_factory.mktemp("onnx")
    files = {"fp32": folder / "fp32.onnx"}
    parity = {"fp32": export_model(network, inputs, files["fp32"])}
    for precision in ("int8", "fp16", "sparse80-int8"):
        files[precision] = folder / f"{precision}.onnx"
        checks = {"inputs": inputs, "calibration": inputs, "out": files[precision]}
        parity[precision] = export_precision(precision, network, files["fp32"], **checks)
    return network, inputs, files, parity


def kinds_in(file) -> list[str]:
    return [node.op_type for node in onnx.load(file).graph.node]


def test_the_file_takes_whole_numbers_and_any_batch(exported):
    network, inputs, files, parity = exported
    (entry,) = onnx.load(files["fp32"]).graph.input
    sizes = [size.dim_param or size.dim_value for size in entry.type.tensor_type.shape.dim]
    assert entry.type.tensor_type.elem_type == TensorProto.INT64 and sizes == ["batch", LENGTH]
    assert parity["fp32"]["batches"] == [1, 3, COUNT] and parity["fp32"]["difference"] < 1e-5
    with torch.no_grad():
        expected = network.eval()(torch.from_numpy(inputs[:7])).numpy()
    np.testing.assert_allclose(logits_of(files["fp32"], inputs[:7]), expected, rtol=1e-4, atol=1e-6)
    assert not onnx.load(files["fp32"]).metadata_props, "nothing is scaled"


def test_int8_quantises_what_computes(exported):
    """The convolutional network statically, the recurrent one dynamically, as onnxruntime can."""
    network, _, files, parity = exported
    kinds = kinds_in(files["int8"])
    if hasattr(network, "lstm"):
        assert "DynamicQuantizeLSTM" in kinds and "LSTM" not in kinds and "MatMulInteger" in kinds
    else:
        assert kinds.count("QuantizeLinear") >= 4 and "DynamicQuantizeLinear" not in kinds
    assert 0 < parity["int8"]["difference"] < 0.1
    assert files["int8"].stat().st_size < 0.4 * files["fp32"].stat().st_size


def test_two_products_of_an_int8_layer_fit_in_16_bits(exported):
    """As for images: no processor may cut off their sums. Those of an embedding are only looked up."""
    graph = onnx.load(exported[2]["int8"]).graph
    looked_up = {name for node in graph.node if node.op_type == "Gather" for name in node.input}
    tensors = [tensor for tensor in graph.initializer if tensor.name not in looked_up]
    weights = [numpy_helper.to_array(tensor) for tensor in tensors]
    large = [weight.astype(int) for weight in weights if weight.dtype == np.int8 and weight.ndim > 1]
    assert len(large) >= 2
    assert all(2 * 255 * np.abs(weight).max() <= 2**15 - 1 for weight in large)


def test_sparse_and_then_int8_is_encoded_smallest(exported):
    """liao2022's optimised model (3.2.2): its file is as large as that in int8, and encoded it is far smaller."""
    _, _, files, _ = exported
    encoded = {name: len(zlib.compress(file.read_bytes(), 9)) for name, file in files.items()}
    assert encoded["sparse80-int8"] < 0.6 * encoded["int8"] < 0.6 * encoded["fp32"]
    assert files["sparse80-int8"].stat().st_size == pytest.approx(files["int8"].stat().st_size, rel=0.01)
    weights = [numpy_helper.to_array(tensor) for tensor in onnx.load(files["sparse80-int8"]).graph.initializer]
    large = [weight for weight in weights if weight.dtype == np.int8 and weight.ndim > 1 and weight.size > 300]
    assert len(large) >= 3
    for weight in large:
        assert (weight == 0).mean() >= 0.79


def test_four_fifths_of_every_matrix_are_zero(exported):
    network, *_ = exported
    layers = dict(sparse(network).named_modules())
    matrices = [getattr(layer, name) for layer in layers.values() for name in weight_names(layer)]
    assert sum(weight.numel() for weight in matrices) > 0.9 * sum(p.numel() for p in network.parameters())
    for weight in matrices:
        assert (weight == 0).float().mean().item() == pytest.approx(0.8, abs=0.01)


def test_half_precision_leaves_token_numbers_whole(exported):
    _, _, files, parity = exported
    model = onnx.load(files["fp16"])
    assert model.graph.input[0].type.tensor_type.elem_type == TensorProto.INT64
    assert parity["fp16"] is None or parity["fp16"]["difference"] < 0.01
