"""Writes an ONNX model in 8-bit integers, calibrated on real images."""

from __future__ import annotations

import logging
import tempfile
from pathlib import Path

import numpy as np

CALIBRATION_IMAGES = 256
BATCH = 64


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
                _reader(images),
                quant_format=QuantFormat.QDQ,
                per_channel=True,
                activation_type=QuantType.QUInt8,
                weight_type=QuantType.QInt8,
            )
            out.write_bytes(written.read_bytes())
    finally:
        root.setLevel(level)


def _reader(images: np.ndarray):
    from onnxruntime.quantization import CalibrationDataReader

    class Batches(CalibrationDataReader):
        """The calibration images, batch by batch, then None."""

        def __init__(self) -> None:
            self.batches = iter([images[start : start + BATCH] for start in range(0, len(images), BATCH)])

        def get_next(self) -> dict | None:
            batch = next(self.batches, None)
            return None if batch is None else {"input": batch}

    return Batches()


def evenly_spread(count: int, most: int = CALIBRATION_IMAGES) -> np.ndarray:
    """At most `most` positions, evenly spaced over `count` images: of every class where images lie sorted."""
    return np.linspace(0, count - 1, min(count, most)).round().astype(int)
