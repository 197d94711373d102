"""Whole searches as the unit: what an arm changes, with intervals over searches, and what selecting the best adds.

Another search of the same arm would have other trials and so other best models. A bootstrap draws whole searches anew
and selects in each; a permutation test exchanges whole trials between two searches and selects again.
"""

import math
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pandas as pd

from prunescape.analysis.arms.comparisons import in_table_order
from prunescape.analysis.arms.statistics import LEVEL
from prunescape.analysis.arms.trials import CONDITION, SEARCHED, WHERE_COLUMNS, ArmTerms, varying
from prunescape.analysis.cost.comparisons import holm

NOT_ALL = "not every trial of both arms tells it: only searches as a whole can be drawn again"
NOT_POSITIVE = "it is not above 0 everywhere"
SEARCH_COLUMNS: dict[str, tuple[str, str]] = {
    **WHERE_COLUMNS,
    "arm": ("string", "the arm that is compared with the baseline"),
    "property": ("string", "a column of the table; effects are ratios of geometric means, less 1"),
    "control": ("bool", "whether the arm is a second search of the baseline (A/A): every effect is chance"),
    "effect_best": ("float64", "(fixed - all) / all of the geometric means over the best models"),
    "given_low": ("float64", "lower end of a 95 % interval (Welch) with the best models taken as independent draws"),
    "given_high": ("float64", "upper end of that interval: too narrow or too wide for another search"),
    "low": ("float64", "lower end of the 95 % interval over searches: Student's t with the bootstrap's deviation"),
    "high": ("float64", "upper end"),
    "p_searches": (
        "float64",
        "two-sided p that the arm changes nothing: exchanges of whole trials between both searches, each with a new "
        "selection (permutation test)",
    ),
    "p_holm": (
        "float64",
        "p_searches corrected (Holm) over all arms but the control and all properties of this experiment, variant, "
        "target and precision; no smaller than the number of tests / (exchanges + 1)",
    ),
    "effect_all": ("float64", "the same effect over all trials, without selection"),
    "all_low": ("float64", "lower end of its 95 % interval over searches"),
    "all_high": ("float64", "upper end"),
    "effect_selection": ("float64", "what selection adds: (1 + effect_best) / (1 + effect_all) - 1"),
    "selection_low": ("float64", "lower end of its 95 % interval over searches"),
    "selection_high": ("float64", "upper end"),
    "control_effect": ("float64", "effect_best of the A/A arm: as large as that is chance alone; null without one"),
    "control_low": ("float64", "lower end of its 95 % interval over searches"),
    "control_high": ("float64", "upper end"),
    "reason": ("string", "why there is no interval over searches; empty otherwise"),
}


def selected(counts: np.ndarray, best: int) -> np.ndarray:
    """(b, n) how often each of n models is among the `best` of each of b searches.

    `counts` (b, n) is how often it is in the search at all; models stand in order of rank.
    """
    before = np.cumsum(counts, axis=1) - counts
    return np.clip(best - before, 0, counts)


def drawn_searches(random: np.random.Generator, trials: int, resamples: int) -> np.ndarray:
    """(resamples, trials) how often each trial is in a search of as many trials, drawn with replacement."""
    return random.multinomial(trials, np.full(trials, 1 / trials), size=resamples)


def search_effects(
    fixed: np.ndarray, tuned: np.ndarray, order: np.ndarray, best: int, random: np.random.Generator, resamples: int
) -> dict[str, np.ndarray]:
    """The effects on k properties as natural logarithms, with intervals and p: arrays (k,) by column name.

    `fixed` (n, k) and `tuned` (m, k) are logarithms of the properties, each in order of rank in its own search;
    `order` (n + m,) are places in fixed, then tuned (from n on), the best-ranked first. The deviation of the bootstrap
    is that of a mean over `best` models, which is too small by (best - 1) / best in its square, and mended by that.
    The interval is the estimate ± t with 2 (best - 1) degrees of freedom times it.
    """
    from scipy.stats import t as student

    parts = {}
    for side, logs in (("fixed", fixed), ("tuned", tuned)):
        counts = drawn_searches(random, len(logs), resamples)
        parts[side] = selected(counts, best) @ logs / best, counts @ logs / len(logs)
    drawn = {"best": parts["fixed"][0] - parts["tuned"][0], "all": parts["fixed"][1] - parts["tuned"][1]}
    drawn["selection"] = drawn["best"] - drawn["all"]
    known = {
        "best": fixed[:best].mean(axis=0) - tuned[:best].mean(axis=0),
        "all": fixed.mean(axis=0) - tuned.mean(axis=0),
    }
    known["selection"] = known["best"] - known["all"]
    half = student.ppf(1 - LEVEL / 2, 2 * (best - 1)) * math.sqrt(best / (best - 1))
    found = {}
    for name, starts in (("best", ""), ("all", "all_"), ("selection", "selection_")):
        error = half * drawn[name].std(axis=0, ddof=1)
        found |= {f"effect_{name}": known[name]}
        found |= {f"{starts}low": known[name] - error, f"{starts}high": known[name] + error}
    both = np.vstack([fixed, tuned])[order]
    chance = exchanged_effects(both, len(fixed), best, random, resamples)
    as_far = (np.abs(chance) >= np.abs(known["best"]) - 1e-12).sum(axis=0)
    return found | {"p_searches": (1 + as_far) / (1 + resamples)}


def exchanged_effects(
    both: np.ndarray, fixed: int, best: int, random: np.random.Generator, resamples: int
) -> np.ndarray:
    """(resamples, k) effects on the best when whole trials are exchanged at random between the two searches.

    `both` (n + m, k) are the logarithms of all trials, the best-ranked first; `fixed` of them make one search.
    """
    lots = random.random((resamples, len(both)))
    mine = lots <= np.partition(lots, fixed - 1, axis=1)[:, fixed - 1 : fixed]
    return (selected(mine.astype(int), best) - selected((~mine).astype(int), best)) @ both / best


def arm_searches(models: pd.DataFrame, terms: ArmTerms) -> pd.DataFrame:
    """One row per experiment, variant, target, precision, arm and property, as SEARCH_COLUMNS.

    `models` as `ranked_models` gives them. A property that is the same in all of them is left out.
    """
    rows: list[dict] = []
    for where, here in models.groupby([*SEARCHED, *CONDITION], sort=False):
        named = dict(zip([*SEARCHED, *CONDITION], where, strict=True))
        told = replace(terms, properties=tuple(varying(here, terms)))
        arms = {label: rows.sort_values("rank") for label, rows in here.groupby("arm", sort=False)}
        base = arms.pop(terms.baseline, None)
        found = [row for label, arm in arms.items() if base is not None for row in _of_arm(label, arm, base, told)]
        family = holm([np.nan if row["control"] else row.get("p_searches", np.nan) for row in found])
        rows += [named | row | {"p_holm": p} for row, p in zip(_beside_control(found), family, strict=True)]
    return in_table_order(pd.DataFrame(rows, columns=list(SEARCH_COLUMNS)), models, terms)


def _of_arm(label: str, arm: pd.DataFrame, base: pd.DataFrame, terms: ArmTerms) -> list[dict]:
    """The effects of ONE arm at one condition, for each of its properties."""
    random = np.random.default_rng([terms.seed, len(arm), *label.encode()])
    told = [name for name in terms.properties if arm[name].notna().any() and base[name].notna().any()]
    reasons = {name: _why_not(arm, base, name) for name in told}
    whole = [name for name in told if not reasons[name]]
    effects: Mapping[str, np.ndarray] = {}
    if whole:
        logs = [np.log(rows[whole].to_numpy("float64")) for rows in (arm, base)]
        both = pd.concat([arm, base])
        order = np.lexsort([both["trial"].rank(method="dense").to_numpy(), -both["score"].to_numpy()])
        effects = search_effects(*logs, order, terms.best, random, terms.resamples)
    rows = []
    for name in told:
        row = {"arm": label, "property": name, "control": label == terms.again, "reason": reasons[name]}
        if name in whole:
            place = whole.index(name)
            row |= {key: math.expm1(values[place]) for key, values in effects.items() if key != "p_searches"}
            row["p_searches"] = float(effects["p_searches"][place])
            row |= _given(arm[name].to_numpy("float64")[: terms.best], base[name].to_numpy("float64")[: terms.best])
        rows.append(row)
    return rows


def _why_not(arm: pd.DataFrame, base: pd.DataFrame, name: str) -> str:
    """Why searches cannot be drawn again for the property; empty where they can."""
    for rows in (arm, base):
        if rows[name].notna().sum() < rows["trials"].iloc[0]:
            return NOT_ALL
        if (rows[name] <= 0).any():
            return NOT_POSITIVE
    return ""


def _given(fixed: np.ndarray, tuned: np.ndarray) -> dict[str, float]:
    """Welch's interval of the same ratio, as if the best models were independent draws of their arms."""
    from scipy.stats import t as student

    n, m = len(fixed), len(tuned)
    mean = float(np.log(fixed).mean() - np.log(tuned).mean())
    one, two = np.log(fixed).var(ddof=1) / n, np.log(tuned).var(ddof=1) / m
    if one + two == 0:
        return {"given_low": math.expm1(mean), "given_high": math.expm1(mean)}
    freedom = (one + two) ** 2 / (one**2 / (n - 1) + two**2 / (m - 1))
    half = student.ppf(1 - LEVEL / 2, freedom) * math.sqrt(one + two)
    return {"given_low": math.expm1(mean - half), "given_high": math.expm1(mean + half)}


def _beside_control(rows: list[dict]) -> list[dict]:
    """Every row with the effect of the A/A arm on its property."""
    controls = {row["property"]: row for row in rows if row["control"]}
    names = {"control_effect": "effect_best", "control_low": "low", "control_high": "high"}
    return [
        row | {ours: controls.get(row["property"], {}).get(other, np.nan) for ours, other in names.items()}
        for row in rows
    ]
