"""Writes an ONNX model in 16 bits, its input and logits left in 32."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

HALVES = {"fp16": TensorProto.FLOAT16, "bf16": TensorProto.BFLOAT16}
BF16_OPSET = 22  # the first in which a convolution takes bfloat16


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


def _round(tensor: onnx.TensorProto, kind: int) -> None:
    if tensor.data_type == TensorProto.FLOAT:
        values = numpy_helper.to_array(tensor).astype(helper.tensor_dtype_to_np_dtype(kind))
        tensor.CopyFrom(numpy_helper.from_array(np.ascontiguousarray(values), tensor.name))
