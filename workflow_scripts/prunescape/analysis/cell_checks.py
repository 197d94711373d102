"""What a table of cells must hold as a whole before it is analysed: each check fills in or raises one clear line."""

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from prunescape.analysis.axes import BASE, GROUP, METRICS, Axes, Metric
from prunescape.analysis.column_checks import HOLDS, NOT_FINITE, refuse
from prunescape.analysis.sources.runs import STEPS
from prunescape.errors import InputError, nearest
from prunescape.store.records import DIVERGED, OK, TEST, VALIDATION

# what says which cell or landscape a row is of is neither axis nor metric
TAKEN = (*GROUP, "variant", "seed", "status", "stage", "round", "select_on", "classes")
# columns of results and of the tables between: an axis may not be called so
RESERVED = (
    *("metric", "threshold", "score", "chosen_on", "best", "best_chosen_on", "first", "seeds", "d", "d_rel", "n"),
    *("d_chosen_on", "diverged", "converged", "n_diverged", "members", "share", "sigma", "freedom", "probability"),
    *("in_base_roi", "bound", "k", "points", "excess", "spread", "sigma_source", "place", "truncated", "quantity"),
    *("correct_bits", "tested", "low", "high", "mean", "cut", "choice", "pipeline", "at_edge", "chosen"),
    *("gain", "gain_low", "gain_high", "gain_p", "gain_p_holm", "epochs_trained", "epochs_total", "bases"),
)
# Equal scores of two seeds: how likely one is at most, and how likely all of them are to be noted and to be refused.
ONE_EQUAL, NOTED, REFUSED = 0.5, 0.01, 1e-4
CHANCE = {"top1": 100, "top5": 500}  # percent x classes
UNPRUNED = ("unpruned", "dense", "baseline", "original", "full", "none", "pretrained")  # as others call the base


def no_score(metric: Metric) -> str:
    """A hint at what to do about a run without a finite score."""
    counts = 'the number of "classes", which gives its score' if metric.in_percent else "the value it counts as"
    return f'leave out a run that did not end; one that diverged needs status "diverged" and {counts}'


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


def complete_diverged(cells: pd.DataFrame, metrics: tuple[str, ...], path: Path | str) -> None:
    """Chance level for diverged cells: 100 / classes in top-1, 500 / classes in top-5 where over 5 can be guessed.

    Another metric has no chance level: a diverged cell's value must stand in the table.
    """
    refuse(cells["classes"], cells["classes"] < 2, HOLDS, path, allowed="2 or more")
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
        refuse(cells[metric], needed & cells[metric].isna(), 'a diverged cell has no "{name}"', path, hint=hint)


def check_scores(cells: pd.DataFrame, metric: Metric, path: Path | str) -> None:
    """Every cell has its first metric; percent lies from 0 to 100."""
    first = cells[metric.names[0]]
    refuse(first, first.isna(), NOT_FINITE, path, hint=no_score(metric))
    for name in [name for name in metric.names if name in METRICS]:
        for values in (cells[name], cells[f"val_{name}"]):
            refuse(values, (values < 0) | (values > 100), HOLDS, path, allowed="percent, 0 to 100")


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
    if logged := [name for name in STEPS if name in same and same[name].nunique() == len(same)]:
        hint += f"; these are rows of one log, by {logged[0]}: keep the last of each run"
    elif varying := _varying(cells, same, {*metric.names, *(f"val_{name}" for name in metric.names)}):
        hint += f"; these rows differ in {', '.join(varying)}: keep the rows of one value of each"
        numbers = [name for name in varying if pd.api.types.is_numeric_dtype(cells[name])]
        hint += f", or choose {', '.join(numbers)} as more axes (--other-axes)" if numbers else ""
        of_storage = str(cells.index[0]).startswith("study ")
        hint += "; trials_dataframe().to_csv(FILE) makes a table of an Optuna study" if of_storage else ""
    named = ", ".join(f"{name} {cell[name]}" for name in keys)
    refuse(twice.rename(named), twice, "this cell is there twice: {name}", path, hint=hint)


def _varying(cells: pd.DataFrame, same: pd.DataFrame, measured: set[str], most: int = 4) -> list[str]:
    """The columns in which the rows `same` differ; what has few values in the table is more likely a setting."""
    names = [name for name in cells if name not in measured and same[name].astype("str").nunique() > 1]
    return sorted(names, key=lambda name: cells[name].astype("str").nunique())[:most]


def check_seeds(cells: pd.DataFrame, axes: Axes, metric: Metric, path: Path | str) -> None:
    """Seeds of a variant are different trainings: scores that were copied would pass for noise of nothing.

    Raises InputError for seeds that are equal in too many settings to be chance, all of them or most, and notes on
    standard error those that are equal in few. Only cells of trainings that ended count, and a score that several
    settings share counts once: on a plateau, equal scores say little. Of 600 test images two seeds get the same number
    right in one setting in six, if they scatter by 0.3 points; ONE_EQUAL is far above that.
    """
    needed = [*GROUP, "variant", "seed", *axes.names, metric.names[0]]
    trained = cells.loc[cells["status"] == OK, needed]
    whose = [trained[name] for name in (*GROUP, "variant")]
    low, high = (trained["seed"].groupby(whose, sort=False).transform(end) for end in ("min", "max"))
    trained = trained[low < high]  # one seed is equal to no other
    for (*group, variant), rows in trained.groupby([*GROUP, "variant"], sort=False):
        scores = rows.pivot(index="seed", columns=axes.names, values=metric.names[0]).round(9)
        for alike, chance in _equal_seeds(scores):
            shared = alike.dropna(axis=1)
            count = f"{(shared.nunique() == 1).sum()} of their {shared.shape[1]} settings"
            seeds = f"{', '.join(map(str, alike.index[:-1]))} and {alike.index[-1]}"
            what = f"seeds {seeds} of variant {variant} have the same {metric.names[0]} at {count}"
            if chance < REFUSED:
                where = ", ".join([str(path), *map("{} {}".format, GROUP, group)])
                hint = "keep one of them: copied scores, or a training on which its seed has no effect, are one seed"
                raise InputError(what, where=where, hint=hint)
            print(f"warning: {path}: {what}: copied scores are no further seed", file=sys.stderr)


def _equal_seeds(scores: pd.DataFrame) -> Iterator[tuple[pd.DataFrame, float]]:
    """The rows of `scores` (seeds, settings) that are more alike than NOTED allows, and the least of their chances."""
    while len(scores) > 1:
        chances = equal_by_chance(scores.to_numpy())
        alike = np.append(True, chances < NOTED)
        if alike.sum() > 1:
            yield scores[alike], chances.min()
        scores = scores[~alike]


def equal_by_chance(scores: np.ndarray) -> np.ndarray:
    """For the first row of (seeds, settings) and each other one: how likely so many equal scores are at most.

    P(X >= equal), X binomial with ONE_EQUAL, over the different scores of the first row; one is equal where the other
    row has it at all the same settings. The lowest and the highest do not count if several settings have them.
    """
    return np.array([_chance(scores[0], other) for other in scores[1:]])


def _chance(first: np.ndarray, other: np.ndarray) -> float:
    from scipy.stats import binom

    shared = ~np.isnan(first) & ~np.isnan(other)
    if not shared.any():
        return 1.0
    _, which, sizes = np.unique(first[shared], return_inverse=True, return_counts=True)
    equal = np.bincount(which, weights=(first != other)[shared]) == 0
    ends = np.isin(np.arange(len(sizes)), (0, len(sizes) - 1))
    counted = ~ends | (sizes == 1)
    return float(binom.sf((equal & counted).sum() - 1, counted.sum(), ONE_EQUAL))


def check_base(cells: pd.DataFrame, base: str, path: Path | str) -> None:
    """Every model on a data set has cells of the variant that is its base, and no other variant is called so."""
    if base != BASE:
        text, hint = 'a variant is called "{value}" although another is to be the base', f'the base is "{base}"'
        refuse(cells["variant"], cells["variant"] == BASE, text, path, hint=hint)
    has_base = (cells["variant"] == base).groupby([cells[name] for name in GROUP]).transform("any")
    if not has_base.all():
        group = cells.loc[(cells[GROUP] == cells.loc[~has_base, GROUP].iloc[0]).all(axis=1)]
        named = f"{path}, " + ", ".join(f"{name} {group[name].iloc[0]}" for name in GROUP)
        hint = nearest(base, group["variant"].unique()) or _hint_at_base(list(group["variant"].unique()))
        raise InputError(f'no cell has the variant "{base}"', where=named, hint=hint)


def _hint_at_base(variants: list[str]) -> str:
    """Which variant may be the base."""
    likely = [name for name in variants if name.lower() in UNPRUNED] or variants[: len(variants) == 1]
    named = ", ".join(variants[:8]) + ", ..." * (len(variants) > 8)
    return f"--base {likely[0]}" if likely else f"--base NAME, the unpruned model's; the variants are {named}"
