"""The table of untrained variants on their targets, from what measure_architecture wrote: architectures.parquet."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from prunescape.analysis.cost.comparisons import median_interval
from prunescape.analysis.cost.measured import PLACE_COLUMNS, RUN_COLUMNS
from prunescape.errors import InputError
from prunescape.space.settings import NETWORK_COLUMN
from prunescape.store.files import AGAIN, read_json
from prunescape.store.tables import Columns

ARCHITECTURE_KEYS: Columns = {
    **PLACE_COLUMNS,
    **NETWORK_COLUMN,
    "variant": ("string", "base, uniform-R or nonuniform-R"),
    "precision": ("string", "number format of the exported model"),
}
ARCHITECTURE_COLUMNS: Columns = {
    **ARCHITECTURE_KEYS,
    **RUN_COLUMNS,
    "frequency_mhz": ("int64", "CPU frequency that was set, MHz; null where none was"),
    "frequency_reason": ("string", "why no CPU frequency was set; empty where one was"),
    "model": ("string", "unpruned architecture"),
    "widths_digest": ("string", "SHA-256 of the variant's widths.json"),
    "architecture_digest": ("string", "SHA-256 of network and widths alone: variants of equal widths share it"),
    "graph_digest": ("string", "SHA-256 of the ONNX file without the values of its weights"),
    "flops": ("int64", "2 x multiply-accumulates of convolutions and linear layers, one image"),
    "parameters": ("int64", "trainable parameters"),
    "latency_median_s": ("float64", "median of the samples, seconds per run of one batch"),
    "latency_low_s": ("float64", "lower end of the median's 95 % interval, over blocks of repeats; null under 10"),
    "latency_high_s": ("float64", "its upper end"),
    "latency_iqr_s": ("float64", "interquartile range of the samples, seconds"),
    "latency_p90_s": ("float64", "90th percentile of the samples, seconds"),
    "latency_relative_iqr": ("float64", "interquartile range / median"),
    "noisy": ("bool", "the relative interquartile range is above 3 %"),
    "seconds_per_image": ("float64", "latency / batch"),
    "images_per_second": ("float64", "throughput: batch / latency"),
    "cpu_seconds_per_run": ("float64", "median CPU time of a run, all threads, seconds"),
    "runs_per_sample": ("int64", "runs back to back in one sample"),
    "samples": ("list<float64>", "every sample in order: mean seconds per run of one batch over runs_per_sample"),
    "peak_memory_bytes": ("int64", "most resident memory of session and runs; null when not reported"),
    "energy_j": ("float64", "joules per run of one batch, idle power included; null when absent"),
    "energy_per_image_j": ("float64", "joules / batch"),
    "energy_source": ("string", "measured, estimated, or absent"),
    "file_bytes": ("int64", "size of the ONNX file, with untrained weights"),
    "encoded_bytes": ("int64", "its size after deflate; trained weights compress otherwise"),
    "strategy": ("string", "grid: all settings of the target were measured; tpe: those that a search proposed"),
    "settings": ("int64", "settings of threads, batch and frequency that the target has"),
    "reused": ("bool", "measured before, of a variant or study with the same graph"),
    "kind": ("string", "kind of target: local, ssh, adb, slurm or emulated"),
    "provider": ("string", "execution provider of onnxruntime"),
    "host": ("string", "name of the host"),
    "cpu": ("string", "name of its processor"),
    "onnxruntime": ("string", "version of onnxruntime"),
}
OF_MODEL = ("graph_digest", "file_bytes", "encoded_bytes")
OF_EXPORT = ("model", "widths_digest", "architecture_digest", "flops", "parameters", "strategy", "settings")
OF_LATENCY = (
    *("precision", "threads", "batch", "frequency_mhz", "flush_to_zero", "noisy", "cpu_seconds_per_run"),
    *("runs_per_sample", "peak_memory_bytes", "energy_j", "energy_source", "reused"),
)
OF_HOST = ("provider", "host", "cpu", "onnxruntime")


def read_architectures(paths: Iterable[Path | str]) -> pd.DataFrame:
    """One row per architecture, precision, target and setting in files that measure_architecture wrote; may be none.

    Raises InputError that names a file which is missing, damaged or of another version.
    """
    rows = [row for path in paths for row in _rows_of(path)]
    table = pd.DataFrame(rows, columns=list(ARCHITECTURE_COLUMNS))
    whole = [name for name, (kind, _) in ARCHITECTURE_COLUMNS.items() if kind == "int64"]
    floats = [name for name, (kind, _) in ARCHITECTURE_COLUMNS.items() if kind == "float64"]
    return table.astype({**dict.fromkeys(whole, "Int64"), **dict.fromkeys(floats, "float64")})


def _rows_of(path: Path | str) -> list[dict[str, Any]]:
    content = read_json(path)
    try:
        return architecture_rows(content)
    except KeyError as error:
        what, hint = f"the measurement has no field {error}", f"it is of another version: {AGAIN}"
        raise InputError(what, where=path, hint=hint) from None


def architecture_rows(content: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The rows of one result of measure_architecture; raises KeyError where a field is missing."""
    models = {model["precision"]: model for model in content["models"]}
    return [_row(content, models[entry["precision"]], entry) for entry in content["measured"]]


def _row(content: Mapping[str, Any], model: Mapping[str, Any], entry: Mapping[str, Any]) -> dict[str, Any]:
    low, high = map(float, median_interval(entry["samples_s"]))
    batch, median, energy = entry["batch"], entry["median_s"], entry["energy_j"]
    return {
        **content["architecture"],
        **{name: content[name] for name in OF_EXPORT},
        **{name: model[name] for name in OF_MODEL},
        **{name: entry[name] for name in OF_LATENCY},
        **{name: entry["environment"][name] for name in OF_HOST},
        **{f"latency_{name}": entry[name] for name in ("median_s", "iqr_s", "p90_s", "relative_iqr")},
        "target": content["target"]["name"],
        "kind": content["target"]["kind"],
        "frequency_reason": content["frequency_reason"],
        "latency_low_s": low,
        "latency_high_s": high,
        "samples": entry["samples_s"],
        "seconds_per_image": median / batch,
        "images_per_second": batch / median,
        "energy_per_image_j": None if energy is None else energy / batch,
    }
