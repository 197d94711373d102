"""Writes curves.parquet: accuracy, loss and use of every epoch of every training of a study, from the records."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from prunescape.analysis.axes import GROUP, KEY_COLUMNS
from prunescape.space.settings import Setting
from prunescape.store.files import read_json
from prunescape.store.tables import Columns, arrow_schema, write_table

CURVE_COLUMNS: Columns = {
    **{name: KEY_COLUMNS[name] for name in (*GROUP, "variant")},
    "setting": ("string", "the hyperparameters that differ from the experiment's recipe, as NAME VALUE"),
    "seed": ("int64", "seed of the cell"),
    "epoch": ("int64", "from 1"),
    "learning_rate": ("float64", "during this epoch; with a schedule within epochs, at its start"),
    "train_loss": ("float64", "mean loss over the epoch's batches; null when not finite"),
    "train_top1": ("float64", "percent over these batches, augmented, in training mode"),
    "test_loss": ("float64", "mean loss on the test split after the epoch; null when not finite"),
    "test_top1": ("float64", "percent on the test split after the epoch; null when diverged"),
    "seconds": ("float64", "wall time of the epoch's training, without its test"),
    "cpu_seconds": ("float64", "processor time of that, workers included"),
    "joules": ("float64", "energy of that; null with an energy_reason in cells.parquet"),
}
FIELDS = (*GROUP, "variant", "setting", "seed", "tested", "history")
USED = {"seconds": "epoch_seconds", "cpu_seconds": "epoch_cpu_seconds", "joules": "epoch_joules"}


def write_curves(records: Iterable[Path | str], out: Path | str) -> None:
    """Write one row per epoch of each record (JSON) with CURVE_COLUMNS.

    Raises InputError that names a record which is missing, damaged or lacks a field.
    """
    rows = [row for path in records for row in curve_rows(read_json(path, *FIELDS, *USED.values()))]
    write_table(pa.Table.from_pylist(rows, schema=arrow_schema(CURVE_COLUMNS)), out)


def curve_rows(record: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The rows of one record."""
    cell = {name: record[name] for name in (*GROUP, "variant", "seed")}
    cell["setting"] = str(Setting.of(record["setting"]))
    used = {name: record[field] or [None] * len(record["history"]) for name, field in USED.items()}
    return [
        {
            **cell,
            **{name: entry[name] for name in CURVE_COLUMNS if name in entry},
            "test_top1": None if entry["correct"] is None else 100 * entry["correct"] / record["tested"],
            **{name: values[place] for name, values in used.items()},
        }
        for place, entry in enumerate(record["history"])
    ]
