"""The table of cells that every analysis starts from: read, checked and completed. Needs pandas."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from prunescape.errors import InputError, nearest
from prunescape.landscape.source import read_source
from prunescape.records import DIVERGED, OK

if TYPE_CHECKING:
    import pandas as pd

TEXTS, OPTIONAL_TEXTS = ("model", "dataset", "variant"), ("experiment", "status")
NUMBERS, OPTIONAL_NUMBERS = ("log10_lr", "log10_wd", "seed", "top1"), ("top5", "classes")
SETTING = ["log10_lr", "log10_wd"]
METRICS = ("top1", "top5")
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
# settings that differ by less than this many decimals of log10 are one grid point, however they were computed
SETTING_DECIMALS = 9


def read_cells(path: Path | str, *, partial: bool = False) -> pd.DataFrame:
    """The cells in a Parquet or CSV file from anywhere, one row each, with a checked and complete set of columns.

    Needed: model, dataset, variant, log10_lr, log10_wd (log10 of the learning rate and the weight decay), seed, top1
    (percent). Optional: experiment (default `DATASET-MODEL`), top5 (percent, null where not recorded), status (`ok` by
    default, or `diverged`), classes. A diverged cell scores exactly 100 / classes (500 / classes in top-5) where
    `classes` is known; without `classes` its score stays as given and must be there. Other columns pass through.
    `partial` allows a study in progress: no cells at all, or none of a base. Raises InputError.
    """
    cells = read_source(path, TEXTS + OPTIONAL_TEXTS + NUMBERS + OPTIONAL_NUMBERS)
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
    """One row per cell and metric it was scored in: the columns of a landscape's key, the setting, score, status."""
    values = [metric for metric in METRICS if metric == "top1" or cells[metric].notna().any()]
    keys = [name for name in LANDSCAPE if name != "metric"]
    kept = cells[[*keys, *SETTING, "status", *values]]
    long = kept.melt([*keys, *SETTING, "status"], values, var_name="metric", value_name="score")
    return long.dropna(subset="score").sort_values([*LANDSCAPE, *SETTING], ignore_index=True)


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
    elif name == "status":
        cells[name] = cells[name].astype("str").fillna(OK) if name in cells else OK
    cells[name] = cells[name].astype("str")
    row = _first(cells[name].isna() | (cells[name] == ""))
    if row is not None:
        _fail_at(row, f'the column "{name}" is empty', path)
    if name == "status" and (row := _first(~cells[name].isin([OK, DIVERGED]))) is not None:
        given = cells[name].iloc[row]
        _fail_at(
            row, f'unknown status "{given}"', path, allowed=f"{OK}, {DIVERGED}", hint=nearest(given, [OK, DIVERGED])
        )


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
    if name in ("seed", "classes"):
        row = _first((numbers % 1 != 0) & numbers.notna() | (numbers.abs() > 2**53))
        if row is not None:
            _fail_at(row, f'the column "{name}" holds {numbers.iloc[row]}, which is not a whole number', path)
    cells[name] = numbers.astype("int64") if name == "seed" else numbers


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
    for name, missing in (("top1", diverged & cells["top1"].isna()), ("top5", wanted & cells["top5"].isna())):
        if (row := _first(missing)) is not None:
            hint = 'add a column "classes": the score of a diverged cell is then 100 / classes'
            _fail_at(row, f'a diverged cell has no "{name}"', path, hint=hint)


def _check_scores(cells: pd.DataFrame, path: Path | str) -> None:
    row = _first(cells["top1"].isna())
    if row is not None:
        _fail_at(row, 'the column "top1" holds nan, which is not a finite number', path)
    for name in METRICS:
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
