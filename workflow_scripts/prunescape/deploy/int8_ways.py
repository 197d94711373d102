"""Other ways of quantising a network to 8 bits than the one that is exported."""

import io
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from prunescape.deploy.int8 import CALIBRATION_BATCH, CalibrationBatches


@dataclass(frozen=True)
class Way:
    """A way of static quantisation; by default the one that is exported (`deploy/int8.py`)."""

    per_channel: bool = True
    reduce_range: bool = True
    """Weights take 7 of the 8 bits."""
    calibration: str = "MinMax"
    """What sets the ranges of activations: MinMax, Entropy or Percentile, as onnxruntime calls them."""
    percentile: float | None = None
    preprocess: bool = False
    """onnxruntime infers shapes and optimises the graph first."""


EXPORTED = Way()
WAYS = {
    "per tensor": Way(per_channel=False),
    "8-bit weights": Way(reduce_range=False),
    "entropy calibration": Way(calibration="Entropy"),
    "percentile calibration, 99.99 %": Way(calibration="Percentile", percentile=99.99),
    "percentile calibration, 99.9 %": Way(calibration="Percentile", percentile=99.9),
    "pre-processing": Way(preprocess=True),
}


class Quantiser:
    """Writes ONE float ONNX file in 8 bits, in any way; what calibrates a way is found once.

    `examples` are what the network takes, (n, ...), real training examples; `folder` holds what is found.
    """

    def __init__(self, source: Path, examples: np.ndarray, folder: Path) -> None:
        self.source, self.examples, self.folder = source, examples, folder

    def write(self, out: Path, way: Way = EXPORTED, *, only: Sequence[str] = (), but: Sequence[str] = ()) -> None:
        """Write the file in 8 bits to `out`: `only` the nodes of these names, all where none is given, `but` some."""
        from onnxruntime.quantization import CalibrationMethod, QuantFormat, QuantType, quantize_static

        with _silent():
            source = self._source(way)
            quantize_static(
                str(source),
                str(out),
                calibration_cache_path=self._calibrated(source, way),
                calibrate_method=CalibrationMethod[way.calibration],
                quant_format=QuantFormat.QDQ,
                per_channel=way.per_channel,
                reduce_range=way.reduce_range,
                activation_type=QuantType.QUInt8,
                weight_type=QuantType.QInt8,
                nodes_to_quantize=list(only),
                nodes_to_exclude=list(but),
            )

    def _source(self, way: Way) -> Path:
        from onnxruntime.quantization import quant_pre_process

        prepared = self.folder / "preprocessed.onnx"
        if way.preprocess and not prepared.exists():
            quant_pre_process(str(self.source), str(prepared))
        return prepared if way.preprocess else self.source

    def _calibrated(self, source: Path, way: Way) -> Path:
        """The file with the ranges of a way's activations, which histograms keep in memory: so batch by batch."""
        from onnxruntime.quantization import CalibrationMethod, create_calibrator, save_tensors_data

        ranges = self.folder / f"{source.stem}-{way.calibration}-{way.percentile}.json"
        if not ranges.exists():
            calibrator = create_calibrator(
                source,
                augmented_model_path=str(self.folder / "augmented.onnx"),
                calibrate_method=CalibrationMethod[way.calibration],
                extra_options={} if way.percentile is None else {"percentile": way.percentile},
            )
            for start in range(0, len(self.examples), CALIBRATION_BATCH):
                calibrator.collect_data(CalibrationBatches(self.examples[start : start + CALIBRATION_BATCH]))
            save_tensors_data(calibrator.compute_data(), ranges)
        return ranges


@contextmanager
def _silent() -> Iterator[None]:
    """Within, onnxruntime neither tells how it calibrates nor advises to pre-process."""
    logging.disable(logging.WARNING)
    try:
        with redirect_stdout(io.StringIO()):
            yield
    finally:
        logging.disable(logging.NOTSET)
