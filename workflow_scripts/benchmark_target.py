"""Measure the exported models of one experiment on one target. Needs onnxruntime, in a process of its own."""

import sys
from pathlib import Path

from prunescape.bench.local import run_agent
from prunescape.data.prepared import load_prepared
from prunescape.errors import InputError
from prunescape.files import read_json, write_json
from prunescape.joblog import job_log

PROVIDER = "CPUExecutionProvider"
# Rounding may flip a near tie: so many test images may differ between torch and the exported model.
ACCURACY_TOLERANCE = 0.001


def benchmark_target(target: dict, *, exports: list[Path], identity: Path, data: Path, out: Path) -> None:
    """Write to `out` (JSON) accuracy, sizes and raw latencies of all models in the folders `exports`, interleaved.

    `target` holds name, kind, threads, batch, precisions, warmups, repeats and chunk_seconds. A model whose accuracy
    is not that of its cell is reported in `accuracy_agrees`, not hidden. Raises InputError when a file is missing or
    damaged, the target is of an unknown kind, or the agent fails.
    """
    if target["kind"] != "local" or target["precisions"] != ["fp32"]:
        raise InputError(f"the target {target['name']} cannot be measured", allowed="kind local, precisions [fp32]")
    load_prepared(data, identity)
    models = [model for export in exports for model in exported_models(Path(export))]
    measured = run_agent(agent_spec(target, models, data))
    accuracy = {result["id"]: result for result in measured["accuracy"]}
    content = {
        "target": target,
        "data_digest": read_json(identity, "digest")["digest"],
        "environment": measured["environment"],
        "models": [with_accuracy(model, accuracy[model["id"]]) for model in models],
        "latency": measured["latency"],
    }
    write_json(out, content)


def exported_models(export: Path) -> list[dict]:
    """The models that a folder's export.json describes, each with an `id` and the `path` of its file."""
    models = read_json(export / "export.json", "models")["models"]
    return [
        {**model, "id": model_id(model), "path": str(export / model["file"]), "precision": "fp32"} for model in models
    ]


def model_id(model: dict) -> str:
    cell = model["cell"]
    return f"{cell['experiment']}/{cell['variant']}/rank-{model['rank']}"


def agent_spec(target: dict, models: list[dict], data: Path) -> dict:
    """What the agent is asked to measure."""
    return {
        "models": [{"id": model["id"], "path": model["path"]} for model in models],
        "data": str(data),
        "threads": target["threads"],
        "batches": target["batch"],
        "provider": PROVIDER,
        "protocol": {key: target[key] for key in ("warmups", "repeats", "chunk_seconds")},
    }


def with_accuracy(model: dict, found: dict) -> dict:
    """`model` without its path, with the accuracy found here beside its cell's; a difference is said aloud."""
    allowed = max(1, int(ACCURACY_TOLERANCE * found["tested"]))
    agrees = found["tested"] == model["tested"] and abs(found["correct"] - model["correct"]) <= allowed
    if not agrees:
        counts = f"{found['correct']} of {found['tested']} correct, its cell {model['correct']} of {model['tested']}"
        print(f"warning: {model['id']}: {counts}", file=sys.stderr)
    score = {
        "correct": found["correct"],
        "correct_torch": model["correct"],
        "tested": found["tested"],
        "top1": 100 * found["correct"] / found["tested"],
        "correct_bits": found["correct_bits"],
        "accuracy_agrees": agrees,
    }
    return {key: value for key, value in model.items() if key != "path"} | score


if __name__ == "__main__" and "snakemake" in globals():
    with job_log(snakemake.log[0]):
        benchmark_target(
            snakemake.params.target,
            exports=[Path(path) for path in snakemake.input.exports],
            identity=Path(snakemake.input.identity),
            data=Path(snakemake.input.data),
            out=Path(snakemake.output.benchmark),
        )
