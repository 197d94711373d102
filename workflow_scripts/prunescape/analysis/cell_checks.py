"""What a table of cells must hold before it is analysed: each check fills in or raises one clear line."""

from pathlib import Path

import numpy as np
import pandas as pd

from prunescape.analysis.axes import BASE, GROUP, METRICS, Axes, Axis, Metric
from prunescape.errors import InputError, nearest
from prunescape.store.records import DIVERGED, GRID, OK, SPLITS, STAGES, TEST, VALIDATION

# texts with few values: their default and all that they may be
CHOICES = {"status": (OK, (OK, DIVERGED)), "stage": (GRID, STAGES), "select_on": (VALIDATION, SPLITS)}
WHOLE = ("seed", "classes", "round")
# what says which cell or landscape a row is of is neither axis nor metric
TAKEN = (*GROUP, "variant", "seed", "status", "stage", "round", "select_on", "classes")
# columns of results and of the tables between: an axis may not be called so
RESERVED = (
    *("metric", "threshold", "score", "chosen_on", "best", "best_chosen_on", "first", "seeds", "d", "d_rel", "n"),
    *("d_chosen_on", "diverged", "converged", "n_diverged", "members", "share", "sigma", "freedom", "probability"),
    *("in_base_roi", "bound", "k", "points", "excess", "spread", "sigma_source", "place", "truncated", "quantity"),
    *("correct_bits", "tested"),
)
# settings that differ by less than this many decimals of log10 are one grid point, however they were computed; of other
# axes, by less than as many digits of their largest value
SETTING_DECIMALS = 9
HOLDS = 'the column "{name}" holds {value:g}'
NOT_FINITE = 'the column "{name}" holds {value}, which is not a finite number'
CHANCE = {"top1": 100, "top5": 500}  # percent x classes


def check_roles(axes: Axes, metric: Metric) -> None:
    """A column has one role: key, axis or metric."""
    columns = [axis.column for axis in axes]
    for name in (*columns, *metric.names):
        if name in TAKEN:
            what = f'the column "{name}" can be no axis and no metric: it says which cell or landscape a row is of'
            raise InputError(what)
    for name in columns:
        if name in metric.names:
            raise InputError(f'the column "{name}" is chosen as an axis and as the metric')
    for name in axes.names:
        if name in RESERVED:
            raise InputError(f'an axis is called "{name}", as a column of the results is', hint="rename it")


def check_columns(cells: pd.DataFrame, needed: tuple[str, ...], axes: Axes, metric: Metric, path: Path | str) -> None:
    """Raise for the first of the `needed` columns that is missing."""
    options = {axes.x.column: "--x", axes.y.column: "--y", metric.names[0]: "--metric"}
    others = [str(name) for name in cells if name not in needed]
    for name in needed:
        if name not in cells:
            hint = nearest(name, others) or f"the other columns are {', '.join(others[:12])}"
            hint += f"; {options[name]} chooses another" if name in options else ""
            what, allowed = f'the column "{name}" is missing', f"needed are {', '.join(needed)}"
            raise InputError(what, where=path, allowed=allowed, hint=hint)


def set_text(cells: pd.DataFrame, name: str, path: Path | str) -> None:
    """Make the column text, with its default where it is missing."""
    if name == "experiment" and name not in cells:
        cells[name] = cells["dataset"] + "-" + cells["model"]
    elif name in CHOICES:
        default = CHOICES[name][0]
        cells[name] = cells[name].astype("str").fillna(default) if name in cells else default
    values = cells[name] = cells[name].astype("str")
    _refuse(values, values.isna() | (values == ""), 'the column "{name}" is empty', path)
    if name in CHOICES:
        allowed = CHOICES[name][1]
        unknown = ~values.isin(allowed)
        hint = nearest(values[unknown].iloc[0], allowed) if unknown.any() else ""
        _refuse(values, unknown, 'unknown {name} "{value}"', path, allowed=", ".join(allowed), hint=hint)


def set_number(cells: pd.DataFrame, name: str, path: Path | str, *, needed: bool) -> None:
    """Make the column float64 (seed and round: int64); null stays null unless it is `needed`."""
    values = cells[name] if name in cells else pd.Series(np.nan, index=cells.index, name=name)
    if values.dtype == object or pd.api.types.is_bool_dtype(values):
        values = values.map(lambda value: value if value is None else str(value)).astype("str")
    numbers = pd.to_numeric(values, errors="coerce").astype("float64")
    text = 'the column "{name}" holds "{value}", which is not a finite number'
    _refuse(values, numbers.isna() & values.notna(), text, path)
    _refuse(numbers, np.isinf(numbers) | (numbers.isna() & needed), NOT_FINITE, path)
    if name == "round":
        numbers = numbers.fillna(0)
    if name in WHOLE:
        text = 'the column "{name}" holds {value}, which is not a whole number'
        _refuse(numbers, (numbers % 1 != 0) & numbers.notna() | (numbers.abs() > 2**53), text, path)
    cells[name] = numbers.astype("int64") if name in ("seed", "round") else numbers


def complete_diverged(cells: pd.DataFrame, metrics: tuple[str, ...], path: Path | str) -> None:
    """Chance level for diverged cells: 100 / classes in top-1, 500 / classes in top-5 where over 5 can be guessed.

    Another metric has no chance level: a diverged cell's value must stand in the table.
    """
    _refuse(cells["classes"], cells["classes"] < 2, HOLDS, path, allowed="2 or more")
    diverged, known = cells["status"] == DIVERGED, cells["classes"].notna()
    for metric in metrics:
        needed, hint = diverged, "no chance level is known for it: give the value that a diverged training counts as"
        if metric == "top5":
            with_top5 = cells["top5"].notna().groupby([cells[name] for name in GROUP]).transform("any")
            needed = diverged & with_top5 & ~(cells["classes"] <= 5)
        if metric in METRICS:
            hint = 'add a column "classes": the score of a diverged cell is then 100 / classes'
            chance, validation = CHANCE[metric] / cells["classes"], f"val_{metric}"
            cells[metric] = cells[metric].mask(needed & known, chance)
            validated = cells[validation].notna().groupby(cells["experiment"]).transform("any")
            cells[validation] = cells[validation].mask(diverged & known & validated, chance)
        _refuse(cells[metric], needed & cells[metric].isna(), 'a diverged cell has no "{name}"', path, hint=hint)


def check_scores(cells: pd.DataFrame, metrics: tuple[str, ...], path: Path | str) -> None:
    """Every cell has its first metric; percent lies from 0 to 100."""
    _refuse(cells[metrics[0]], cells[metrics[0]].isna(), NOT_FINITE, path)
    for metric in [metric for metric in metrics if metric in METRICS]:
        for values in (cells[metric], cells[f"val_{metric}"]):
            _refuse(values, (values < 0) | (values > 100), HOLDS, path, allowed="percent, 0 to 100")


def set_axis(cells: pd.DataFrame, axis: Axis, path: Path | str) -> None:
    """Make the axis' column from the one that it is read from, its values rounded so that equal settings are equal.

    A logarithm beyond ±50 is a mistake, or the value itself instead of its log10.
    """
    values = cells[axis.column]
    if axis.source:
        _refuse(values, values <= 0, f"{HOLDS}, which has no logarithm", path)
        values = np.log10(values).rename(axis.name)
    if axis.decades:
        _refuse(values, values.abs() > 50, HOLDS, path, allowed="log10, -50 to 50")
    largest = values.abs().max()
    decimals = SETTING_DECIMALS
    if not axis.decades and largest > 0:
        decimals -= int(np.ceil(np.log10(largest)))
    cells[axis.name] = values.round(decimals) + 0.0


def check_percent(cells: pd.DataFrame, metrics: tuple[str, ...], path: Path | str) -> None:
    """Sweep services often export fractions, and tables are merged: a landscape without a score over 1 is no percent.

    Diverged cells do not count, nor do 100 classes or more, of which that may be chance level.
    """
    trained = cells[(cells["status"] == OK) & ~(cells["classes"] >= 100)]
    for metric in [column for name in metrics if name in METRICS for column in (name, f"val_{name}")]:
        highest = trained.groupby([*GROUP, "variant", "seed"], sort=False)[metric].max()
        low = highest[(highest > 0) & (highest <= 1)]
        if len(low):
            whose = "" if len(low) == len(highest) else f" of variant {low.index[0][-2]}, seed {low.index[0][-1]},"
            what, hint = f"no {metric}{whose} is above {low.iloc[0]:g}", "multiply fractions by 100"
            raise InputError(what, where=path, allowed="percent", hint=hint)


def check_validation(cells: pd.DataFrame, metrics: tuple[str, ...], path: Path | str) -> None:
    """In an experiment that selects on validation all cells have such a score, or none: one split chooses for all."""
    selecting = cells[cells["select_on"] == VALIDATION]
    for metric in metrics:
        for experiment, known in selecting[f"val_{metric}"].notna().groupby(selecting["experiment"]):
            if known.any() and not known.all() and selecting.loc[known.index, metric].notna().any():
                what = f"{(~known).sum()} of {len(known)} cells of experiment {experiment} have no val_{metric}"
                hint = f"fill it in; or leave the column out, or add select_on: {TEST}, to choose on the test split"
                raise InputError(what, where=path, hint=hint)


def check_cells(cells: pd.DataFrame, axes: Axes, metric: Metric, path: Path | str) -> None:
    """Every cell is there once; where one is not, the columns are named in which its rows differ."""
    keys = [*GROUP, "variant", "seed", *axes.names]
    twice = cells.duplicated(keys)
    if not twice.any():
        return
    cell = cells.loc[twice, keys].iloc[0]
    same = cells[(cells[keys] == cell).all(axis=1)]
    hint = "one row per cell; runs differ by their seed"
    if varying := _varying(cells, same, {*metric.names, *(f"val_{name}" for name in metric.names)}):
        hint += f"; these rows differ in {', '.join(varying)}: keep one value of each, or choose it as an axis"
    named = ", ".join(f"{name} {cell[name]}" for name in keys)
    _refuse(twice.rename(named), twice, "this cell is there twice: {name}", path, hint=hint)


def _varying(cells: pd.DataFrame, same: pd.DataFrame, measured: set[str], most: int = 4) -> list[str]:
    """The columns in which the rows `same` differ; what has few values in the table is more likely a setting."""
    names = [name for name in cells if name not in measured and same[name].astype("str").nunique() > 1]
    return sorted(names, key=lambda name: cells[name].astype("str").nunique())[:most]


def check_base(cells: pd.DataFrame, base: str, path: Path | str) -> None:
    """Every model on a data set has cells of the variant that is its base, and no other variant is called so."""
    if base != BASE:
        text, hint = 'a variant is called "{value}" although another is to be the base', f'the base is "{base}"'
        _refuse(cells["variant"], cells["variant"] == BASE, text, path, hint=hint)
    has_base = (cells["variant"] == base).groupby([cells[name] for name in GROUP]).transform("any")
    if not has_base.all():
        group = cells.loc[(cells[GROUP] == cells.loc[~has_base, GROUP].iloc[0]).all(axis=1)]
        named = f"{path}, " + ", ".join(f"{name} {group[name].iloc[0]}" for name in GROUP)
        hint = nearest(base, group["variant"].unique()) or "the unpruned model's cells need the variant base"
        raise InputError(f'no cell has the variant "{base}"', where=named, hint=hint)


def _refuse(values: pd.Series, bad: pd.Series, text: str, path: Path | str, **more: str) -> None:
    """Raise for the first `bad` row, which may quote the column's {name} and its {value} there.

    The row is named by its number: a trial of a storage has a name of its own.
    """
    if bad.any():
        row = int(bad.to_numpy(dtype=bool).argmax())
        label = values.index[row]
        place = label if isinstance(label, str) else f"row {label + 1} after the header"
        raise InputError(text.format(name=values.name, value=values.iloc[row]), where=f"{path}, {place}", **more)
