"""How far properties of the models of an arm spread: scaled by the smallest, and LARD (liao2022, 4.1.2, 4.2.2)."""

import numpy as np
import pandas as pd

from prunescape.analysis.arms.comparisons import in_table_order
from prunescape.analysis.arms.trials import CONDITION, SEARCHED, WHERE_COLUMNS, ArmTerms
from prunescape.analysis.cost.property_tables import lard, lard_printed

ALL, BEST = "all", "best"
WHO = {
    "arm": ("string", "the arm"),
    "models": ("string", "best: its best models by training accuracy; all: every trial"),
    "property": ("string", "a column of the table"),
}
SCALED_COLUMNS: dict[str, tuple[str, str]] = {
    **WHERE_COLUMNS,
    **WHO,
    "trial": ("string", "the trial"),
    "rank": ("int64", "its place by training accuracy in its arm, from 1"),
    "value": ("float64", "its property, in the unit of that"),
    "scaled": ("float64", "the same divided by the smallest among these models"),
}
SPREAD_COLUMNS: dict[str, tuple[str, str]] = {
    **WHERE_COLUMNS,
    **WHO,
    "n": ("int64", "models that tell it"),
    "lowest": ("float64", "smallest value, in the unit of the property"),
    "highest": ("float64", "largest value"),
    "scaled_q1": ("float64", "first quartile of value / smallest"),
    "scaled_median": ("float64", "median of it"),
    "scaled_q3": ("float64", "third quartile of it"),
    "lard": ("float64", "(max - min) / min; null where the smallest is not above 0"),
    "lard_printed": ("float64", "|(best - worst) / worst|, the formula that liao2022 prints"),
}


def arm_scaled(models: pd.DataFrame, terms: ArmTerms) -> pd.DataFrame:
    """P_x / min(P) of every model of the baseline arm, over all its models and over its best (Figures 2, 3 and 6).

    As SCALED_COLUMNS; properties whose smallest is not above 0 are left out, for the ratio then says nothing, and those
    of all models where not every trial tells them.
    """
    base = models[models["arm"] == terms.baseline].assign(trial=lambda rows: rows["trial"].astype("str"))
    parts = [pd.DataFrame(columns=list(SCALED_COLUMNS))]
    for who, rows in ((ALL, base), (BEST, base[base["rank"] <= terms.best])):
        for _, here in rows.groupby([*SEARCHED, *CONDITION], sort=False):
            for name in terms.properties:
                told = here[here[name].notna()].sort_values("rank").assign(models=who, property=name)
                if _tell(who, here, name) and told[name].min() > 0:
                    scaled = told[name] / told[name].min()
                    parts.append(told.assign(value=told[name], scaled=scaled)[list(SCALED_COLUMNS)])
    return pd.concat(parts[1:] or parts, ignore_index=True)


def arm_spread(models: pd.DataFrame, terms: ArmTerms) -> pd.DataFrame:
    """Quartiles of scaled properties and LARD of every arm, of all its models and of its best, as SPREAD_COLUMNS.

    Rows of all models are left out where not every trial tells the property.
    """
    rows = []
    for (arm, *where), found in models.groupby(["arm", *SEARCHED, *CONDITION], sort=False):
        named = {"arm": arm, **dict(zip([*SEARCHED, *CONDITION], where, strict=True))}
        for who, here in ((ALL, found), (BEST, found[found["rank"] <= terms.best])):
            for name in terms.properties:
                if _tell(who, here, name):
                    values = here[name].dropna().to_numpy("float64")
                    rows.append({**named, "models": who, "property": name, **_spread(values, name in terms.higher)})
    return in_table_order(pd.DataFrame(rows, columns=list(SPREAD_COLUMNS)), models, terms)


def _tell(who: str, models: pd.DataFrame, name: str) -> bool:
    """Whether some of the `models` of ONE arm tell the property, and all of the search where `who` are all."""
    told = models[name].notna().sum()
    return told > 0 and (who == BEST or told == models["trials"].iloc[0])


def _spread(values: np.ndarray, higher: bool) -> dict[str, float]:
    known = {"n": len(values), "lowest": values.min(), "highest": values.max()}
    if values.min() <= 0:  # ratios stay null
        return known
    quartiles = np.quantile(values / values.min(), (0.25, 0.5, 0.75))
    known |= dict(zip(("scaled_q1", "scaled_median", "scaled_q3"), quartiles, strict=True))
    return known | {"lard": lard(values), "lard_printed": lard_printed(values, higher_is_better=higher)}
