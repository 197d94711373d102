"""The layers of an exported network: the nodes of the graph that go with each, the ranges of its weights and values."""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper

CONVOLUTIONS = ("Conv", "ConvTranspose")
PRODUCTS = ("Gemm", "MatMul")
ACTIVATIONS = ("Clip", "Relu")  # onnxruntime quantises a layer's values behind these, not before
BATCH = 64
WEIGHT = ".weight"


@dataclass
class Layer:
    """A layer by its name in the network, and the nodes that go with it: its own, and those up to the next layer.

    `weight` has its output channels along the first axis, with batch norm folded in. `source` and `result` are the
    tensors before it and behind it, with a ReLU that follows at once; their channels lie along `axis`. `before` is the
    layer that makes the first of them, None for the network's input.
    """

    name: str
    weight: np.ndarray
    source: str
    result: str
    axis: int
    before: str | None
    nodes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Ranges:
    """The lowest and the highest value of each channel of a tensor, both (channels,)."""

    low: np.ndarray
    high: np.ndarray

    @property
    def ends(self) -> tuple[float, float]:
        """The lowest and the highest value of all channels."""
        return float(self.low.min()), float(self.high.max())

    @property
    def spread(self) -> float:
        """The range over all channels ÷ the median channel's, zero in all: so much coarser is one scale for all.

        Channels that are zero throughout do not count; 1 where all are.
        """
        low, high = np.minimum(self.low, 0), np.maximum(self.high, 0)
        spans = (high - low)[high > low]
        return float(high.max() - low.min()) / float(np.median(spans)) if len(spans) else 1.0


def layers_of(file: Path) -> list[Layer]:
    """The layers of a float ONNX file in the order of its graph.

    torch's exporter keeps the names of parameters: the weight `blocks.1.0.conv_dw.weight` tells the layer's. A weight
    that it transposes loses its name, and the layer then goes by that of the graph's node. Nodes without weights belong
    to the last layer before them, the first ones to the first layer. Layers that share a weight are one.
    """
    graph = onnx.load(file).graph
    values = {tensor.name: tensor for tensor in graph.initializer}
    readers: dict[str, list[onnx.NodeProto]] = {}
    for node in graph.node:
        for name in node.input:
            readers.setdefault(name, []).append(node)
    layers: dict[str, Layer] = {}
    nodes = first = []  # of no layer yet
    name, makers = None, {}
    for node in graph.node:
        if node.op_type in CONVOLUTIONS + PRODUCTS and node.input[1] in values:
            stored = node.input[1]
            name = stored.removesuffix(WEIGHT) if stored.endswith(WEIGHT) else node.name
            weight = _by_channel(node, numpy_helper.to_array(values[stored]))
            axis = 1 if node.op_type in CONVOLUTIONS else -1
            ends = {"source": node.input[0], "result": _result(node, readers), "before": makers.get(node.input[0])}
            nodes = layers.setdefault(name, Layer(name, weight, axis=axis, **ends)).nodes
        nodes.append(node.name)
        makers |= dict.fromkeys(node.output, name)
    found = list(layers.values())
    if found:
        found[0].nodes[:0] = first
    return found


def _by_channel(node: onnx.NodeProto, weight: np.ndarray) -> np.ndarray:
    """A weight with its output channels first: (out, in, ...) of a convolution, (in, out, ...) of a transposed one."""
    if node.op_type == "Conv" or any(attribute.name == "transB" and attribute.i for attribute in node.attribute):
        return weight
    return np.moveaxis(weight, -1 if node.op_type in PRODUCTS else 1, 0)


def _result(node: onnx.NodeProto, readers: dict[str, list[onnx.NodeProto]]) -> str:
    following = readers.get(node.output[0], [])
    activated = len(following) == 1 and following[0].op_type in ACTIVATIONS
    return following[0].output[0] if activated else node.output[0]


def tensor_ranges(file: Path, layers: Sequence[Layer], examples: np.ndarray) -> dict[str, Ranges]:
    """The ranges over `examples`, (n, ...), of the tensors before and behind each of the `layers` of a float file."""
    import onnxruntime

    axes = {tensor: layer.axis for layer in layers for tensor in (layer.source, layer.result)}
    model = onnx.load(file)
    outer = {value.name for value in (*model.graph.input, *model.graph.output)}
    model.graph.output.extend(onnx.ValueInfoProto(name=tensor) for tensor in axes if tensor not in outer)
    with tempfile.TemporaryDirectory() as folder:
        watched = Path(folder) / "watched.onnx"
        onnx.save(model, watched)
        session = onnxruntime.InferenceSession(watched, providers=["CPUExecutionProvider"])
    (given,) = (value.name for value in model.graph.input)
    inner = [tensor for tensor in axes if tensor != given]
    ranges: dict[str, Ranges] = {}
    for start in range(0, len(examples), BATCH):
        batch = examples[start : start + BATCH]
        found = dict(zip(inner, session.run(inner, {given: batch}), strict=True)) | {given: batch}
        for tensor, axis in axes.items():
            values = np.moveaxis(found[tensor], axis, 0).reshape(found[tensor].shape[axis], -1)
            low, high = values.min(1), values.max(1)
            if tensor in ranges:
                low, high = np.minimum(ranges[tensor].low, low), np.maximum(ranges[tensor].high, high)
            ranges[tensor] = Ranges(low, high)
    return ranges


def weight_ranges(layer: Layer) -> Ranges:
    """The ranges of a layer's weights, by output channel."""
    rows = layer.weight.reshape(len(layer.weight), -1)
    return Ranges(rows.min(1), rows.max(1))
