"""The same trained network in other precisions, as ONNX files beside its float one."""

import copy
import logging
import tempfile
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn
from torch.nn.utils import prune

from prunescape.deploy.export import compare_logits, finish_model, logits_of, trace_network
from prunescape.errors import InputError
from prunescape.store.files import whole_file

SPARSITY = 0.8  # of every layer (liao2022, 3.2.2)
CALIBRATION_IMAGES, CALIBRATION_BATCH = 256, 64
HALVES = {"fp16": TensorProto.FLOAT16, "bf16": TensorProto.BFLOAT16}
BF16_OPSET = 22  # the first in which a convolution takes bfloat16


def export_precision(
    precision: str,
    network: nn.Module,
    float_file: Path,
    *,
    images: np.ndarray,
    calibration: np.ndarray | None,
    out: Path,
    mean,
    std,
) -> dict | None:
    """Write `network`, whose fp32 export is `float_file`, to `out` as int8, fp16, bf16 or sparse80.

    `images` and `calibration` (for int8 only) are normalised float32 (n, channels, height, width). Returns how far the
    logits of `images` are from torch's in float and how often the class is the same, or None where onnxruntime does
    not run this precision here: a target may. No bound is set, for the loss is what is to be measured.
    """
    network = network.eval()
    with whole_file(out) as temporary:
        if precision == "int8":
            quantise(float_file, calibration, temporary)
        elif precision in HALVES:
            halve(float_file, precision, temporary)
        else:
            trace_network(sparse(network).eval(), torch.from_numpy(images[:2]), temporary)
        finish_model(temporary, mean=mean, std=std)
        try:
            return compare_logits(network, images, [logits_of(temporary, images)])
        except InputError:
            return None


def sparse(network: nn.Module, share: float = SPARSITY) -> nn.Module:
    """A copy with the smallest `share` of every layer's weights zero, by magnitude, and no fine-tuning (liao2022)."""
    network = copy.deepcopy(network)
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            prune.l1_unstructured(layer, "weight", amount=share)
            prune.remove(layer, "weight")
    return network


def subnormal_weights(path: Path) -> int:
    """How many float32 weights of an ONNX file are subnormal: below 2^-126 in magnitude, but not zero."""
    tiny, count = np.finfo(np.float32).tiny, 0
    for tensor in onnx.load(path).graph.initializer:
        if tensor.data_type == TensorProto.FLOAT:
            values = np.abs(numpy_helper.to_array(tensor))
            count += int(((values > 0) & (values < tiny)).sum())
    return count


def halve(source: Path, precision: str, out: Path) -> None:
    """Write the float model `source` to `out` with every float tensor between its input and output in `precision`.

    The weights are rounded to nearest; torch's exporter would fold batch norm in float and leave a mixed model.
    """
    kind, model = HALVES[precision], onnx.load(source)
    graph = model.graph
    del graph.value_info[:]  # they describe float tensors
    for tensor in graph.initializer:
        _round(tensor, kind)
    for node in graph.node:
        _retype(node, kind)
    inner = {graph.input[0].name: "input.half", graph.output[0].name: "logits.half"}
    for node in graph.node:
        for names in (node.input, node.output):
            names[:] = [inner.get(name, name) for name in names]
    first, last = inner.items()
    graph.node.insert(0, helper.make_node("Cast", [first[0]], [first[1]], to=kind))
    graph.node.append(helper.make_node("Cast", [last[1]], [last[0]], to=TensorProto.FLOAT))
    if precision == "bf16":
        for opset in model.opset_import:
            opset.version = max(opset.version, BF16_OPSET) if opset.domain == "" else opset.version
    onnx.save(model, out)


def _retype(node: onnx.NodeProto, kind: int) -> None:
    for attribute in node.attribute:
        if attribute.type == onnx.AttributeProto.TENSOR:
            _round(attribute.t, kind)
        elif node.op_type == "Cast" and attribute.name == "to" and attribute.i == TensorProto.FLOAT:
            attribute.i = kind


def _round(tensor: TensorProto, kind: int) -> None:
    if tensor.data_type == TensorProto.FLOAT:
        values = numpy_helper.to_array(tensor).astype(helper.tensor_dtype_to_np_dtype(kind))
        tensor.CopyFrom(numpy_helper.from_array(np.ascontiguousarray(values), tensor.name))


class CalibrationBatches:
    """What onnxruntime asks for calibration images: batch by batch, then None."""

    def __init__(self, images: np.ndarray) -> None:
        self.starts, self.images = iter(range(0, len(images), CALIBRATION_BATCH)), images

    def get_next(self) -> dict[str, np.ndarray] | None:
        start = next(self.starts, None)
        return None if start is None else {"input": self.images[start : start + CALIBRATION_BATCH]}


def quantise(source: Path, images: np.ndarray, out: Path) -> None:
    """Write the float model `source` to `out` with static QDQ quantisation: per channel, U8 activations, I8 weights.

    `images`, normalised float32 (n, channels, height, width), are real training images: their smallest and largest
    activations set the ranges. Signed activations would leave half of the convolutions in float, and dynamic
    quantisation of convolutional networks is slower than float: neither is offered.
    """
    from onnxruntime.quantization import QuantFormat, QuantType, quantize_static

    root = logging.getLogger()
    level = root.level
    root.setLevel(logging.ERROR)  # it advises a step that needs another package
    try:
        with tempfile.TemporaryDirectory() as folder:
            written = Path(folder) / "int8.onnx"
            quantize_static(
                str(source),
                str(written),
                CalibrationBatches(images),
                quant_format=QuantFormat.QDQ,
                per_channel=True,
                activation_type=QuantType.QUInt8,
                weight_type=QuantType.QInt8,
            )
            out.write_bytes(written.read_bytes())
    finally:
        root.setLevel(level)


def evenly_spread(count: int, most: int = CALIBRATION_IMAGES) -> np.ndarray:
    """At most `most` positions, evenly spaced over `count` images: of every class where images lie sorted."""
    return np.linspace(0, count - 1, min(count, most)).round().astype(int)
