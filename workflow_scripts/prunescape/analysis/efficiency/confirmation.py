"""Whether fresh seeds confirm the settings that came out best: what was chosen for its luck falls back.

In burmester2023 (4) the winner was trained once more, with its own seed, twice as long, on another day. Decided:
winner and runners-up with fresh seeds, interleaved on one host (METHODS: Confirmation).
"""

import numpy as np
import pandas as pd

from prunescape.analysis.axes import GROUP, KEY_COLUMNS
from prunescape.analysis.cost.comparisons import holm
from prunescape.analysis.efficiency.efficiency import efficiency
from prunescape.store.records import CONFIRMATION, FRESH

LEVEL = 0.05
# what a setting may be the best in: a column of `efficiency`
RESPONSES = ("accuracy", "train_accuracy", "eq", "accuracy_per_second")
BETTER, WORSE, UNDECIDED = "the winner is better", "the winner is worse", "not shown to differ"

CONFIRMATION_COLUMNS: dict[str, tuple[str, str]] = {
    **{name: KEY_COLUMNS[name] for name in (*GROUP, "variant")},
    "response": ("string", "what settings are compared in: a column of efficiency; higher is better"),
    "setting": ("string", "the hyperparameters in which cells of the experiment differ, as NAME VALUE"),
    "place": ("int64", "by the first score among the settings that were trained again; 1 is the winner"),
    "first": ("float64", "the score that it was chosen among: mean over the seeds of the design"),
    "seeds": ("int64", "fresh seeds"),
    "mean": ("float64", "mean score over fresh seeds"),
    "low": ("float64", "lower end of the 95 % t-interval of that mean; null with one seed"),
    "high": ("float64", "upper end of that interval"),
    "selection_effect": ("float64", "first - mean: what the choice of a lucky score added"),
    "pairs": ("int64", "fresh seeds that both this setting and the winner have; 0 for the winner"),
    "difference": ("float64", "winner - this setting, mean over these seeds; null for the winner"),
    "difference_low": ("float64", "lower end of its 95 % t-interval over seeds; null under 2 pairs"),
    "difference_high": ("float64", "upper end of that interval"),
    "p": ("float64", "of the paired t-test over seeds, two-sided; null where the differences do not vary"),
    "p_holm": ("float64", "the same corrected (Holm) over the runners-up of the variant in this response"),
    "verdict": ("string", "the winner is better or worse (p_holm under 5 %), or not shown to differ; empty for it"),
    "hosts": ("int64", "hosts that trained the fresh seeds: with several, times and energy are no fair comparison"),
}


def has_confirmation(cells: pd.DataFrame) -> bool:
    """Whether a table of cells has fresh seeds of chosen settings."""
    return "stage" in cells and bool((cells["stage"] == CONFIRMATION).any())


def confirmation(cells: pd.DataFrame) -> pd.DataFrame:
    """CONFIRMATION_COLUMNS for every setting with fresh seeds, in every response that is known of all its cells."""
    hosts = cells["host"] if "host" in cells else pd.Series("", index=cells.index)
    known = efficiency(cells.assign(epoch_seconds=cells.get("epoch_seconds", np.nan)))
    keys = ["experiment", "variant"]
    hosts = cells.assign(host=hosts)[cells["stage"] == CONFIRMATION].groupby(keys)["host"].nunique()
    rows = []
    for key, group in known.groupby(keys, sort=True):
        if (group["stage"] == CONFIRMATION).any():
            named = {name: group[name].iloc[0] for name in (*GROUP, "variant")} | {"hosts": int(hosts[key])}
            rows += [named | row for response in RESPONSES for row in _compared(group, response)]
    return pd.DataFrame(rows, columns=list(CONFIRMATION_COLUMNS))


def _compared(cells: pd.DataFrame, response: str) -> list[dict]:
    """The rows of one variant in one response; none where a cell lacks it."""
    fresh = cells[cells["stage"] == CONFIRMATION]
    first = cells[~cells["stage"].isin(FRESH) & cells["setting"].isin(fresh["setting"])]
    if first.empty or pd.concat([fresh[response], first[response]]).isna().any():
        return []
    scores = fresh.pivot(index="seed", columns="setting", values=response)
    chosen_for = first.groupby("setting")[response].mean().sort_values(ascending=False, kind="stable")
    winner = chosen_for.index[0]
    rows = [
        {"response": response, "setting": setting, "place": place, "first": score}
        | _fresh(scores[setting].dropna().to_numpy(), score)
        | (_paired(scores[winner] - scores[setting]) if setting != winner else {"pairs": 0, "verdict": ""})
        for place, (setting, score) in enumerate(chosen_for.items(), start=1)
    ]
    corrected = holm([row["p"] for row in rows[1:]]) if len(rows) > 1 else []
    for row, p in zip(rows[1:], corrected, strict=True):
        row |= {"p_holm": p, "verdict": _verdict(row["difference"], p)}
    return rows


def _fresh(scores: np.ndarray, first: float) -> dict:
    """The mean of fresh scores (n,), its interval, and how far the first one stood above it."""
    mean = scores.mean()
    low, high = _interval(scores)
    return {"seeds": len(scores), "mean": mean, "low": low, "high": high, "selection_effect": first - mean}


def _paired(differences: pd.Series) -> dict:
    """The winner against one setting, seed by seed."""
    from scipy.stats import ttest_1samp

    paired = differences.dropna().to_numpy()
    low, high = _interval(paired)
    varies = len(paired) > 1 and np.ptp(paired) > 0
    return {
        "pairs": len(paired),
        "difference": paired.mean() if len(paired) else np.nan,
        "difference_low": low,
        "difference_high": high,
        "p": float(ttest_1samp(paired, 0.0).pvalue) if varies else np.nan,
    }


def _interval(values: np.ndarray) -> tuple[float, float]:
    """Both ends of the 95 % t-interval of the mean of n values; nan under two."""
    from scipy.stats import t

    if len(values) < 2:
        return np.nan, np.nan
    half = t.ppf(1 - LEVEL / 2, len(values) - 1) * values.std(ddof=1) / len(values) ** 0.5
    return values.mean() - half, values.mean() + half


def _verdict(difference: float, p_holm: float) -> str:
    if np.isnan(p_holm) or p_holm >= LEVEL:
        return UNDECIDED
    return BETTER if difference > 0 else WORSE
