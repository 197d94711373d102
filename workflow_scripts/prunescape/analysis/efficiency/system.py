"""What trainings found of system parameters: every configuration of each cell, which was kept, what that gained."""

import json
import statistics
from collections.abc import Iterator
from typing import Any

import pandas as pd

from prunescape.analysis.axes import GROUP, KEY_COLUMNS
from prunescape.analysis.efficiency.efficiency import setting_texts
from prunescape.space.system_parameters import NEUTRAL, SYSTEM

CELL = (*GROUP, "variant")
COMPARED = ("probe", "settled")  # uses of epochs whose time is compared
TYPES = {True: "string", False: "int64"}  # of a parameter, by whether it has levels

SYSTEM_COLUMNS: dict[str, tuple[str, str]] = {
    **{name: KEY_COLUMNS[name] for name in CELL},
    "setting": ("string", "the hyperparameters in which cells of the experiment differ, as NAME VALUE"),
    "seed": ("int64", "seed of the cell"),
    "host": ("string", "name of the host"),
    **{name: (TYPES[bool(SYSTEM[name].levels)], SYSTEM[name].meaning) for name in NEUTRAL},
    "epochs": ("int64", "epochs of the cell with this configuration, whole or not"),
    "compared": ("int64", "those of them whose time is compared: whole ones, without a first one that was profiled"),
    "seconds": ("float64", "median wall time of the compared epochs' training; null without any"),
    "joules": ("float64", "median energy of them; null where none is known"),
    "kept": ("bool", "the configuration of the rest of the training"),
    "source": (
        "string",
        "where the kept one comes from: probed, remembered or similar (from the store), unfinished (the training ended "
        "first), not measured, one value",
    ),
    "gain": (
        "float64",
        "median of the first configuration over that of the kept one, of this training and the store; null elsewhere",
    ),
    "cores": ("int64", "cores that the job declared"),
    "goal": ("string", "what was minimised: epoch_seconds or joules"),
    "problem": ("string", "why a store was left aside, or why no energy is told; null without"),
}


def has_system(cells: pd.DataFrame) -> bool:
    """Whether some cell of a table tried system parameters."""
    return "system" in cells and bool(cells["system"].notna().any())


def system_table(cells: pd.DataFrame) -> pd.DataFrame:
    """SYSTEM_COLUMNS of every configuration that some cell had, in the order in which it first had it."""
    rows = []
    for _, own in cells.groupby("experiment", sort=True):
        texts = setting_texts(own)
        for index, row in own[own["system"].notna()].iterrows():
            cell = {name: row[name] for name in (*CELL, "seed")} | {"setting": texts[index], "host": row["host"]}
            rows += [cell | found for found in _configurations(json.loads(row["system"]))]
    return pd.DataFrame(rows, columns=list(SYSTEM_COLUMNS))


def _configurations(noted: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The rows of one cell, from the field `system` of its record."""
    kept, used = noted["configuration"], [epoch["configuration"] for epoch in noted["epochs"]]
    for place, configuration in enumerate(used):
        if configuration in used[:place]:
            continue
        epochs = [epoch for epoch in noted["epochs"] if epoch["configuration"] == configuration]
        compared = [epoch for epoch in epochs if epoch["use"] in COMPARED]
        yield {
            **{name: configuration[name] for name in NEUTRAL},
            "epochs": len(epochs),
            "compared": len(compared),
            **{name: _median(compared, name) for name in ("seconds", "joules")},
            "kept": configuration == kept,
            "source": noted["source"],
            "gain": noted["gain"] if configuration == kept else None,
            **{name: noted[name] for name in ("cores", "goal", "problem")},
        }


def _median(epochs: list[dict[str, Any]], name: str) -> float | None:
    values = [epoch[name] for epoch in epochs if epoch[name] is not None]
    return statistics.median(values) if values else None
