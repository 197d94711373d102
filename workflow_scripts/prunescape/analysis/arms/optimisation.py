"""What optimisation and another device do to the best models: liao2022, 4.2.2, RQ2, and the split of the two.

The paper changes precision and device together. Where models were measured in both precisions on both targets, each is
told alone.
"""

import itertools
from collections.abc import Iterator

import numpy as np
import pandas as pd

from prunescape.analysis.arms.trials import CONDITION, SEARCHED, TRIAL, WHERE_COLUMNS, ArmTerms, standard_of
from prunescape.analysis.cost.property_tables import pairwise_differences, pairwise_test, relative_difference

STANDARD_COLUMNS = {
    "standard_target": ("string", "where the same models were measured before optimisation"),
    "standard_precision": ("string", "their precision there"),
    "property": ("string", "a column of the table"),
}
CHANGE_COLUMNS: dict[str, tuple[str, str]] = {
    **WHERE_COLUMNS,
    **STANDARD_COLUMNS,
    "trial": ("string", "a trial of the baseline, one of its best"),
    "rank": ("int64", "its place by training accuracy, from 1"),
    "standard": ("float64", "its property before, in the unit of that"),
    "optimised": ("float64", "its property here"),
    "relative": ("float64", "(optimised - standard) / standard"),
}
PAIR_COLUMNS: dict[str, tuple[str, str]] = {
    **WHERE_COLUMNS,
    **STANDARD_COLUMNS,
    "rank_1": ("int64", "m1, the better-ranked model"),
    "rank_2": ("int64", "m2, the other one"),
    "standard_difference": ("float64", "(m1 - m2) / m2 before optimisation"),
    "optimised_difference": ("float64", "(m1 - m2) / m2 of the optimised models"),
    "delta": ("float64", "optimised_difference - standard_difference"),
}
PAIR_TEST_COLUMNS: dict[str, tuple[str, str]] = {
    **WHERE_COLUMNS,
    **STANDARD_COLUMNS,
    "models": ("int64", "the best models that are there before and after"),
    "pairs": ("int64", "pairs of them: 45 of 10 models"),
    "relative_median": ("float64", "median of (optimised - standard) / standard over the models"),
    "delta_median": ("float64", "median of delta over the pairs"),
    "delta_furthest": ("float64", "the delta furthest from 0"),
    "ks": ("float64", "Kolmogorov-Smirnov statistic between the pairs' differences before and after"),
    "ks_p": ("float64", "its p: descriptive only, for pairs that share a model are dependent"),
}
SPLIT_COLUMNS: dict[str, tuple[str, str]] = {
    **WHERE_COLUMNS,
    **STANDARD_COLUMNS,
    "change": (
        "string",
        "both; precision or target alone, under what holds for the other; how one depends on the other",
    ),
    "models": ("int64", "the best models that were measured in all of the conditions it needs"),
    "median": ("float64", "median over models of the relative difference that this change makes"),
    "low": ("float64", "lower end of an interval of the median from order statistics, level at least 95 %"),
    "high": ("float64", "upper end; both null where there are too few models (under 6)"),
}
BOTH, INTERACTION = "both", "interaction of both"


def paired_models(models: pd.DataFrame, terms: ArmTerms) -> Iterator[tuple[dict, np.ndarray, np.ndarray, pd.DataFrame]]:
    """The baseline's best models that were measured both in the standard condition and in another one.

    For each experiment, variant, other condition and property: what names it, the (n,) values before and after in
    order of rank, and their `trial` and `rank`. Models whose standard property is 0 are left out.
    """
    base = models[(models["arm"] == terms.baseline) & (models["rank"] <= terms.best)]
    standard = standard_of(models, terms)
    for where, here in base.groupby(SEARCHED, sort=False):
        before = here[(here[CONDITION] == list(standard)).all(axis=1)]
        for condition, after in here.groupby(CONDITION, sort=False):
            if condition == standard:
                continue
            named = dict(zip([*SEARCHED, *CONDITION], (*where, *condition), strict=True))
            named |= {f"standard_{name}": value for name, value in zip(CONDITION, standard, strict=True)}
            both = before.merge(after, on=[*TRIAL, "rank"], suffixes=("", " after")).sort_values("rank")
            for name in terms.properties:
                told = both[both[name].notna() & both[f"{name} after"].notna() & (both[name] != 0)]
                if len(told):
                    values = (told[column].to_numpy("float64") for column in (name, f"{name} after"))
                    yield named | {"property": name}, *values, told[["trial", "rank"]]


def arm_changes(models: pd.DataFrame, terms: ArmTerms) -> pd.DataFrame:
    """(optimised − standard) / standard of each of the baseline's best models, as CHANGE_COLUMNS (Figure 4)."""
    parts = [pd.DataFrame(columns=list(CHANGE_COLUMNS))]
    for named, before, after, who in paired_models(models, terms):
        values = {"standard": before, "optimised": after, "relative": relative_difference(before, after)}
        who = who.astype({"trial": "str"})
        parts.append(who.assign(**named, **values)[list(CHANGE_COLUMNS)])
    return pd.concat(parts[1:] or parts, ignore_index=True)


def arm_pairs(models: pd.DataFrame, terms: ArmTerms) -> pd.DataFrame:
    """Δ = (m1' − m2') / m2' − (m1 − m2) / m2 of all pairs of the best models, as PAIR_COLUMNS (Figure 5)."""
    parts = [pd.DataFrame(columns=list(PAIR_COLUMNS))]
    for named, before, after, who in paired_models(models, terms):
        if len(before) < 2 or (after == 0).any():
            continue
        ranks = np.array(list(itertools.combinations(who["rank"], 2)))
        values = {"standard_difference": pairwise_differences(before)}
        values |= {"optimised_difference": pairwise_differences(after)}
        pairs = pd.DataFrame({"rank_1": ranks[:, 0], "rank_2": ranks[:, 1], **values})
        pairs["delta"] = pairs["optimised_difference"] - pairs["standard_difference"]
        parts.append(pairs.assign(**named)[list(PAIR_COLUMNS)])
    return pd.concat(parts[1:] or parts, ignore_index=True)


def arm_pair_tests(models: pd.DataFrame, terms: ArmTerms) -> pd.DataFrame:
    """Whether the pairs' relative differences changed, as PAIR_TEST_COLUMNS (Table 5); p is descriptive only."""
    rows = []
    for named, before, after, _ in paired_models(models, terms):
        n = len(before)
        known = {"models": n, "pairs": n * (n - 1) // 2}
        known["relative_median"] = float(np.median(relative_difference(before, after)))
        if n > 1 and (after != 0).all():
            deltas = pairwise_differences(after) - pairwise_differences(before)
            known |= {"delta_median": float(np.median(deltas)), "delta_furthest": float(max(deltas, key=abs))}
            known["ks"], known["ks_p"] = pairwise_test(before, after)
        rows.append(named | known)
    return pd.DataFrame(rows, columns=list(PAIR_TEST_COLUMNS))


def arm_split(models: pd.DataFrame, terms: ArmTerms) -> pd.DataFrame:
    """What precision and target do alone, for each condition where both differ from the standard's, as SPLIT_COLUMNS.

    With P the property in (target, precision), s for standard and o for optimised: both P_oo / P_ss − 1; precision
    alone P_so / P_ss − 1 and P_oo / P_os − 1; target alone P_os / P_ss − 1 and P_oo / P_so − 1; interaction
    (P_oo / P_os) / (P_so / P_ss) − 1, which is 0 where both act independently. A condition that differs in one of the
    two only is told by `arm_changes`; where a condition was not measured, what needs it is left out.
    """
    base = models[(models["arm"] == terms.baseline) & (models["rank"] <= terms.best)]
    target, precision = standard_of(models, terms)
    rows: list[dict] = []
    for where, here in base.groupby(SEARCHED, sort=False):
        values = here.set_index([*CONDITION, "rank"]).sort_index()
        for other_target, other in dict.fromkeys(zip(here["target"], here["precision"], strict=True)):
            if other_target == target or other == precision:
                continue
            places = [(target, precision), (target, other), (other_target, precision), (other_target, other)]
            named = {**dict(zip(SEARCHED, where, strict=True)), "target": other_target, "precision": other}
            named |= {"standard_target": target, "standard_precision": precision}
            for name in terms.properties:
                parts = [values.loc[place, name] if place in values.index else pd.Series() for place in places]
                rows += [named | {"property": name} | change for change in _changes(*parts, named)]
    return pd.DataFrame(rows, columns=list(SPLIT_COLUMNS))


def _changes(ss: pd.Series, so: pd.Series, os: pd.Series, oo: pd.Series, named: dict) -> list[dict]:
    """The changes between the four conditions, each over the models (by rank) that it needs."""
    target, precision = named["target"], named["precision"]
    ratios = {
        BOTH: oo / ss,
        f"precision alone, on {named['standard_target']}": so / ss,
        f"precision alone, on {target}": oo / os,
        f"target alone, in {named['standard_precision']}": os / ss,
        f"target alone, in {precision}": oo / so,
        INTERACTION: (oo / os) / (so / ss),
    }
    found = []
    for change, ratio in ratios.items():
        relative = ratio.replace([np.inf, -np.inf], np.nan).dropna().to_numpy("float64") - 1
        if len(relative):
            low, high = median_interval(relative)
            median = float(np.median(relative))
            found.append({"change": change, "models": len(relative), "median": median, "low": low, "high": high})
    return found


def median_interval(values: np.ndarray) -> tuple[float, float]:
    """The shortest interval of order statistics that holds the median with 95 % or more; nan under 6 values.

    From the sign test: the k-th smallest and the k-th largest, k − 1 = the 2.5 % quantile of Binomial(n, 1/2), at 10
    values the second and the ninth (97.9 %) (Conover, Practical Nonparametric Statistics, 3.2).
    """
    from scipy.stats import binom

    k = int(binom.ppf(0.025, len(values), 0.5))
    if k < 1 or binom.cdf(k - 1, len(values), 0.5) > 0.025:
        return np.nan, np.nan
    ordered = np.sort(values)
    return float(ordered[k - 1]), float(ordered[-k])
