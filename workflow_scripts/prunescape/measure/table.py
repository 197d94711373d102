"""The schema and rows of benchmarks.parquet, from what benchmark_target wrote."""

import base64
from collections.abc import Iterable
from typing import Any

from prunescape.space.settings import Setting, hyperparameter_columns, network_column
from prunescape.store.tables import Columns

# name -> (arrow type, meaning with unit), as in analysis/study_tables.py
CELL_COLUMNS: Columns = {
    "experiment": ("string", "name in the config"),
    "model": ("string", "unpruned architecture"),
    "dataset": ("string", "name of the data set"),
    "variant": ("string", "base, uniform-R or nonuniform-R"),
    "rank": ("int64", "1 for the best cell of its variant and network"),
}
MEASURED_COLUMNS: Columns = {
    "seed": ("int64", "seed of that cell"),
    "target": ("string", "name in the config"),
    "kind": ("string", "kind of target: local, ssh, adb, slurm or emulated"),
    "provider": ("string", "execution provider of onnxruntime"),
    "precision": (
        "string",
        "fp32, int8, fp16, bf16, sparse80 (80 % of every layer's weights are zero), sparse80-int8",
    ),
    "threads": ("int64", "threads inside an operator; between operators always one"),
    "batch": ("int64", "images per run"),
    "flush_to_zero": ("bool", "subnormal numbers are taken for zero"),
    "latency_median_s": ("float64", "median of the samples, seconds per run of one batch"),
    "latency_iqr_s": ("float64", "their interquartile range, seconds"),
    "latency_p90_s": ("float64", "90th percentile of the samples, which are means over runs, seconds"),
    "latency_relative_iqr": ("float64", "interquartile range / median"),
    "noisy": ("bool", "the relative interquartile range is above 3 %"),
    "cpu_seconds_per_run": ("float64", "median CPU time of a run, all threads, seconds"),
    "runs_per_sample": ("int64", "runs back to back in one sample"),
    "samples": ("list<float64>", "every sample in order: mean seconds per run of one batch over runs_per_sample"),
    "latency_dataset_s": ("float64", "median seconds of a pass of the test set (liao2022); null when not asked"),
    "peak_memory_bytes": ("int64", "most resident memory of session and runs, fresh process; null when not reported"),
    "energy_j": ("float64", "joules per run of one batch, idle power included; null when absent"),
    "energy_source": ("string", "measured, estimated (of another host, or by a model of the device), or absent"),
    "file_bytes": ("int64", "size of the ONNX file"),
    "encoded_bytes": ("int64", "its size after deflate (zlib, level 9)"),
    "correct": ("int64", "test images whose top-1 class the exported model gets right here; null where not tested"),
    "tested": ("int64", "test images measured: the whole split, or the sample of it that an image folder stores"),
    "top1": ("float64", "100 correct / tested, percent"),
    "correct_bits": ("binary", "which of them, bit i of byte i // 8 from the high end is image i; null: not tested"),
    "correct_torch": ("int64", "those of them that the cell got right in torch"),
    "accuracy_agrees": ("bool", "both counts differ by 0.1 % of the images or less, or by one"),
    "host": ("string", "name of the host"),
    "cpu": ("string", "name of its processor"),
    "onnxruntime": ("string", "version of onnxruntime"),
}
CELL_FIELDS = ("experiment", "model", "dataset", "variant", "seed")
MODEL_FIELDS = (
    *("rank", "precision", "file_bytes", "encoded_bytes", "correct", "tested", "top1", "correct_torch"),
    "accuracy_agrees",
)
COST_FIELDS = ("flush_to_zero", "latency_dataset_s", "peak_memory_bytes", "energy_j", "energy_source")
HOST_FIELDS = ("provider", "host", "cpu", "onnxruntime")


def benchmark_columns(hyperparameters: Iterable[str]) -> Columns:
    """All columns of a study whose settings have these hyperparameters, each of which describes the exported cell."""
    names = list(hyperparameters)
    return CELL_COLUMNS | network_column(names) | hyperparameter_columns(names) | MEASURED_COLUMNS


def benchmark_rows(benchmark: dict[str, Any]) -> list[dict[str, Any]]:
    """One row per model, threads and batch of one benchmark_target result; raises KeyError where a field is missing."""
    models = {model["id"]: model for model in benchmark["models"]}
    return [_row(benchmark, models[latency["id"]], latency) for latency in benchmark["latency"]]


def _row(benchmark: dict[str, Any], model: dict[str, Any], latency: dict[str, Any]) -> dict[str, Any]:
    cell, bits = model["cell"], model.get("correct_bits")
    return {
        **{name: cell[name] for name in CELL_FIELDS},
        "network": Setting.of(cell["setting"]).network_text,
        **cell.get("network", {}),
        **cell["setting"],
        **{name: model[name] for name in MODEL_FIELDS},
        **{name: benchmark["environment"][name] for name in HOST_FIELDS},
        **{name: latency[name] for name in ("threads", "batch", "noisy", "cpu_seconds_per_run", "runs_per_sample")},
        **{f"latency_{name}": latency[name] for name in ("median_s", "iqr_s", "p90_s", "relative_iqr")},
        **{name: latency[name] for name in COST_FIELDS},
        "target": benchmark["target"]["name"],
        "kind": benchmark["target"]["kind"],
        "samples": latency["samples_s"],
        "correct_bits": None if bits is None else base64.b64decode(bits),
    }
