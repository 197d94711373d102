"""The same trained network in other precisions, as ONNX files beside its float one."""

import copy
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn
from torch.nn.utils import prune

from prunescape.deploy.export import compare_logits, finish_model, logits_of, trace_network
from prunescape.deploy.int8 import quantise
from prunescape.errors import InputError
from prunescape.models.build import CONVOLUTIONS
from prunescape.store.files import whole_file

SPARSITY = 0.8  # of every layer (liao2022, 3.2.2)
SPARSE_INT8 = "sparse80-int8"
CALIBRATED = {"int8", SPARSE_INT8}  # precisions that need real training examples
HALVES = {"fp16": TensorProto.FLOAT16, "bf16": TensorProto.BFLOAT16}
BF16_OPSET = 22  # the first in which a convolution takes bfloat16


def export_precision(
    precision: str,
    network: nn.Module,
    float_file: Path,
    *,
    inputs: np.ndarray,
    calibration: np.ndarray | None,
    out: Path,
    **scaling: list[float],
) -> dict | None:
    """Write `network`, whose fp32 export is `float_file`, to `out` as int8, fp16, bf16, sparse80 or sparse80-int8.

    `inputs` and `calibration` (for int8) are what the network takes, (n, ...); `scaling` is as in `export_model`.
    Returns how far the logits of `inputs` are from torch's in float and how often the class is the same, or None where
    onnxruntime does not run this precision here: a target may. No bound is set, for the loss is what is to be measured.
    """
    network = network.eval()
    with whole_file(out) as temporary:
        if precision == "int8":
            quantise(float_file, calibration, temporary)
        elif precision in HALVES:
            halve(float_file, precision, temporary)
        else:
            trace_network(sparse(network).eval(), torch.from_numpy(inputs[:2]), temporary)
        if precision == SPARSE_INT8:
            quantise(temporary, calibration, temporary)
        finish_model(temporary, **scaling)
        try:
            return compare_logits(network, inputs, [logits_of(temporary, inputs)])
        except InputError:
            return None


def sparse(network: nn.Module, share: float = SPARSITY) -> nn.Module:
    """A copy with the smallest `share` of every layer's weights zero, by magnitude, and no fine-tuning (liao2022).

    That is every matrix of convolutions, of linear and recurrent layers, and of embeddings, each by itself.
    """
    network = copy.deepcopy(network)
    for layer in network.modules():
        for name in weight_names(layer):
            prune.l1_unstructured(layer, name, amount=share)
            prune.remove(layer, name)
    return network


def weight_names(layer: nn.Module) -> list[str]:
    """The names of a layer's weight matrices; biases and the scales of a normalisation are none."""
    if isinstance(layer, nn.RNNBase):
        return [name for name, _ in layer.named_parameters() if name.startswith("weight_")]
    return ["weight"] if isinstance(layer, (*CONVOLUTIONS, nn.Linear, nn.Embedding)) else []


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

    Numbers of tokens stay whole. The weights are rounded to nearest; torch's exporter would fold batch norm in float
    and leave a mixed model.
    """
    kind, model = HALVES[precision], onnx.load(source)
    graph = model.graph
    del graph.value_info[:]  # they describe float tensors
    for tensor in graph.initializer:
        _round(tensor, kind)
    for node in graph.node:
        _retype(node, kind)
    outer = [value.name for value in (graph.input[0], graph.output[0]) if _is_float(value)]
    for node in graph.node:
        for names in (node.input, node.output):
            names[:] = [f"{name}.half" if name in outer else name for name in names]
    if _is_float(graph.input[0]):
        graph.node.insert(0, helper.make_node("Cast", [outer[0]], [f"{outer[0]}.half"], to=kind))
    graph.node.append(helper.make_node("Cast", [f"{outer[-1]}.half"], [outer[-1]], to=TensorProto.FLOAT))
    if precision == "bf16":
        for opset in model.opset_import:
            opset.version = max(opset.version, BF16_OPSET) if opset.domain == "" else opset.version
    onnx.save(model, out)


def _is_float(value: onnx.ValueInfoProto) -> bool:
    return value.type.tensor_type.elem_type == TensorProto.FLOAT


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
