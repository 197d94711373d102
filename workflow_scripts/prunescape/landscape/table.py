"""The table of cells that every analysis starts from: read, checked and completed. Needs pandas."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from prunescape.errors import InputError, nearest
from prunescape.landscape.source import read_source
from prunescape.records import DIVERGED, GRID, OK, SPLITS, STAGES, VALIDATION

if TYPE_CHECKING:
    import pandas as pd

TEXTS, OPTIONAL_TEXTS = ("model", "dataset", "variant"), ("experiment", "status", "stage", "select_on")
NUMBERS = ("log10_lr", "log10_wd", "seed", "top1")
OPTIONAL_NUMBERS = ("top5", "classes", "round", "val_top1", "val_top5")
# texts with few values: their default and all that they may be
CHOICES = {"status": (OK, (OK, DIVERGED)), "stage": (GRID, STAGES), "select_on": (VALIDATION, SPLITS)}
SETTING = ["log10_lr", "log10_wd"]
METRICS = ("top1", "top5")
OUTCOMES = ("correct_bits", "tested")  # which test images a cell gets right in top-1, of how many
GROUP = ["experiment", "model", "dataset"]
LANDSCAPE = ["experiment", "model", "dataset", "variant", "seed", "metric"]
# the columns that say which landscape a row of a result belongs to, as records.CELL_COLUMNS
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
# settings that differ by less than this many decimals of log10 are one grid point, however they were computed
SETTING_DECIMALS = 9


def read_cells(path: Path | str, *, partial: bool = False) -> pd.DataFrame:
    """The cells in a Parquet or CSV file from anywhere, one row each, with a checked and complete set of columns.

    Needed: model, dataset, variant, log10_lr, log10_wd (log10 of the learning rate and the weight decay), seed, top1
    (percent). Optional: experiment (default `DATASET-MODEL`), top5 (percent, null where not recorded), val_top1 and
    val_top5 (percent on a validation split), select_on (`validation`, where there is one, by default, or `test`: the
    split by which settings are chosen), status (`ok` by default, or `diverged`), stage (`grid` by default, see
    records), round (0 by default), classes. A diverged cell scores exactly 100 / classes (500 / classes in top-5) where
    `classes` is known; without `classes` its score stays as given and must be there. Other columns pass through.
    `partial` allows a study in progress: no cells at all, or none of a base. Raises InputError.
    """
    return checked_cells(read_source(path, TEXTS + OPTIONAL_TEXTS + NUMBERS + OPTIONAL_NUMBERS), path, partial=partial)


def checked_cells(cells: pd.DataFrame, path: Path | str, *, partial: bool) -> pd.DataFrame:
    """`cells`, changed in place, as `read_cells` gives those that it read from `path`; raises as it does."""
    _check_columns(cells, path)
    if cells.empty and not partial:
        raise InputError("the table has no rows", where=path)
    for name in (*TEXTS, *OPTIONAL_TEXTS):
        _set_text(cells, name, path)
    for name in (*NUMBERS, *OPTIONAL_NUMBERS):
        _set_number(cells, name, path)
    _complete_diverged(cells, path)
    _check_scores(cells, path)
    _check_settings(cells, path)
    cells[SETTING] = cells[SETTING].round(SETTING_DECIMALS) + 0.0
    _check_cells(cells, path)
    if not partial:
        _check_base(cells, path)
        _check_percent(cells, path)
    return cells


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
        cells[keys].assign(metric=metric, score=cells[metric], chosen_on=_chosen_on(cells, metric))
        for metric in METRICS
        if metric == "top1" or cells[metric].notna().any()
    ]
    long = pd.concat(parts).dropna(subset="score")
    return long.sort_values([*LANDSCAPE, *SETTING], ignore_index=True)


def _chosen_on(cells: pd.DataFrame, metric: str) -> pd.Series:
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


def _fail_at(row: int, what: str, path: Path | str, **more: str) -> None:
    raise InputError(what, where=f"{path}, row {row + 1} after the header", **more)


def _first(mask) -> int | None:
    """The position of the first true value, or None."""
    mask = np.asarray(mask, dtype=bool)
    return int(mask.argmax()) if mask.any() else None


def _check_columns(cells: pd.DataFrame, path: Path | str) -> None:
    for name in (*TEXTS, *NUMBERS):
        if name not in cells:
            needed = ", ".join((*TEXTS, *NUMBERS))
            hint = nearest(name, cells.columns) or "the columns are " + ", ".join(map(str, cells.columns[:12]))
            raise InputError(f'the column "{name}" is missing', where=path, allowed=f"needed are {needed}", hint=hint)


def _set_text(cells: pd.DataFrame, name: str, path: Path | str) -> None:
    if name == "experiment" and name not in cells:
        cells[name] = cells["dataset"] + "-" + cells["model"]
    elif name in CHOICES:
        default = CHOICES[name][0]
        cells[name] = cells[name].astype("str").fillna(default) if name in cells else default
    cells[name] = cells[name].astype("str")
    row = _first(cells[name].isna() | (cells[name] == ""))
    if row is not None:
        _fail_at(row, f'the column "{name}" is empty', path)
    _, allowed = CHOICES.get(name, (None, None))
    if allowed and (row := _first(~cells[name].isin(allowed))) is not None:
        given = cells[name].iloc[row]
        _fail_at(row, f'unknown {name} "{given}"', path, allowed=", ".join(allowed), hint=nearest(given, allowed))


def _set_number(cells: pd.DataFrame, name: str, path: Path | str) -> None:
    """Make the column float64 (seed: int64); null stays null only where a later step allows it."""
    import pandas as pd

    given = cells[name] if name in cells else pd.Series(np.nan, index=cells.index)
    if given.dtype == object or pd.api.types.is_bool_dtype(given):
        given = given.map(lambda value: value if value is None else str(value)).astype("str")
    numbers = pd.to_numeric(given, errors="coerce").astype("float64")
    row = _first(numbers.isna() & given.notna())
    if row is not None:
        _fail_at(row, f'the column "{name}" holds "{given.iloc[row]}", which is not a finite number', path)
    row = _first(np.isinf(numbers) | (numbers.isna() & (name in (*SETTING, "seed"))))
    if row is not None:
        _fail_at(row, f'the column "{name}" holds {numbers.iloc[row]}, which is not a finite number', path)
    if name == "round":
        numbers = numbers.fillna(0)
    if name in ("seed", "classes", "round"):
        row = _first((numbers % 1 != 0) & numbers.notna() | (numbers.abs() > 2**53))
        if row is not None:
            _fail_at(row, f'the column "{name}" holds {numbers.iloc[row]}, which is not a whole number', path)
    cells[name] = numbers.astype("int64") if name in ("seed", "round") else numbers


def _complete_diverged(cells: pd.DataFrame, path: Path | str) -> None:
    """Chance level for diverged cells (METHODS, section 1): 100 / classes, in top-5 500 / classes with over 5."""
    row = _first(cells["classes"] < 2)
    if row is not None:
        _fail_at(row, f'the column "classes" holds {cells["classes"].iloc[row]:g}', path, allowed="2 or more")
    diverged, known = cells["status"] == DIVERGED, cells["classes"].notna()
    cells["top1"] = cells["top1"].mask(diverged & known, 100 / cells["classes"])
    with_top5 = cells["top5"].notna().groupby([cells[name] for name in GROUP]).transform("any")
    wanted = diverged & with_top5 & ~(cells["classes"] <= 5)
    cells["top5"] = cells["top5"].mask(wanted & known, 500 / cells["classes"])
    for metric, chance in (("top1", 100), ("top5", 500)):
        name = f"val_{metric}"
        validated = cells[name].notna().groupby(cells["experiment"]).transform("any")
        cells[name] = cells[name].mask(diverged & known & validated, chance / cells["classes"])
    for name, missing in (("top1", diverged & cells["top1"].isna()), ("top5", wanted & cells["top5"].isna())):
        if (row := _first(missing)) is not None:
            hint = 'add a column "classes": the score of a diverged cell is then 100 / classes'
            _fail_at(row, f'a diverged cell has no "{name}"', path, hint=hint)


def _check_scores(cells: pd.DataFrame, path: Path | str) -> None:
    row = _first(cells["top1"].isna())
    if row is not None:
        _fail_at(row, 'the column "top1" holds nan, which is not a finite number', path)
    for name in (*METRICS, *(f"val_{metric}" for metric in METRICS)):
        if (row := _first((cells[name] < 0) | (cells[name] > 100))) is not None:
            _fail_at(row, f'the column "{name}" holds {cells[name].iloc[row]:g}', path, allowed="percent, 0 to 100")


def _check_settings(cells: pd.DataFrame, path: Path | str) -> None:
    """A learning rate or weight decay beyond 1e±50 is a mistake, or the value itself instead of its log10."""
    for name in SETTING:
        if (row := _first(cells[name].abs() > 50)) is not None:
            _fail_at(row, f'the column "{name}" holds {cells[name].iloc[row]:g}', path, allowed="log10, -50 to 50")


def _check_percent(cells: pd.DataFrame, path: Path | str) -> None:
    """Sweep services often export fractions: a table without any score over 1 cannot be percent."""
    highest = cells["top1"].max()
    if 0 < highest <= 1:
        raise InputError(
            f"no top1 is above {highest:g}", where=path, allowed="percent", hint="multiply fractions by 100"
        )


def _check_cells(cells: pd.DataFrame, path: Path | str) -> None:
    keys = [*GROUP, "variant", "seed", *SETTING]
    row = _first(cells.duplicated(keys))
    if row is not None:
        named = ", ".join(f"{name} {cells[name].iloc[row]}" for name in keys)
        _fail_at(row, f"this cell is there twice: {named}", path, hint="one row per cell; runs differ by their seed")


def _check_base(cells: pd.DataFrame, path: Path | str) -> None:
    has_base = (cells["variant"] == "base").groupby([cells[name] for name in GROUP]).transform("any")
    row = _first(~has_base)
    if row is not None:
        group = cells.loc[(cells[GROUP] == cells[GROUP].iloc[row]).all(axis=1)]
        named = f"{path}, " + ", ".join(f"{name} {group[name].iloc[0]}" for name in GROUP)
        hint = nearest("base", group["variant"].unique()) or "the unpruned model's cells need the variant base"
        raise InputError('no cell has the variant "base"', where=named, hint=hint)
