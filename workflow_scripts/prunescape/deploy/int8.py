"""Quantisation to 8 bits after training: static, or dynamic for recurrent networks."""

import logging
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import onnx

CALIBRATION_BATCH = 64
RECURRENT = ("LSTM", "GRU", "RNN")


class CalibrationBatches:
    """What onnxruntime asks for calibration examples: batch by batch, then None."""

    def __init__(self, examples: np.ndarray) -> None:
        self.starts, self.examples = iter(range(0, len(examples), CALIBRATION_BATCH)), examples

    def get_next(self) -> dict[str, np.ndarray] | None:
        start = next(self.starts, None)
        return None if start is None else {"input": self.examples[start : start + CALIBRATION_BATCH]}


def quantise(source: Path, examples: np.ndarray, out: Path) -> None:
    """Write the float model `source` to `out`, which may be the same file, in int8: weights I8, per channel.

    Static QDQ quantisation, whose activations are U8: `examples`, what the model takes, (n, ...), are real training
    examples, whose smallest and largest activations set the ranges. Signed activations would leave half of the
    convolutions in float, and dynamic quantisation of convolutional networks is slower than float: neither is
    offered. A recurrent network is quantised dynamically, for onnxruntime has no other form of an LSTM in int8.

    Weights take 7 of the 8 bits, -64 to 64. x86 processors without VNNI add two products of an activation and a weight
    in 16 bits (the instruction VPMADDUBSW) and cut off what does not fit; 2 x 255 x 64 fits, 2 x 255 x 127 does not.
    """
    recurrent = any(node.op_type in RECURRENT for node in onnx.load(source).graph.node)
    with _quiet(), tempfile.TemporaryDirectory() as folder:
        written = Path(folder) / "int8.onnx"
        if recurrent:
            _dynamic(source, written)
        else:
            _static(source, examples, written)
        out.write_bytes(written.read_bytes())


def _static(source: Path, examples: np.ndarray, out: Path) -> None:
    from onnxruntime.quantization import QuantFormat, QuantType, quantize_static

    quantize_static(
        str(source),
        str(out),
        CalibrationBatches(examples),
        quant_format=QuantFormat.QDQ,
        per_channel=True,
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
        reduce_range=True,
    )


def _dynamic(source: Path, out: Path) -> None:
    """The weights of an LSTM are quantised only where they are constants: torch's exporter leaves their reordering."""
    from onnxruntime.quantization import QuantType, quantize_dynamic
    from onnxscript.optimizer import optimize

    model = onnx.load(source)
    del model.graph.value_info[:]  # of the batch that traced the network
    model = optimize(model, input_size_limit=sys.maxsize, output_size_limit=sys.maxsize)
    del model.graph.value_info[:]
    folded = out.with_suffix(".folded")
    onnx.save(model, folded)
    quantize_dynamic(str(folded), str(out), per_channel=True, weight_type=QuantType.QInt8, reduce_range=True)


@contextmanager
def _quiet() -> Iterator[None]:
    """Within, onnxruntime does not advise a step that needs another package."""
    root = logging.getLogger()
    level = root.level
    root.setLevel(logging.ERROR)
    try:
        yield
    finally:
        root.setLevel(level)
