"""Writes cells.parquet and benchmarks.parquet from every record and measurement of a study."""

import base64
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Protocol

import numpy as np
import pandas as pd
import pyarrow as pa

from prunescape.analysis.axes import GROUP, KEY_COLUMNS
from prunescape.errors import InputError
from prunescape.measure.table import MEASURED_COLUMNS, benchmark_columns, benchmark_rows
from prunescape.space.cells import Cell
from prunescape.space.recipe import PARAMETERS, STOP
from prunescape.space.settings import SETTING_PARAMETERS, Setting, hyperparameter_columns, network_column
from prunescape.store.files import AGAIN, file_digest, read_json
from prunescape.store.records import GRID, TEST
from prunescape.store.tables import Columns, arrow_schema, read_table, write_table
from prunescape.tasks.contract import task_module

# of cells.parquet; None in a record becomes null
IDENTITY_COLUMNS: Columns = {
    **{name: KEY_COLUMNS[name] for name in GROUP},
    "variant": ("string", "base, uniform-R or nonuniform-R"),
    "method": ("string", "base, uniform or nonuniform"),
    "ratio": ("float64", "share of FLOPs kept that was asked for; 1 for the base"),
    "ratio_achieved": ("float64", "share of FLOPs kept that whole channels reach"),
}
RECORD_COLUMNS: Columns = {
    "seed": ("int64", "seed of initialisation, order and augmentation"),
    "stage": (
        "string",
        "grid, or a fresh seed: pilot (at the prior, for seed noise) or replicate (kept points); trial of a space, or "
        "confirmation: a fresh seed at one of the best trials; ranking: a base whose weights alone are used",
    ),
    "round": ("int64", "round that planned the cell: 0 for the configured grid, from 1 on those that read results"),
    "select_on": ("string", "test, or validation: the split by whose top-1 settings are chosen"),
    "precision": (
        "string",
        "of training's products: fp32, tf32, bf16; tests have fp32, on a GPU TF32 unless this is fp32",
    ),
    "status": ("string", "ok, or diverged: the loss was not finite"),
    "classes": ("int64", "number of classes"),
    "tested": ("int64", "images in the test split"),
    "largest_class": ("int64", "those of them in the split's most frequent class; null where the data are gone"),
    "correct": ("int64", "test images whose top-1 class is right after the last epoch; null when diverged"),
    "float_correct": ("int64", "the same with weights in floating point, of a cell that scores in int8; else null"),
    "float_top1": ("float64", "100 float_correct / tested, percent"),
    "correct_top5": ("int64", "the same for the five best classes; null when diverged or with 10 classes or fewer"),
    "top1": ("float64", "percent; exactly 100 / classes when diverged (matthiesen2023, 3.1.1)"),
    "top5": ("float64", "percent; exactly 500 / classes when diverged; null with 10 classes or fewer"),
    "val_correct": ("int64", "validation images whose top-1 class is right after the last epoch; null as is `correct`"),
    "val_tested": ("int64", "images held out of the training split for validation; null where there are none"),
    "val_top1": ("float64", "100 val_correct / val_tested, percent; exactly 100 / classes when diverged"),
    "val_top5": ("float64", "as `val_top1` for the five best classes; 500 / classes when diverged; null as is `top5`"),
    "loss": ("float64", "mean cross-entropy on the test split, nats; null when not finite"),
    "train_loss": ("float64", "mean of the recipe's loss function over the last epoch's batches; null when not finite"),
    "train_top1": ("float64", "percent over the last epoch's batches, augmented, in training mode"),
    "best_epoch": ("int64", "epoch (from 1) with the most correct test images: kept, never used"),
    "epochs_trained": ("int64", "epochs finished"),
    "flops": ("int64", "2 x multiply-accumulates of convolutions and linear layers, one image"),
    "parameters": ("int64", "trainable parameters"),
    "seconds": ("float64", "wall time of training and testing, without interruptions"),
    "resumes": ("int64", "how often the training was interrupted and went on from where it was"),
    "images_per_second": ("float64", "training images per second of training"),
    "epoch_seconds": ("float64", "mean wall time of an epoch's training, without its test and what compiles it"),
    "compile_seconds": ("float64", "wall time of compilation, in trainings and tests; null where nothing is compiled"),
    "epoch_cpu_seconds": ("float64", "mean processor time of that, workers included; of all cells in step together"),
    "others_cpu": ("float64", "processor time of everything else on the host meanwhile, as a multiple of that"),
    "epoch_joules": ("float64", "mean energy of an epoch's training; null with an `energy_reason`"),
    "watts": ("float64", "joules of all epochs / their seconds"),
    "energy_source": ("string", "rapl (processors and memory) or nvml (the GPU alone); null without a counter"),
    "energy_covers": ("string", "what used the energy that the counter tells, idle power included"),
    "energy_reason": ("string", "why no energy is told: no counter, or not alone on what it covers"),
    "system": ("string", "what was tried and kept of system parameters (JSON, docs/system.md); null where nothing was"),
    "peak_memory_bytes": ("int64", "peak resident memory of the process, the warm one's share too; or of the GPU"),
    "together": ("int64", "cells that trained in step on the GPU, this one included; they share time and memory"),
    "alone": ("string", "why the cell cannot train beside others on a GPU; null where it can, and on a CPU"),
    "device": ("string", "cpu, or the name of the GPU"),
    "host": ("string", "name of the host"),
    "cpu": ("string", "name of its processor"),
    "torch": ("string", "version of torch"),
    "numpy": ("string", "version of numpy"),
    "finished": ("string", "when, in universal time (ISO 8601)"),
    "data_digest": ("string", "SHA-256 of the prepared data"),
    "code_digest": ("string", "digest of the training code"),
    "widths_digest": ("string", "SHA-256 of the variant's widths.json"),
    "weights_digest": ("string", "SHA-256 of the weights file"),
    "correct_bits": ("binary", "per-image correctness (top-1), bit i of byte i // 8 from the high end is image i"),
}

# where a search lets survivors go on
CONTINUED_COLUMN: Columns = {
    "continued_from": ("int64", "epochs that an earlier rung of the same training had trained: no part of `seconds`"),
}

TRIAL_COLUMNS: Columns = {
    "experiment": KEY_COLUMNS["experiment"],
    "arm": ("string", "all, all-again, fix:NAME, fix-dimension:NAME; default: the default setting, of the base alone"),
    "trial": ("int64", "number of the trial in its arm, from 0"),
    "setting": ("string", "name of the setting in paths; those of several arms may be the same"),
}


class Places(Protocol):
    """What tells each cell's stage and round: designs/rounds.py has it."""

    def of(self, record: Mapping[str, Any]) -> dict[str, Any]:
        """stage, round and select_on of the cell that `record` describes."""


def write_cells(
    records: Iterable[Path | str], out: Path | str, *, places: Places, data: Iterable[Path | str] = ()
) -> None:
    """Write one row per record (JSON, as train_cell writes it) with the columns of `cell_columns`.

    `places` tells each cell's stage and round; `data` are the prepared data sets, each beside its identity.
    Raises InputError that names a file which is missing, damaged or lacks a field.
    """
    largest = {Path(path).stem: largest_class(path) for path in data}
    rows, columns = cell_rows(records, places, largest)
    _write(rows, columns, out)


def write_trials(trials: Sequence[dict[str, Any]], out: Path | str) -> None:
    """Write one row per trial of an arm with TRIAL_COLUMNS and every hyperparameter; what does not act is null.

    Each of `trials` has the values of TRIAL_COLUMNS and, as `values`, those of its hyperparameters. Cells are trained
    at a trial's setting, so a cell may belong to trials of several arms.
    """
    write_table(_trials_table(trials), out)


def trials_frame(trials: Sequence[dict[str, Any]]) -> pd.DataFrame:
    """The table of `write_trials` in memory."""
    return _trials_table(trials).to_pandas()


def _trials_table(trials: Sequence[dict[str, Any]]) -> pa.Table:
    columns = TRIAL_COLUMNS | hyperparameter_columns({name for trial in trials for name in trial["values"]})
    rows = [dict.fromkeys(columns) | trial | trial["values"] for trial in trials]
    return pa.Table.from_pylist(rows, schema=arrow_schema(columns))


def cell_rows(
    records: Iterable[Path | str], places: Places, largest: Mapping[str, int] = MappingProxyType({})
) -> tuple[list[dict[str, Any]], Columns]:
    """The rows of `write_cells` and their columns: with every hyperparameter that some setting has.

    `largest` has the `largest_class` of data sets by name.
    """
    read = [(path, _checked(path, read_json(path), lambda record: (record, record["setting"]))) for path in records]
    columns = cell_columns({name for _, (_, setting) in read for name in setting})

    def row(record: dict[str, Any]) -> dict[str, Any]:
        return record_row(record | {"largest_class": largest.get(record["dataset"])}, places.of(record), columns)

    return [_checked(path, record, row) for path, (record, _) in read], columns


def largest_class(data: Path | str) -> int:
    """Examples of the most frequent class in the test split of a prepared data set. Raises as `load_prepared` does."""
    identity = Path(data).with_suffix(".json")
    task = task_module(read_json(identity, "task"), "prepared")
    labels = task.tested_labels(task.load_prepared(data, identity))
    return int(np.unique(labels, return_counts=True)[1].max())


def cells_frame(records: Iterable[Path | str], places: Places) -> pd.DataFrame:
    """The rows of `write_cells` as a table in memory."""
    return pd.DataFrame(cell_rows(records, places)[0])


def check_records(records: Iterable[Path | str], experiments: dict[str, dict[str, Any]]) -> None:
    """Raise InputError for a record that was not trained by what its experiment declares now.

    `experiments` holds for each name `shared`, its declaration, `widths`, the plan (widths.json) of each variant by
    `Cell.variant_path`, with `{seed}` in its path where each seed has its own, and `levels`, the digest of the code of
    each level that some cells have, by `NAME=LEVEL`. After an interrupted run Snakemake may overlook cells behind the
    interrupted one; their old results must not stand beside new ones.
    """
    wanted, digest = {name: _declared(**files) for name, files in experiments.items()}, cache(plan_digest)
    for path in records:
        record = read_json(path, "experiment", "variant", "setting", "seed", "recipe", "provenance")
        made, now = record["provenance"], wanted[record["experiment"]]
        found = {"recipe": record["recipe"], "code": made.get("code_digest"), "data": made.get("data_digest")}
        other = [name for name, value in found.items() if value != now[name]]
        other += ["numerics"] if made.get("numerics") != now.get("numerics") else []
        levels = made.get("level_digests", {})
        other += [f"code of {level}" for level, digest in levels.items() if now["levels"].get(level) != digest]
        plan = str(now["widths"][Cell.from_content(record).variant_path]).format(seed=record["seed"])
        other += ["widths"] if made.get("widths_digest") != digest(plan) else []
        if other:
            what = f"the cell was trained with other {' and '.join(other)} than now"
            raise InputError(what, where=path, hint="run again; if it stays, delete the record")


def _declared(shared: Path | str, widths: dict[str, Path | str], levels: dict[str, str]) -> dict[str, Any]:
    return read_json(shared, "recipe", "code", "data") | {"widths": widths, "levels": levels}


def plan_digest(path: Path | str) -> str:
    """SHA-256 of a plan; raises InputError for a damaged one, which is to be named, not the records it does not fit."""
    read_json(path)
    return file_digest(path)


def is_readable(record: Path | str) -> bool:
    """Whether a record gives a row of the table."""
    anywhere = {"stage": GRID, "round": 0, "select_on": TEST}
    try:
        content = read_json(record)
        _checked(record, content, lambda content: record_row(content, anywhere, cell_columns(content["setting"])))
    except InputError:
        return False
    return True


def write_benchmarks(benchmarks: Iterable[Path | str], out: Path | str, *, cells: Path | str) -> None:
    """Write one row per model, target and way to run it with the columns of `benchmark_columns`; may be none.

    `cells` is the study's table of cells, which has the hyperparameters of their settings.
    """
    rows = [row for path in benchmarks for row in _checked(path, read_json(path), benchmark_rows)]
    varied = [name for name in read_table(cells).column_names if name in PARAMETERS and name not in MEASURED_COLUMNS]
    columns = benchmark_columns(varied)  # `precision` is that of the file that was measured
    _write([{name: row.get(name) for name in columns} for row in rows], columns, out)


def _checked(path: Path | str, content: dict[str, Any], function: Callable[[dict[str, Any]], Any]) -> Any:
    """What `function` makes of a file's content; a lacking field or wrong value is the file's fault."""
    try:
        return function(content)
    except KeyError as error:
        what = f"the record has no field {error}"
        raise InputError(what, where=path, hint=f"it is of another version: {AGAIN}") from None
    except (TypeError, ValueError, AttributeError) as error:
        what = f"the record is damaged ({error})"
        raise InputError(what, where=path, hint=AGAIN) from None


def _write(rows: list[dict[str, Any]], columns: Columns, out: Path | str) -> None:
    write_table(pa.Table.from_pylist(rows, schema=arrow_schema(columns)), out)


def cell_columns(hyperparameters: Iterable[str]) -> Columns:
    """All columns of a study whose settings have these hyperparameters."""
    names = list(hyperparameters)
    continued = CONTINUED_COLUMN if STOP in names else {}
    return IDENTITY_COLUMNS | network_column(names) | hyperparameter_columns(names) | RECORD_COLUMNS | continued


def record_row(record: dict[str, Any], place: dict[str, Any], columns: Columns) -> dict[str, Any]:
    """One row of cells.parquet from a record as train_cell writes it. Raises KeyError for a record without a field.

    `place` has stage, round and select_on: they belong to the design, which may change without a training. What a
    cell's setting does not give is as in its recipe, or its network.
    """
    values = record["recipe"] | record.get("network", {}) | record["setting"]
    unknown = dict.fromkeys((columns.keys() & SETTING_PARAMETERS.keys()) | {"largest_class"})
    row = {**unknown, "continued_from": 0, **values, **record, **record["provenance"], **place}
    row |= used_per_epoch(record)
    row["system"] = json.dumps(record["system"], sort_keys=True) if "system" in record else None
    right = record["float_correct"]
    row["float_top1"] = None if right is None else 100 * right / record["tested"]
    row["network"] = Setting.of(record["setting"]).network_text
    row["correct_bits"] = base64.b64decode(record["correct_bits"])
    return {name: row[name] for name in columns}


def used_per_epoch(record: dict[str, Any]) -> dict[str, Any]:
    """Means over the epochs of a record, and watts = joules / seconds over all of them."""
    seconds, joules = record["epoch_seconds"], record["epoch_joules"]
    own, host = sum(record["epoch_cpu_seconds"]), sum(record["epoch_host_cpu_seconds"])
    return {
        "epoch_seconds": sum(seconds) / len(seconds),
        "epoch_cpu_seconds": own / len(seconds),
        "others_cpu": max(0.0, host - own) / own if own > 0 else None,
        "epoch_joules": sum(joules) / len(joules) if joules else None,
        "watts": sum(joules) / sum(seconds) if joules else None,
    }
