"""Reads, checks and completes the table of cells that every analysis starts from."""

import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import pandas as pd

from prunescape.analysis import axis_checks
from prunescape.analysis import cell_checks as checks
from prunescape.analysis.axes import BASE, DEFAULT_AXES, DEFAULT_METRIC, LANDSCAPE, VARIANT_KEY, Axes, Metric
from prunescape.analysis.column_checks import check_columns, set_number, set_text
from prunescape.analysis.sources.files import read_source
from prunescape.analysis.sources.names import with_named_columns
from prunescape.analysis.sources.optuna_storage import check_parameters, is_storage, read_trials
from prunescape.analysis.sources.runs import mark_fresh_seeds, without_unfinished
from prunescape.errors import InputError
from prunescape.space.pipelines import PIPELINES
from prunescape.space.variants import SCRATCH
from prunescape.store.records import DIVERGED, GRID, OK, VALIDATION
from prunescape.store.stages import OF_SPACES, RANKING

TEXTS, OPTIONAL_TEXTS = ("model", "dataset", "variant"), ("experiment", "status", "stage", "select_on")
AGAIN = "leave out rows without a value; seeds number the runs of one setting, and are 0 where there is one"
NO_LOGARITHM = "leave this row out; 0 has no logarithm, but a place on the axis of the values themselves"
EPOCHS = "epochs_trained"  # optional, which comparisons of pipelines read
OUTCOMES = ("correct_bits", "tested")  # which test images a cell gets right in top-1, of how many


def read_cells(
    path: Path | str,
    *,
    partial: bool = False,
    axes: Axes = DEFAULT_AXES,
    metric: Metric = DEFAULT_METRIC,
    base: str = BASE,
    studies: Sequence[str] = (),
) -> pd.DataFrame:
    """The cells in a Parquet, CSV or Optuna file from anywhere, one row each, with checked and complete columns.

    Needed: model, dataset, variant, seed, the `axes` (log10_lr and log10_wd: log10 of the learning rate and the weight
    decay), the `metric` (top1, percent). Optional: experiment (default `DATASET-MODEL`), top5 (percent, null where not
    recorded), val_top1 and val_top5 (percent on a validation split; alike of any metric), select_on (`validation`,
    where there is one, by default, or `test`: the split by which settings are chosen), status (`ok` by default, or
    `diverged`), stage (see records; by default `grid`, or `replicate` for seeds of few settings), round (0 by default),
    classes, state (runs that are not finished are left out). A diverged cell scores exactly 100 / classes (500 /
    classes in top-5) where `classes` is known; without `classes` its score stays as it is and must be there. Other
    columns pass through. Names may be nested as sweep services do it (`with_named_columns`). The variant called `base`
    is the base. `studies` chooses those of an Optuna storage. `partial` allows a study in progress: no cells at all,
    or none of a base. Raises InputError.
    """
    checks.check_roles(axes, metric)
    wanted, in_storage = columns_read([axes], metric), is_storage(path)
    if studies and not in_storage:
        raise InputError("only an Optuna storage has studies", where=path, hint="leave --studies out")
    cells = read_trials(path, metric, studies) if in_storage else read_source(path, wanted)
    cells, axes, taken = with_named_columns(cells, axes, wanted)
    if in_storage:
        check_parameters(cells, [axis.column for axis in axes], path)
    if len(cells) and of_landscapes(cells).empty:
        what = "all rows are trials of a space, which are no landscape"
        hint = "see best_settings.parquet and arm_comparisons.parquet beside it"
        raise InputError(what, where=path, allowed="a table with cells of a grid", hint=hint)
    known = checked_cells(of_landscapes(cells), path, partial=partial, axes=axes, metric=metric, base=base)
    if taken:
        print(f"note: {path}: read are {', '.join(taken)}", file=sys.stderr)
    return known


def read_study_cells(path: Path | str, axes: Mapping[str, Axes]) -> pd.DataFrame:
    """As `read_cells` with `partial`, of a study whose experiments each have their own `axes`, or the default ones.

    What belongs to trials is left out: these are cells of no landscape.
    """
    return checked_study_cells(read_source(path, columns_read(axes.values(), DEFAULT_METRIC)), path, axes)


def read_lone_bases(path: Path | str, experiments: Iterable[str]) -> pd.DataFrame:
    """The rows of a study's cells in these `experiments` that are in no landscape: bases trained for their weights."""
    cells = read_source(path, TEXTS)
    if "stage" not in cells:
        return cells.iloc[:0]
    return cells[(cells["stage"] == RANKING) & cells["experiment"].isin(list(experiments))]


def checked_study_cells(cells: pd.DataFrame, path: Path | str, axes: Mapping[str, Axes]) -> pd.DataFrame:
    """`cells` as `read_study_cells` gives those that it read from `path`; raises as it does."""
    check_columns(cells, ("experiment",), DEFAULT_AXES, DEFAULT_METRIC, path)
    cells = of_landscapes(cells)
    if cells.empty:  # without any cell a table does not know which hyperparameters there are
        every = [*axes.values()] or [DEFAULT_AXES]
        cells = cells.reindex(columns=[*dict.fromkeys([*cells, *(name for each in every for name in each.names)])])
        return checked_cells(cells, path, partial=True, axes=every[0])
    groups = cells["experiment"].map(lambda name: axes.get(name, DEFAULT_AXES))
    known = [checked_cells(cells[groups == each], path, partial=True, axes=each) for each in dict.fromkeys(groups)]
    return pd.concat(known).sort_index()


def of_landscapes(cells: pd.DataFrame) -> pd.DataFrame:
    """The rows of `cells` that are no trials of a space, nor their confirmations or rankings."""
    return cells[~cells["stage"].isin(OF_SPACES)] if "stage" in cells else cells


def checked_cells(
    cells: pd.DataFrame,
    path: Path | str,
    *,
    partial: bool,
    axes: Axes = DEFAULT_AXES,
    metric: Metric = DEFAULT_METRIC,
    base: str = BASE,
) -> pd.DataFrame:
    """`cells` as `read_cells` gives those that it read from `path`; raises as it does."""
    checks.check_roles(axes, metric)
    given, cells = list(cells), cells.copy() if partial else without_unfinished(cells, path)
    check_columns(cells, (*TEXTS, *needed_numbers(axes, metric)), axes, metric, path)
    if cells.empty and not partial:
        raise InputError("the table has no rows", where=path)
    for name in (*TEXTS, *OPTIONAL_TEXTS):
        set_text(cells, name, path)
    for name in needed_numbers(axes, metric):
        set_number(cells, name, path, needed=name not in metric.names, hint=_without_value(name, axes, metric))
    for name in optional_numbers(metric):
        set_number(cells, name, path, needed=False)
    if EPOCHS in cells:
        set_number(cells[[EPOCHS]].copy(), EPOCHS, path, needed=False)  # checked, and passed through as it is
    checks.complete_diverged(cells, metric.names, path)
    checks.check_scores(cells, metric, path)
    set_axes(cells, axes, path, partial=partial)
    checks.check_cells(cells, axes, metric, path)
    if not partial:
        checks.check_base(cells, base, path)
        checks.check_validation(cells, metric.names, path)
        checks.check_percent(cells, metric.names, path)
        checks.check_seeds(cells, axes, metric, path)
        axis_checks.warn_of_settings_apart(cells, axes, base, path)
        if "stage" not in given:
            cells = mark_fresh_seeds(cells, axes, path)
    return cells if base == BASE else cells.assign(variant=cells["variant"].replace(base, BASE))


def _without_value(name: str, axes: Axes, metric: Metric) -> str:
    """A hint at what to do about a row without a finite number in this column."""
    if name in metric.names:
        return checks.no_score(metric)
    logarithm = [axis for axis in axes if axis.name == name and axis.decades]
    return f"{NO_LOGARITHM}, {axes.option(logarithm[0])} log10:COLUMN --zero-at COLUMN=VALUE" if logarithm else AGAIN


def set_axes(cells: pd.DataFrame, axes: Axes, path: Path | str, *, partial: bool) -> None:
    """Make the columns of the axes; raises InputError. What a study wrote itself needs no guess at what is meant."""
    if not partial:
        axis_checks.check_logarithms(cells, axes, path)
    for axis in axes:
        axis_checks.set_axis(cells, axis, path)
        if not partial:
            axis_checks.join_near_values(cells, axis)


def needed_numbers(axes: Axes, metric: Metric) -> tuple[str, ...]:
    """The columns of numbers that a table must have."""
    return *(axis.column for axis in axes), "seed", metric.names[0]


def optional_numbers(metric: Metric) -> tuple[str, ...]:
    """Those that it may have; a metric's validation split is called val_ and the metric."""
    return *metric.names[1:], "classes", "round", *(f"val_{name}" for name in metric.names)


def columns_read(axes: Iterable[Axes], metric: Metric) -> tuple[str, ...]:
    """Every column that an analysis reads."""
    numbers = [name for each in axes for name in needed_numbers(each, metric)]
    return *TEXTS, *OPTIONAL_TEXTS, *numbers, *optional_numbers(metric)


def scores(cells: pd.DataFrame, axes: Axes, metric: Metric = DEFAULT_METRIC) -> pd.DataFrame:
    """The landscapes: one row per cell of a grid and metric it was scored in. Fresh seeds are no part of them.

    Columns: a landscape's key, the setting, status, round, `score` (percent on the test split) and `chosen_on`, the
    percent by which settings are chosen: on the validation split where the landscape has one, else the score itself.
    A metric to minimise is negated in both.
    """
    known = [name for name in OUTCOMES if name in cells]
    return long_scores(cells[cells["stage"] == GRID].drop(columns=known), axes, metric).drop(columns="stage")


def long_scores(cells: pd.DataFrame, axes: Axes, metric: Metric = DEFAULT_METRIC) -> pd.DataFrame:
    """As `scores`, of all cells whatever their stage, which is a column; with the outcomes per image, where known."""
    keys = [*(name for name in LANDSCAPE if name != "metric"), *axes.names, "status", "stage", "round"]
    keys += [name for name in OUTCOMES if name in cells]
    parts = [
        cells[keys].assign(metric=name, score=metric.sign * cells[name], chosen_on=metric.sign * chosen_on(cells, name))
        for name in metric.names
        if name == metric.names[0] or cells[name].notna().any()
    ]
    long = pd.concat(parts).dropna(subset="score")
    return long.sort_values([*LANDSCAPE, *axes.names], ignore_index=True)


def chosen_on(cells: pd.DataFrame, metric: str) -> pd.Series:
    """Percent on the validation split for experiments that select on it, if all their cells have it, else on test."""
    there = cells[f"val_{metric}"].notna() & (cells["select_on"] == VALIDATION)
    validated = there.groupby(cells["experiment"]).transform("all")
    return cells[f"val_{metric}"].where(validated, cells[metric])


def variant_order(name: str) -> tuple:
    """A sort key: the base, then uniform and nonuniform from the largest ratio down, then any other name.

    Those that differ in their pipeline stand side by side, in the order of pipelines.
    """
    method, _, rest = name.partition("-")
    ratio, _, pipeline = rest.partition("-")
    known, pipeline = ("base", "uniform", "nonuniform"), pipeline or SCRATCH
    if method not in known or (not ratio.replace(".", "", 1).isdigit() and ratio) or pipeline not in PIPELINES:
        return len(known), 0.0, 0, name
    return known.index(method), -float(ratio or 1), list(PIPELINES).index(pipeline), name


def mean_scores(scores: pd.DataFrame, axes: Axes) -> pd.DataFrame:
    """`scores` of ONE experiment averaged over its seeds, with the same columns; `seed` is the first of them.

    Only settings that every seed was trained at are kept: elsewhere a mean would be one over other seeds. A setting is
    `diverged` when it is so with any seed; its mean holds chance level for those. Empty when no setting is left.
    """
    seeds = scores["seed"].unique()
    keys = [*VARIANT_KEY, *axes.names]
    marked = scores.assign(diverged=scores["status"] != OK)
    summary = {"score": "mean", "chosen_on": "mean", "round": "min", "diverged": "any", "seed": "size"}
    mean = marked.groupby(keys, as_index=False).agg(summary)
    mean = mean[mean["seed"] == len(seeds)]
    status = mean["diverged"].map({True: DIVERGED, False: OK})
    return mean.assign(seed=seeds.min(), status=status)[list(scores.columns)].reset_index(drop=True)
