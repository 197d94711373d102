"""Which models a paired test tells from the recommended one, and which not."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np

from prunescape.analysis.cost.measured import (
    MODEL,
    MODEL_COLUMNS,
    PLACE,
    PLACE_COLUMNS,
    RUN_COLUMNS,
    paired_log_ratio,
)
from prunescape.analysis.cost.recommendation import FROM_RIVALS, OBJECTIVES, feasible_settings, in_order, recommend

if TYPE_CHECKING:
    import pandas as pd

LEVEL = 0.05
SLOWER, FASTER, ALIKE, UNKNOWN = "slower", "faster", "indistinguishable", "undecided"

RIVAL_COLUMNS: dict[str, tuple[str, str]] = {
    **PLACE_COLUMNS,
    "objective": ("string", "latency or throughput"),
    **MODEL_COLUMNS,
    **RUN_COLUMNS,
    "value": ("float64", "this model's best value of the objective: seconds per run, or per image"),
    "ratio": ("float64", "median over the repeats of this model's time ÷ the recommended one's, both per run"),
    "pairs": ("int64", "repeats of both models, taken in turns; 0 where they are no pairs"),
    "p": ("float64", "Wilcoxon signed-rank test of the log ratios, two-sided; null without pairs"),
    "p_holm": ("float64", "the same corrected (Holm) over all pairs of models of this target and objective"),
    "verdict": ("string", "slower or faster than the recommended one, indistinguishable, or undecided"),
    "reason": ("string", "why nothing can be said; empty otherwise"),
}


def rivals(measured: pd.DataFrame, limits: dict) -> pd.DataFrame:
    """One row per experiment, target, time objective and model other than the recommended one, as RIVAL_COLUMNS.

    Every model stands at its own best feasible setting. Two are tested where they were measured in turns, that is with
    the same threads and batch; elsewhere their repeats are no pairs and nothing is said. The recommended model was
    picked by the very samples that are tested, so the correction is over ALL pairs of models, which holds whichever
    is picked. Energy is one number per setting: there is nothing to test.
    """
    import pandas as pd

    rows = []
    for place, here in measured.groupby(PLACE, sort=True):
        for name in ("latency", "throughput"):
            kept, _ = feasible_settings(here, name, limits)
            key = {**dict(zip(PLACE, place, strict=True)), "objective": name}
            rows += [{**key, **row} for row in _rivals(in_order(kept, OBJECTIVES[name][0]), name)]
    return pd.DataFrame(rows, columns=list(RIVAL_COLUMNS)).astype({"rank": "Int64", "pairs": "Int64"})


def signed_rank(log_ratios: np.ndarray) -> float:
    """Two-sided p of the Wilcoxon signed-rank test that the ratios lie evenly around 1; 1 where all are exactly 1."""
    from scipy.stats import wilcoxon

    return float(wilcoxon(log_ratios).pvalue) if np.any(log_ratios != 0) else 1.0


def holm(values: list[float]) -> list[float]:
    """p-values corrected after Holm; nan stays nan and does not count."""
    from pingouin import multicomp  # statsmodels' own collects garbage at each call, which costs more than all tests

    known = np.asarray(values, dtype="float64")
    return multicomp(known, method="holm")[1].tolist() if np.isfinite(known).any() else known.tolist()


def named_models(recommended: pd.DataFrame, others: pd.DataFrame, verdict: str) -> list[str]:
    """For every recommendation the other models of that `verdict`, separated by `; `; empty where there are none."""
    keys = [*PLACE, "objective"]
    found: dict[tuple, list[str]] = {}
    for row in others[others["verdict"] == verdict].itertuples():
        found.setdefault(tuple(getattr(row, name) for name in keys), []).append(model_name(row))
    return ["; ".join(found.get(tuple(row), [])) for row in recommended[keys].itertuples(index=False)]


def recommendations(measured: pd.DataFrame, others: pd.DataFrame, limits: dict) -> pd.DataFrame:
    """What `recommend` gives, with the `rivals` named: all of RECOMMENDATION_COLUMNS."""
    best = recommend(measured, limits)
    return best.assign(**{name: named_models(best, others, name) for name in FROM_RIVALS})


def model_name(row) -> str:
    """`uniform-0.5 int8`, with the rank from the second on."""
    rank = f" rank {row.rank}" if row.rank > 1 else ""
    return f"{row.variant}{rank} {row.precision}"


def _rivals(ordered: pd.DataFrame, objective: str) -> list[dict]:
    best = list(ordered.drop_duplicates(MODEL).itertuples(index=False))
    tested = list(itertools.combinations(range(len(best)), 2))
    ratios = {pair: paired_log_ratio(best[pair[1]], best[pair[0]]) for pair in tested}
    raw = [np.nan if ratios[pair] is None else signed_rank(ratios[pair]) for pair in tested]
    corrected = dict(zip(tested, zip(raw, holm(raw), strict=True), strict=True))
    return [
        _row(rival, objective, ratios[0, place], *corrected[0, place]) for place, rival in enumerate(best[1:], start=1)
    ]


def _row(rival, objective: str, logs: np.ndarray | None, p: float, p_holm: float) -> dict:
    named = {name: getattr(rival, name) for name in (*MODEL, *RUN_COLUMNS)}
    row = {**named, "value": getattr(rival, OBJECTIVES[objective][0]), "p": p, "p_holm": p_holm}
    if logs is None:
        reason = "measured with other threads or another batch than the recommended one: the repeats are no pairs"
        return {**row, "ratio": np.nan, "pairs": 0, "verdict": UNKNOWN, "reason": reason}
    ratio = float(np.exp(np.median(logs)))
    row |= {"ratio": ratio, "pairs": len(logs), "reason": ""}
    if 2.0 ** (1 - len(logs)) > LEVEL:
        return {**row, "verdict": UNKNOWN, "reason": f"{len(logs)} repeats are too few for any signed-rank test"}
    different = SLOWER if ratio > 1 else FASTER
    return {**row, "verdict": different if p_holm < LEVEL else ALIKE}
