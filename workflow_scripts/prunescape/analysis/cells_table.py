"""The table of cells that every analysis starts from: read, checked and completed. Needs pandas."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from prunescape.analysis import cell_checks as checks
from prunescape.analysis.axes import DEFAULT, GROUP, METRICS, SETTING, Choice
from prunescape.analysis.sources.files import read_source
from prunescape.errors import InputError
from prunescape.store.records import GRID, VALIDATION

if TYPE_CHECKING:
    import pandas as pd

TEXTS, OPTIONAL_TEXTS = ("model", "dataset", "variant"), ("experiment", "status", "stage", "select_on")
OUTCOMES = ("correct_bits", "tested")  # which test images a cell gets right in top-1, of how many
LANDSCAPE = [*GROUP, "variant", "seed", "metric"]
# the columns that say which landscape a row of a result belongs to, as cell_columns.CELL_COLUMNS
KEY_COLUMNS = {
    "experiment": ("string", "name in the config"),
    "model": ("string", "unpruned architecture"),
    "dataset": ("string", "name of the data set"),
    "variant": ("string", "base or the name of a pruned form"),
    "seed": ("int64", "seed of the landscape's cells; in a risk, of the base's too"),
    "metric": ("string", "top1 or top5"),
}
# the same for a row that speaks of all seeds of a variant together
VARIANT_KEY_COLUMNS = {name: column for name, column in KEY_COLUMNS.items() if name != "seed"}
VARIANT_KEY = list(VARIANT_KEY_COLUMNS)


def read_cells(path: Path | str, *, partial: bool = False, choice: Choice = DEFAULT) -> pd.DataFrame:
    """The cells in a Parquet or CSV file from anywhere, one row each, with a checked and complete set of columns.

    Needed: model, dataset, variant, log10_lr, log10_wd (log10 of the learning rate and the weight decay), seed, top1
    (percent). Optional: experiment (default `DATASET-MODEL`), top5 (percent, null where not recorded), val_top1 and
    val_top5 (percent on a validation split), select_on (`validation`, where there is one, by default, or `test`: the
    split by which settings are chosen), status (`ok` by default, or `diverged`), stage (`grid` by default, see
    records), round (0 by default), classes. A diverged cell scores exactly 100 / classes (500 / classes in top-5) where
    `classes` is known; without `classes` its score stays as given and must be there. Other columns pass through.
    `choice` may name other columns for the two axes and the metric, and gives them the names above. `partial` allows a
    study in progress: no cells at all, or none of a base. Raises InputError.
    """
    return checked_cells(read_source(path, columns_read(choice)), path, partial=partial, choice=choice)


def checked_cells(cells: pd.DataFrame, path: Path | str, *, partial: bool, choice: Choice = DEFAULT) -> pd.DataFrame:
    """`cells`, changed in place, as `read_cells` gives those that it read from `path`; raises as it does."""
    checks.check_columns(cells, (*TEXTS, *needed_numbers(choice)), choice, path)
    if cells.empty and not partial:
        raise InputError("the table has no rows", where=path)
    for name in (*TEXTS, *OPTIONAL_TEXTS):
        checks.set_text(cells, name, path)
    for name in needed_numbers(choice):
        checks.set_number(cells, name, path, needed=name not in choice.metrics)
    for name in optional_numbers(choice):
        checks.set_number(cells, name, path, needed=False)
    checks.complete_diverged(cells, choice.metrics, path)
    checks.check_scores(cells, choice.metrics, path)
    for axis in (choice.y, choice.x):
        checks.set_axis(cells, axis, path)
    checks.check_cells(cells, choice, path)
    if not partial:
        checks.check_base(cells, choice.base, path)
        if choice.in_percent:
            checks.check_percent(cells, choice.metrics[0], path)
    return choice.internal(cells)


def needed_numbers(choice: Choice) -> tuple[str, ...]:
    """The columns of numbers that a table must have."""
    return choice.y.column, choice.x.column, "seed", choice.metrics[0]


def optional_numbers(choice: Choice) -> tuple[str, ...]:
    """Those that it may have; a metric's validation split is called val_ and the metric."""
    return (*choice.metrics[1:], "classes", "round", *(f"val_{metric}" for metric in choice.metrics))


def columns_read(choice: Choice) -> tuple[str, ...]:
    """Every column that an analysis reads."""
    return TEXTS + OPTIONAL_TEXTS + needed_numbers(choice) + optional_numbers(choice)


def scores(cells: pd.DataFrame) -> pd.DataFrame:
    """The landscapes: one row per cell of a grid and metric it was scored in. Fresh seeds are no part of them.

    Columns: a landscape's key, the setting, status, round, `score` (percent on the test split) and `chosen_on`, the
    percent by which settings are chosen: on the validation split where the landscape has one, else the score itself.
    """
    known = [name for name in OUTCOMES if name in cells]
    return long_scores(cells[cells["stage"] == GRID].drop(columns=known)).drop(columns="stage")


def long_scores(cells: pd.DataFrame) -> pd.DataFrame:
    """As `scores`, of all cells whatever their stage, which is a column; with the outcomes per image, where known."""
    import pandas as pd

    keys = [*(name for name in LANDSCAPE if name != "metric"), *SETTING, "status", "stage", "round"]
    keys += [name for name in OUTCOMES if name in cells]
    parts = [
        cells[keys].assign(metric=metric, score=cells[metric], chosen_on=chosen_on(cells, metric))
        for metric in METRICS
        if metric == "top1" or cells[metric].notna().any()
    ]
    long = pd.concat(parts).dropna(subset="score")
    return long.sort_values([*LANDSCAPE, *SETTING], ignore_index=True)


def chosen_on(cells: pd.DataFrame, metric: str) -> pd.Series:
    """Percent on the validation split for experiments that select on it, if all their cells have it, else on test."""
    there = cells[f"val_{metric}"].notna() & (cells["select_on"] == VALIDATION)
    validated = there.groupby(cells["experiment"]).transform("all")
    return cells[f"val_{metric}"].where(validated, cells[metric])


def variant_order(name: str) -> tuple:
    """A sort key: the base, then uniform and nonuniform from the largest ratio down, then any other name."""
    method, _, ratio = name.partition("-")
    known = ("base", "uniform", "nonuniform")
    if method not in known or (not ratio.replace(".", "", 1).isdigit() and ratio):
        return len(known), 0.0, name
    return known.index(method), -float(ratio or 1), name
