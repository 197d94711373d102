"""What is deployed: the winner of a search as its target measured it, with intervals, and how it is run."""

import base64
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import numpy as np

from prunescape.analysis.cost.accuracy import LEVEL, precision_change
from prunescape.analysis.cost.measured import STANDARD
from prunescape.errors import InputError
from prunescape.space.cells import Cell
from prunescape.space.networks import NETWORK

DEFAULT_SYSTEM = ("tune_v1", "tune_v2")  # strategies that leave threads and batch of inference at their defaults
RUN = {  # by task, what a model takes and gives
    "images": (
        "input: float32 (batch, channels, height, width), (pixels / 255 - mean) / std, mean and std per channel from "
        "the model's metadata (prunescape.mean, prunescape.std, JSON); output: logits (batch, classes)"
    ),
    "text": "input: int64 (batch, length), numbers of tokens as prepared; output: logits (batch, classes)",
    "speech": (
        "input: float32 (batch, 1, samples), 16-bit samples / 32768, one second at 8000 samples per second; "
        "output: logits (batch, classes)"
    ),
}


def deployment(
    winner: Cell, benchmark: Mapping[str, Any], *, onnx: str, task: str, data: str, default_system: bool = False
) -> dict[str, Any]:
    """The content of a deployment's file, from what its target measured (as benchmark_target writes it).

    `onnx` and `data` are paths from the folder of that file: of the model and of the prepared data set, whose test
    split the accuracy is of. Of the measured threads and batches those with the least latency per image are taken, or,
    with the `default_system`, the first that the target lists; of precisions always the first. Latencies are seconds
    per run of one batch: the median of the samples, and the range of the middle 95 % of them. The interval of `top1` is
    exact (Clopper and Pearson 1934), and of other images like these. Raises InputError where the target did not run the
    winner.
    """
    target, environment = benchmark["target"], benchmark["environment"]
    model = measured_model(winner, benchmark)
    runs = [each for each in benchmark["latency"] if each["id"] == model["id"]]

    def order(entry: Mapping[str, Any]) -> tuple:
        if default_system:
            return target["threads"].index(entry["threads"]), target["batch"].index(entry["batch"])
        return entry["median_s"] / entry["batch"], entry["threads"], entry["batch"]

    entry = min(runs, key=order)
    low, high = np.percentile(entry["samples_s"], [50 * (1 - LEVEL), 50 * (1 + LEVEL)])
    return {
        "experiment": winner.experiment,
        "model": model["cell"]["model"],
        "dataset": model["cell"]["dataset"],
        "variant": winner.variant.name,
        "setting": {name: value for name, value in winner.setting.values.items() if name not in NETWORK},
        "network": {name: value for name, value in winner.setting.values.items() if name in NETWORK},
        "seed": winner.seed,
        "onnx": onnx,
        "onnx_sha256": model["sha256"],
        "precision": model["precision"],
        "target": target["name"],
        "provider": environment["provider"],
        "threads": entry["threads"],
        "batch": entry["batch"],
        "flush_to_zero": entry["flush_to_zero"],
        "latency_s": entry["median_s"],
        "latency_low": float(low),
        "latency_high": float(high),
        **accuracy_interval(model["correct"], model["tested"]),
        **change_from_float(model, benchmark),
        "data": data,
        "run": RUN[task],
        "measured_on": {name: environment[name] for name in ("host", "cpu", "onnxruntime")},
    }


def measured_model(winner: Cell, benchmark: Mapping[str, Any]) -> Mapping[str, Any]:
    """The winner in the first precision of the target; raises InputError where it was not measured so."""
    first = benchmark["target"]["precisions"][0]
    for model in benchmark["models"]:
        if model["precision"] == first and Cell.from_content(model["cell"]) == winner:
            return model
    reasons = sorted({entry["why"] for entry in benchmark["not_run"]})
    what = f"the winner was not measured in {first} ({'; '.join(reasons) or 'its measurements are of another cell'})"
    raise InputError(
        what, where=f"target {benchmark['target']['name']}", hint="let the target measure another precision"
    )


def change_from_float(model: Mapping[str, Any], benchmark: Mapping[str, Any]) -> dict[str, Any]:
    """What the precision of a measured `model` changes against fp32, as CHANGE_COLUMNS."""

    def row(measured: Mapping[str, Any]) -> SimpleNamespace:
        bits = measured.get("correct_bits")
        return SimpleNamespace(**{**measured, "correct_bits": None if bits is None else base64.b64decode(bits)})

    floats = [each for each in benchmark["models"] if each["precision"] == STANDARD and each["cell"] == model["cell"]]
    return precision_change(row(model), row(floats[0]) if floats else None)


def accuracy_interval(correct: int | None, tested: int | None) -> dict[str, Any]:
    """Top-1 in percent with its exact 95 % interval; null where the target does not tell classes."""
    from scipy.stats import binomtest

    if correct is None or not tested:
        return dict.fromkeys(("top1", "top1_low", "top1_high", "test_images"))
    interval = binomtest(correct, tested).proportion_ci(confidence_level=LEVEL, method="exact")
    shares = {"top1": correct / tested, "top1_low": interval.low, "top1_high": interval.high}
    return {name: 100 * float(share) for name, share in shares.items()} | {"test_images": tested}
