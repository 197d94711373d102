"""Small ONNX files, what the agent is asked of them, and this host as a target."""

import json

import onnx
from onnx import TensorProto, helper, numpy_helper

PROTOCOL = {"warmups": 0, "repeats": 2, "chunk_seconds": 0.0}


def write_product(path, weights, *, shape=None, metadata=None, batch="batch", opset=20, ir_version=10):
    """An ONNX model: logits = input (n, k) @ weights (k, m); where images have a `shape` they are flattened first."""
    size, outputs = weights.shape
    nodes = [helper.make_node("Flatten", ["input"], ["flat"])] if shape else []
    nodes.append(helper.make_node("MatMul", ["flat" if shape else "input", "weights"], ["logits"]))
    images = helper.make_tensor_value_info("input", TensorProto.FLOAT, [batch, *(shape or (size,))])
    logits = helper.make_tensor_value_info("logits", TensorProto.FLOAT, [batch, outputs])
    graph = helper.make_graph(nodes, "product", [images], [logits], [numpy_helper.from_array(weights, "weights")])
    opsets = [helper.make_opsetid("", opset)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=ir_version)
    helper.set_model_props(model, {f"prunescape.{key}": json.dumps(value) for key, value in (metadata or {}).items()})
    onnx.save(model, path)
    return str(path)


def spec_of(*paths, **changes):
    models = [{"id": path.rsplit("/", 1)[-1], "path": path, "optional": True} for path in paths]
    spec = {"models": models, "data": None, "threads": [1], "batches": [1], "provider": "CPUExecutionProvider"}
    return spec | {"protocol": PROTOCOL} | changes


def local_target(**changes) -> dict:
    """This host as a target, measured no longer than it must be."""
    target = {"name": "here", "kind": "local", "threads": [1], "batch": [1], "precisions": ["fp32"], **PROTOCOL}
    return target | {"provider": "CPUExecutionProvider", "dataset_passes": 0, "flush_to_zero": [False]} | changes
