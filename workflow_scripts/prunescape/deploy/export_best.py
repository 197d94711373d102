"""The best cells of one variant as ONNX files, each checked against torch on real images."""

import shutil
import zlib
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch

from prunescape.deploy.export import export_model
from prunescape.deploy.int8_choice import best_in_int8, correct_in_int8, near_best
from prunescape.deploy.precisions import CALIBRATED, export_precision, subnormal_weights
from prunescape.models.build import planned_network
from prunescape.models.weights import load_weights
from prunescape.store.files import file_digest, read_json, write_json
from prunescape.store.records import OK, WIDTHS, in_float
from prunescape.tasks.contract import task_module

CELL_FIELDS = ("experiment", "model", "dataset", "variant", "setting", "seed")
RECORD = (*CELL_FIELDS, "status", "correct", "tested", "top1")


def export_best(
    export: dict[str, Any],
    *,
    widths: str,
    records: list[str],
    weights: list[str],
    identity: str,
    data: str,
    out: str,
    folder: str | None = None,
) -> None:
    """Write the `export["best"]` best cells of a variant as `out`/rank-1.onnx, ... and what they are as export.json.

    `export["select_on"]` is the split that ranks them, by default test. Of trials, which were chosen before, all are
    written, ranked by the field `export["rank_by"]`. With `export["by"]` int8 those are ranked in int8 that are within
    `export["threshold"]` points of the best; `ranked_in_int8` of export.json tells how. `export["precisions"]` names
    the files that stand beside each float one, such as rank-1.int8.onnx. `records` and `weights` hold one file per
    cell, in the same order; `folder` is where an image folder's images lie, which only int8 needs. What was in `out` is
    deleted first. Diverged cells are never exported: with no other, `models` is empty. Raises InputError when a file is
    missing or damaged, or an exported model does not compute what torch does.
    """
    torch.set_num_threads(1)
    shutil.rmtree(out, ignore_errors=True)  # export.json stands for the models beside it
    known = read_json(identity, "task")
    prepared = task_module(known, "prepared").load_prepared(data, identity, folder=folder)
    task = task_module(known, "exported")
    contents = [read_json(record, *RECORD) for record in records]
    others = [precision for precision in export.get("precisions", []) if precision != "fp32"]
    calibrated = bool(CALIBRATED & set(others))

    @cache
    def inputs_of(scaling: str) -> dict[str, Any]:
        calibration = task.calibration_inputs(prepared, scaling) if calibrated else None
        shown = {"inputs": task.parity_inputs(prepared, scaling), "scaling": task.scaling(known, prepared, scaling)}
        return shown | {"calibration": calibration}

    def network_of(position: int) -> torch.nn.Module:
        network = planned_network(read_json(widths, *WIDTHS))
        load_weights(network, weights[position])
        return network

    def scaling_of(position: int) -> str:
        return (contents[position].get("recipe", {}) | contents[position]["setting"]).get("scaling", "standard")

    def correct_of(position: int) -> int:
        calibration = inputs_of(scaling_of(position))["calibration"]
        return correct_in_int8(network_of(position), calibration, *task.stored_inputs(prepared, scaling_of(position)))

    chosen, about_choice = chosen_records(contents, export), {}
    if export.get("by") == "int8":
        order = best_records(contents, len(contents), "test")
        candidates = near_best([record["top1"] for record in contents], order, export["threshold"], export["best"])
        chosen, counts = best_in_int8(candidates, export["best"], correct_of)
        about_choice["ranked_in_int8"] = [
            {name: contents[position][name] for name in ("setting", "seed", "top1")} | {"correct_int8": correct}
            for position, correct in zip(candidates, counts, strict=True)
        ]
    models = []
    for rank, position in enumerate(chosen, start=1):
        print(f"rank {rank} of {len(chosen)}: {Path(records[position]).parent}", flush=True)
        inputs = inputs_of(scaling_of(position))
        written = write_precisions(network_of(position), others, Path(out) / f"rank-{rank}.onnx", **inputs)
        about = {"rank": rank, "subnormal_weights": subnormal_weights(written["fp32"][0])}
        for precision, (file, parity) in written.items():
            score = task.stored_score(in_float(contents[position]), prepared)
            described = describe(file, contents[position]) | score
            models.append({**about, "precision": precision, "parity": parity, **described})
    about_choice |= {"cells": len(records), "torch": torch.__version__}
    write_json(Path(out) / "export.json", {"models": models, **about_choice})


def chosen_records(records: list[dict], export: dict[str, Any]) -> list[int]:
    """Positions in `records` of the cells to export, best first; `export` as `export_best` takes it."""
    if "rank_by" in export:
        return ranked_trials(records, export["rank_by"])
    return best_records(records, export["best"], export.get("select_on", "test"))


def ranked_trials(records: list[dict], rank_by: str) -> list[int]:
    """Positions in `records` of cells with status ok by falling `rank_by`, percent; ties go to the first."""
    finished = [position for position, record in enumerate(records) if record["status"] == OK]
    return sorted(finished, key=lambda position: -records[position][rank_by])


def best_records(records: list[dict], count: int, select_on: str = "validation") -> list[int]:
    """Positions in `records` of the `count` best cells with status ok, best first; fewer when there are fewer.

    The largest share of correct validation examples wins, or the most test examples where `select_on` is test or
    nothing is held out. Ties go to the smallest setting, value by value in the order of names, then to the smallest
    seed: no other result breaks them.
    """

    def rank(position: int) -> tuple:
        record = records[position]
        held_out = record.get("val_correct") if select_on == "validation" else None
        score = record["correct"] if held_out is None else held_out / record.get("val_tested", 1)
        setting = record["setting"]
        return -score, *(setting[name] for name in sorted(setting)), record["seed"]

    finished = [position for position, record in enumerate(records) if record["status"] == OK]
    return sorted(finished, key=rank)[:count]


def write_precisions(
    network: torch.nn.Module, others: list[str], file: Path, *, inputs: np.ndarray, calibration, scaling
) -> dict[str, tuple[Path, dict | None]]:
    """Write `network` as `file` and beside it in the `others`: by precision the file and how near it is to torch."""
    parity = export_model(network, inputs, file, **scaling)
    written: dict[str, tuple[Path, dict | None]] = {"fp32": (file, parity)}
    for precision in others:
        other = file.with_suffix(f".{precision}.onnx")
        checks = {"inputs": inputs, "calibration": calibration}
        written[precision] = other, export_precision(precision, network, file, **checks, out=other, **scaling)
    return written


def describe(file: Path, record: dict) -> dict:
    """What is known of an exported file: its cell, the cell's score in torch, its digest and its sizes in bytes.

    `top1` is that of the cell, on the whole test split; `correct` and `tested`, which the task adds, count the test
    examples that the data file stores and the float network gets right, so that a target can measure the same.
    """
    content = file.read_bytes()
    network = {"network": record["network"]} if record.get("network") else {}
    return {
        "file": file.name,
        "cell": {name: record[name] for name in CELL_FIELDS} | network,
        "top1": record["top1"],
        "sha256": file_digest(file),
        "file_bytes": len(content),
        "encoded_bytes": len(zlib.compress(content, 9)),
    }
