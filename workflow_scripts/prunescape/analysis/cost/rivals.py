"""How other models compare with the recommended one, and every comparison of times on a target as one family."""

import itertools
from collections import Counter

import pandas as pd

from prunescape.analysis.cost.comparisons import (
    ALIKE,
    FASTER,
    SLOWER,
    TEST_COLUMNS,
    UNTESTED,
    Comparison,
    Comparisons,
    compare,
    judged,
)
from prunescape.analysis.cost.measured import (
    MODEL,
    PLACE,
    PLACE_COLUMNS,
    SETTING,
    SETTING_COLUMNS,
    group_table,
    paired_log_ratio,
)
from prunescape.analysis.cost.recommendation import (
    COUNTED,
    NAMED,
    OBJECTIVES,
    RECOMMENDED,
    feasible_settings,
    in_order,
    recommend,
)
from prunescape.analysis.cost.speedups import pairs_with_base

TIMES = ("latency", "throughput")  # energy is one number per setting: there is nothing to test

RIVAL_COLUMNS: dict[str, tuple[str, str]] = {
    **PLACE_COLUMNS,
    "objective": ("string", "latency or throughput"),
    **SETTING_COLUMNS,
    "value": ("float64", "this model's best value of the objective: seconds per run, or per image"),
    "ratio": ("float64", "this model's time ÷ the recommended one's, both per run: mean of logs of blocks' medians"),
    **TEST_COLUMNS,
}


def comparisons(measured: pd.DataFrame, limits: dict) -> Comparisons:
    """Every comparison that `rivals` and `speedups` show, by the two rows of `measured`; ONE Holm family per target.

    The recommended model was picked by the very samples that are tested, so the family has ALL pairs of models, each at
    its own best feasible setting, which holds whichever is picked; and every pruned model with its base.
    """
    known = {}
    for _, here in measured.groupby(PLACE, sort=True):
        rows = {row.Index: row for row in here.itertuples()}
        best = [_best_settings(here, objective, limits).index for objective in TIMES]
        pairs = [pair for models in best for pair in itertools.combinations(models, 2)] + pairs_with_base(here)
        family = list({frozenset(pair): pair for pair in pairs}.values())
        found = judged([compare(paired_log_ratio(rows[first], rows[second])) for first, second in family])
        for (first, second), comparison in zip(family, found, strict=True):
            known[first, second], known[second, first] = comparison, comparison.inverted()
    return known


def _best_settings(here: pd.DataFrame, objective: str, limits: dict) -> pd.DataFrame:
    """Every model of ONE target at its best feasible setting, the recommended one first."""
    return in_order(feasible_settings(here, objective, limits)[0], OBJECTIVES[objective][0]).drop_duplicates(MODEL)


def rivals(measured: pd.DataFrame, limits: dict, compared: Comparisons) -> pd.DataFrame:
    """One row per experiment, target, time objective and model other than the recommended one, as RIVAL_COLUMNS.

    Every model stands at its own best feasible setting. Two are tested where they were measured in turns, that is with
    the same threads and batch; elsewhere their repeats are no pairs and nothing is said.
    """

    def of_target(here: pd.DataFrame) -> list[dict]:
        rows = []
        for objective in TIMES:
            best, *others = [*_best_settings(here, objective, limits).itertuples()] or [None]
            rows += [_row(other, objective, compared[other.Index, best.Index]) for other in others]
        return rows

    return group_table(measured, PLACE, of_target, RIVAL_COLUMNS).astype({"rank": "Int64", "pairs": "Int64"})


def _row(row, objective: str, comparison: Comparison) -> dict:
    known = {name: getattr(row, name) for name in SETTING} | {"value": getattr(row, OBJECTIVES[objective][0])}
    return known | {"objective": objective, "ratio": comparison.ratio, **comparison.columns()}


def recommendations(measured: pd.DataFrame, others: pd.DataFrame, limits: dict) -> pd.DataFrame:
    """What `recommend` gives, with the `rivals` named: all of RECOMMENDATION_COLUMNS."""
    best = recommend(measured, limits)
    verdicts = dict(zip(NAMED, (ALIKE, FASTER, UNTESTED), strict=True))
    names = {name: named_models(best, others, verdict) for name, verdict in verdicts.items()}
    slower = others[others["verdict"] == SLOWER]
    counts = {name: _counted(best, part) for name, part in zip(COUNTED, (others, slower), strict=True)}
    return best.assign(reason=_with_too_few(best, others), **counts, **names)


def _counted(recommended: pd.DataFrame, others: pd.DataFrame) -> pd.Series:
    """How many of `others` there are for every recommendation; null where nothing is recommended or tested."""
    found = Counter(_key(row) for row in others.itertuples())
    counts = [
        found[_key(row)] if row.status == RECOMMENDED and row.objective in TIMES else None
        for row in recommended.itertuples()
    ]
    return pd.Series(counts, index=recommended.index, dtype="Int64")


def named_models(recommended: pd.DataFrame, others: pd.DataFrame, verdict: str) -> list[str]:
    """For every recommendation the other models of that `verdict`, separated by `; `; empty where there are none.

    A tested one has its ratio and interval: `uniform-0.5 fp32 (1.003, 0.991 to 1.015)`.
    """
    found: dict[tuple, list[str]] = {}
    for row in others[others["verdict"] == verdict].itertuples():
        which = (f" {row.network}" if row.network else "") + (f" rank {row.rank}" if row.rank > 1 else "")
        tested = "" if verdict == UNTESTED else f" ({row.ratio:.3f}, {row.low:.3f} to {row.high:.3f})"
        found.setdefault(_key(row), []).append(f"{row.variant}{which} {row.precision}{tested}")
    return ["; ".join(found.get(_key(row), [])) for row in recommended.itertuples()]


def _with_too_few(recommended: pd.DataFrame, others: pd.DataFrame) -> list[str]:
    """The reasons of the recommendations, with how many repeats a test needs where there are too few."""
    few = others[(others["verdict"] == UNTESTED) & (others["pairs"] > 0)]
    needed = {_key(row): row.reason for row in few.itertuples()}
    return ["; ".join(filter(None, (row.reason, needed.get(_key(row))))) for row in recommended.itertuples()]


def _key(row) -> tuple[str, str, str]:
    return row.experiment, row.target, row.objective
