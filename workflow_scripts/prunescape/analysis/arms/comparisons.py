"""The best models of each arm against those of the baseline arm: liao2022, 4.1.2 and Tables 3 and 6."""

import numpy as np
import pandas as pd

from prunescape.analysis.arms.statistics import cliffs_delta, magnitude, rank_test
from prunescape.analysis.arms.trials import CONDITION, SEARCHED, WHERE_COLUMNS, ArmTerms, best_models, varying
from prunescape.analysis.cost.comparisons import holm

COMPARISON_COLUMNS: dict[str, tuple[str, str]] = {
    **WHERE_COLUMNS,
    "arm": ("string", "the arm that is compared: what it holds at its default value"),
    "property": ("string", "a column of the table, in its unit"),
    "control": ("bool", "whether the arm is a second search of the baseline (A/A): every difference is chance"),
    "n": ("int64", "its best models that tell the property"),
    "n_baseline": ("int64", "the baseline's"),
    "tied_out": ("int64", "trials that the cut after its best leaves out though they are as accurate as the last"),
    "best": ("float64", "the property of its best model by training accuracy"),
    "best_baseline": ("float64", "that of the baseline's best model"),
    "best_difference": ("float64", "(fixed - all) / all of the best models; null where the baseline's is 0"),
    "median": ("float64", "median over its best models"),
    "median_baseline": ("float64", "median over the baseline's best models"),
    "u": ("float64", "Mann-Whitney U of its best models against the baseline's"),
    "p": ("float64", "two-sided p: exact, or of many values with ties the normal approximation, corrected for both"),
    "exact": ("bool", "whether p is exact"),
    "p_liao": ("float64", "half of the approximate p, as liao2022 prints it: under 0.05 in 8.9 % of equal 10 and 10"),
    "p_holm": (
        "float64",
        "p corrected (Holm) over all arms but the control and all properties of this experiment, variant, target and "
        "precision; null for the control",
    ),
    "delta": ("float64", "Cliff's delta: P(its > the baseline's) - P(its < the baseline's)"),
    "low": ("float64", "lower end of its 95 % interval (Feng and Cliff, 2004), given these best models"),
    "high": ("float64", "upper end"),
    "magnitude": ("string", "of delta: negligible under 0.147, small, medium from 0.33, large from 0.474"),
}


def arm_comparisons(models: pd.DataFrame, terms: ArmTerms) -> pd.DataFrame:
    """One row per experiment, variant, target, precision, arm and property, as COMPARISON_COLUMNS.

    `models` as `ranked_models` gives them. Models are no independent draws: each search has only one set of best ones,
    so that p and the interval of delta speak of these models, not of another search (see `searches`). A property that
    is the same in all of them is left out.
    """
    rows = []
    for where, here in best_models(models, terms).groupby([*SEARCHED, *CONDITION], sort=False):
        named = dict(zip([*SEARCHED, *CONDITION], where, strict=True))
        base = here[here["arm"] == terms.baseline]
        found = [
            _compared(arm, base, name) | {"arm": label, "property": name, "control": label == terms.again}
            for label, arm in here.groupby("arm", sort=False)
            if label != terms.baseline
            for name in varying(here, terms)
            if arm[name].notna().any() and base[name].notna().any()
        ]
        family = holm([np.nan if row["control"] else row["p"] for row in found])
        rows += [named | row | {"p_holm": p} for row, p in zip(found, family, strict=True)]
    return in_table_order(pd.DataFrame(rows, columns=list(COMPARISON_COLUMNS)), models, terms)


def _compared(arm: pd.DataFrame, base: pd.DataFrame, name: str) -> dict:
    """One arm's best models against the baseline's, in the property `name`; both in order of rank."""
    fixed, tuned = (rows[name].dropna().to_numpy("float64") for rows in (arm, base))
    best, best_baseline = arm[name].iloc[0], base[name].iloc[0]
    test = rank_test(fixed, tuned)
    delta, low, high = cliffs_delta(fixed, tuned)
    return {
        **{"n": len(fixed), "n_baseline": len(tuned), "tied_out": int(arm["tied_out"].iloc[0])},
        **{"best": best, "best_baseline": best_baseline},
        "best_difference": (best - best_baseline) / best_baseline if best_baseline else np.nan,
        **{"median": float(np.median(fixed)), "median_baseline": float(np.median(tuned))},
        **{"u": test.u, "p": test.p, "exact": test.exact, "p_liao": test.p_liao},
        **{"delta": delta, "low": low, "high": high, "magnitude": magnitude(delta)},
    }


def in_table_order(rows: pd.DataFrame, models: pd.DataFrame, terms: ArmTerms) -> pd.DataFrame:
    """Rows in the order in which experiments, conditions and arms stand in the table, and properties in the terms."""
    orders = {name: list(dict.fromkeys(models[name])) for name in (*SEARCHED, *CONDITION, "arm")}
    orders["property"] = list(terms.properties)
    names = [name for name in orders if name in rows]
    places = [rows[name].map({value: place for place, value in enumerate(orders[name])}) for name in names]
    return rows.iloc[np.lexsort([place.to_numpy() for place in reversed(places)])].reset_index(drop=True)
