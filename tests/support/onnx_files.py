"""Small ONNX files, and what the agent is asked of them."""

import onnx
from onnx import TensorProto, helper, numpy_helper

PROTOCOL = {"warmups": 0, "repeats": 2, "chunk_seconds": 0.0}


def write_product(path, weights, *, batch="batch", opset=20, ir_version=10):
    """An ONNX model: logits = input (n, k) @ weights (k, m)."""
    size, outputs = weights.shape
    node = helper.make_node("MatMul", ["input", "weights"], ["logits"])
    images = helper.make_tensor_value_info("input", TensorProto.FLOAT, [batch, size])
    logits = helper.make_tensor_value_info("logits", TensorProto.FLOAT, [batch, outputs])
    graph = helper.make_graph([node], "product", [images], [logits], [numpy_helper.from_array(weights, "weights")])
    opsets = [helper.make_opsetid("", opset)]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=ir_version), path)
    return str(path)


def spec_of(*paths, **changes):
    models = [{"id": path.rsplit("/", 1)[-1], "path": path, "optional": True} for path in paths]
    spec = {"models": models, "data": None, "threads": [1], "batches": [1], "provider": "CPUExecutionProvider"}
    return spec | {"protocol": PROTOCOL} | changes
