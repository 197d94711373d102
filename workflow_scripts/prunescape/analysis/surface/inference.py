"""What is inferred of every landscape of a table of cells, and the check that decides whether it is shown."""

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from prunescape.analysis.axes import GROUP, VARIANT_KEY, VARIANT_KEY_COLUMNS, Axes, Metric
from prunescape.analysis.landscape.chance import no_answers
from prunescape.analysis.surface.process import MOST_CANDIDATES, Surface, fit_surface, refusal
from prunescape.store.records import OK
from prunescape.store.tables import Columns

SCOPE = [*GROUP, "metric"]
Grids = Mapping[str, Mapping[str, Sequence[float]]]
CHECK_COLUMNS: Columns = {
    **VARIANT_KEY_COLUMNS,
    "settings": ("int64", "settings of the landscape, trained or not"),
    "n": ("int64", "settings that were trained"),
    "covered": ("float64", "share of these in their leave-one-out 95 % prediction intervals; null without a surface"),
    "explained": ("float64", "share of the squared error about their mean that these predictions explain; null alike"),
    "shown": ("bool", "whether what is inferred of this variant is shown: neither share is too low"),
    "reason": ("string", "why it is not; null where it is"),
}


@dataclass(frozen=True)
class Inference:
    """One experiment in one metric: `scope` names it, the `surface` over its variants is None where none is fitted.

    `settings` are all of its landscapes, trained or not, `checks` its rows of `surface_checks`.
    """

    scope: dict[str, str]
    settings: pd.DataFrame
    surface: Surface | None
    checks: pd.DataFrame


def inferences(
    scores: pd.DataFrame,
    axes: Axes,
    metric: Metric,
    thresholds: tuple[float, ...],
    grids: Grids,
    chance: pd.DataFrame,
) -> list[Inference]:
    """One per experiment and metric, of `scores` as `read_cells.scores` gives them; none but of percent to maximise.

    `thresholds` are those of the regions to infer. `grids` holds the values of each axis for experiments that train a
    share of their grid; elsewhere the settings of a landscape are those that any variant was trained at. A variant that
    learnt nothing, by `chance`, which is what `chance_tests` gives, takes no part.
    """
    if not metric.in_percent or metric.minimise:
        return []
    unanswered = no_answers(chance)
    found = []
    for key, rows in scores.groupby(SCOPE, sort=True):
        means = setting_means(rows, axes)
        reasons = {name: unanswered.get((*key[:-1], name), "") for name in means["variant"].unique()}
        known = {"settings": _settings(means, axes, grids.get(key[0])), "reasons": reasons, "thresholds": thresholds}
        found.append(_inference(dict(zip(SCOPE, key, strict=True)), means, axes, **known))
    return found


def setting_means(scores: pd.DataFrame, axes: Axes) -> pd.DataFrame:
    """One row per setting of each variant and metric: score and chosen_on (means over seeds), n, n_diverged."""
    marked = scores.assign(diverged=scores["status"] != OK)
    how = {"score": "mean", "chosen_on": "mean", "seed": "size", "diverged": "sum"}
    names = {"seed": "n", "diverged": "n_diverged"}
    return marked.groupby([*VARIANT_KEY, *axes.names], sort=True).agg(how).rename(columns=names).reset_index()


def surface_checks(inferred: list[Inference]) -> pd.DataFrame:
    """Whether what is inferred of each variant is shown, as CHECK_COLUMNS."""
    return _joined([each.checks for each in inferred], CHECK_COLUMNS)


def inferred_table(
    make: Callable[..., pd.DataFrame], columns: Columns, inferred: list[Inference], terms: Any
) -> pd.DataFrame:
    """A table of surface/inferred.py over all experiments: `make` takes these `terms` and gives these `columns`."""
    from threadpoolctl import threadpool_limits

    fitted = [each for each in inferred if each.surface]
    with threadpool_limits(1):  # as a surface is fitted
        return _joined([make(each.surface, each.settings, terms, each.scope) for each in fitted], columns)


def _joined(parts: list[pd.DataFrame], columns: Columns) -> pd.DataFrame:
    none = pd.DataFrame({name: pd.Series(dtype=kind) for name, (kind, _) in columns.items()})
    some = [part for part in parts if len(part)]
    return pd.concat(some, ignore_index=True) if some else none


def _inference(
    scope: dict[str, str],
    means: pd.DataFrame,
    axes: Axes,
    *,
    settings: pd.DataFrame,
    reasons: Mapping[str, str],
    thresholds: tuple[float, ...],
) -> Inference:
    """What is inferred at `settings`; `reasons` say by variant why it takes no part, empty where it does."""
    trained = means[means["variant"].map(reasons) == ""].assign(score=means["chosen_on"])
    reason = refusal(trained) or _too_many(settings)
    surface = None if reason else fit_surface(trained, axes, thresholds)
    checks = _checks(means, surface, {name: found or reason for name, found in reasons.items()})
    checks = checks.assign(**scope, settings=len(settings))
    return Inference(scope, settings, surface, checks[list(CHECK_COLUMNS)])


def _settings(means: pd.DataFrame, axes: Axes, grid: Mapping[str, Sequence[float]] | None) -> pd.DataFrame:
    """All settings of the landscapes: those of the `grid`, or without one those that any variant was trained at."""
    if grid is None:
        return means[axes.names].drop_duplicates().sort_values(axes.names, ignore_index=True)
    return pd.DataFrame(list(itertools.product(*(grid[name] for name in axes.names))), columns=axes.names, dtype=float)


def _too_many(settings: pd.DataFrame) -> str:
    """Why nothing is inferred at so many settings; empty where it is."""
    few = len(settings) <= MOST_CANDIDATES
    return "" if few else f"{len(settings)} settings, trained or not, and {MOST_CANDIDATES} can be inferred at most"


def _checks(means: pd.DataFrame, surface: Surface | None, reasons: Mapping[str, str]) -> pd.DataFrame:
    """Per variant n, covered, shown and reason; `reasons` are those known before any check."""
    table = means.groupby("variant", sort=True).size().rename("n").reset_index()
    checked = (
        surface.coverage().set_index("variant") if surface else pd.DataFrame(columns=["covered", "explained", "passed"])
    )
    for name in ("covered", "explained"):
        table[name] = table["variant"].map(checked[name]).astype(float)
    table["reason"] = [
        reasons[row.variant] or _failure(row, passed=bool(checked["passed"].get(row.variant)))
        for row in table.itertuples()
    ]
    return table.assign(shown=table["reason"].isna())


def _failure(row: Any, *, passed: bool) -> str | None:
    """Why a variant's surface is not shown; None where it is."""
    if passed:
        return None
    if pd.isna(row.covered):
        return "all its scores are equal"
    return (
        f"predicted from all others, {row.covered:.0%} of its {row.n} trained settings lie in their 95 % intervals, "
        f"and {max(row.explained, 0):.0%} of their differences are explained"
    )
