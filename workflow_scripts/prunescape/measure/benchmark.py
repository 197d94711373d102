"""The exported models of one experiment on one target: accuracy, sizes, costs and raw latencies."""

import importlib
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from prunescape.errors import InputError
from prunescape.space.settings import Setting
from prunescape.store.files import file_digest, read_json, write_json
from prunescape.tasks.contract import task_module

# Rounding may flip a near tie: so many test images may differ between torch and the exported model.
ACCURACY_TOLERANCE = 0.001
HALVES = {"fp16": "float16", "bf16": "bfloat16"}
PROTOCOL = ("warmups", "repeats", "chunk_seconds", "dataset_passes")


def benchmark_target(target: dict[str, Any], *, exports: list[Path], identity: Path, data: Path, out: Path) -> None:
    """Write to `out` (JSON) accuracy, sizes, costs and raw latencies of all models in the folders `exports`.

    `target` holds name and kind, the settings to measure, and what else its kind needs. A model whose
    accuracy is not that of its cell is reported in `accuracy_agrees`, not hidden; a precision or setting that the
    target does not run stands in `not_run` with the reason. Raises InputError when a file is missing or damaged, the
    target cannot be reached, or the agent fails.
    """
    known = read_json(identity, "task", "digest")
    task_module(known, "prepared").load_prepared(data, identity)
    models = [model for export in exports for model in exported_models(Path(export), target["precisions"])]
    asked, protocol = [asked_model(model) for model in models], {name: target[name] for name in PROTOCOL}
    runs = [
        measure_on(target, agent_spec(target, asked, str(data), protocol | {"flush_to_zero": flush}))
        for flush in target["flush_to_zero"]
    ]
    accuracy = {result["id"]: result for result in runs[0]["accuracy"]}
    measured = {entry["id"] for run in runs for entry in run["latency"]}
    content = {
        "target": target,
        "data_digest": known["digest"],
        "environment": runs[0]["environment"],
        "models": [with_accuracy(model, accuracy.get(model["id"])) for model in models if model["id"] in measured],
        "latency": [with_source(entry, target) for run in runs for entry in run["latency"]],
        "not_run": distinct(entry for run in runs for entry in run["not_run"]),
    }
    write_json(out, content)


def distinct(entries: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Each entry once, in order: with and without subnormal numbers the same models do not run."""
    found: list[dict[str, Any]] = []
    for entry in entries:
        if entry not in found:
            found.append(entry)
    return found


def exported_models(export: Path, precisions: list[str]) -> list[dict[str, Any]]:
    """The models that a folder's export.json describes, each with an `id` and the `path` of its file."""
    models = read_json(export / "export.json", "models")["models"]
    missing = set(precisions) - {model["precision"] for model in models} if models else ()
    if missing:
        raise InputError(f"there is no {min(missing)} model", where=export, hint="delete the folder and run again")
    chosen = [model for model in models if model["precision"] in precisions]
    for model in chosen:
        check_digest(export / model["file"], model["sha256"])
    return [{**model, "id": model_id(model), "path": str(export / model["file"])} for model in chosen]


def check_digest(file: Path, sha256: str) -> None:
    """Raises InputError for an ONNX file that is missing or not the one that was exported."""
    hint = f"delete {file.parent / 'export.json'} and run again"
    if not file.exists():
        raise InputError("the ONNX file is missing", where=file, hint=hint)
    if file_digest(file) != sha256:
        raise InputError("the ONNX file is damaged: it is not the one that was exported", where=file, hint=hint)


def model_id(model: dict[str, Any]) -> str:
    """Experiment, network, variant and rank, with the precision of any but the float model."""
    cell, precision = model["cell"], model["precision"]
    network = Setting.of(cell["setting"]).network_path
    name = f"{cell['experiment']}{network}/{cell['variant']}/rank-{model['rank']}"
    return name if precision == "fp32" else f"{name}/{precision}"


def agent_spec(target: dict[str, Any], models: list[dict], data: str | None, protocol: dict[str, Any]) -> dict:
    """What the agent is to measure, see agent.py."""
    settings = {"threads": target["threads"], "batches": target["batch"], "provider": target["provider"]}
    return {"models": models, "data": data, **settings, "protocol": protocol}


def asked_model(model: dict[str, Any]) -> dict[str, Any]:
    """A model as the agent knows it: any but the float one may be more than the target's onnxruntime can run."""
    asked = {name: model[name] for name in ("id", "path", "sha256")} | {"optional": model["precision"] != "fp32"}
    return asked | ({"half": HALVES[model["precision"]]} if model["precision"] in HALVES else {})


def with_accuracy(model: dict[str, Any], found: dict[str, Any] | None) -> dict[str, Any]:
    """`model` without its path, with the accuracy found here beside its cell's; a difference is printed.

    `found` is None where a target runs the model but cannot tell classes; only the float model has to agree.
    """
    kept = {key: value for key, value in model.items() if key != "path"} | {"correct_torch": model["correct"]}
    if found is None:
        return kept | dict.fromkeys(("correct", "top1", "correct_bits", "accuracy_agrees"))
    allowed = max(1, int(ACCURACY_TOLERANCE * found["tested"]))
    agrees = found["tested"] == model["tested"] and abs(found["correct"] - model["correct"]) <= allowed
    if not agrees and model["precision"] == "fp32":
        counts = f"{found['correct']} of {found['tested']} correct, its cell {model['correct']} of {model['tested']}"
        print(f"warning: {model['id']}: {counts}", file=sys.stderr)
    top1 = 100 * found["correct"] / found["tested"]
    measured = {name: found[name] for name in ("correct", "tested", "correct_bits")}
    return kept | measured | {"top1": top1, "accuracy_agrees": agrees}


def with_source(entry: dict[str, Any], target: dict[str, Any]) -> dict[str, Any]:
    """An entry of latency; the energy that an emulated target's host used only estimates the real one's."""
    estimated = target["kind"] == "emulated" and entry["energy_source"] == "measured"
    return {**entry, "energy_source": "estimated"} if estimated else entry


def measure_on(target: dict, spec: dict) -> dict:
    """What the agent measures for `spec` (agent.py says more) on `target`, the settings of one kind.

    The paths in `spec` are of this host. Only the kind's own module is loaded: an edit of another kind measures nothing
    again. Raises InputError when the target cannot be reached or the agent fails.
    """
    return importlib.import_module(f"prunescape.measure.{target['kind']}").measure(target, spec)
