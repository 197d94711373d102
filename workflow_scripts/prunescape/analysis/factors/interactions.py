"""Which factors act otherwise at other levels of one column, as after pruning: differences, intervals, verdicts.

Our question, asked by none of the papers: settings trained as base and as pruned variant tell which hyperparameters
must be looked at again after pruning, and which may stay.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from prunescape.analysis.axes import BASE
from prunescape.analysis.cost.comparisons import holm
from prunescape.analysis.factors.columns import INTERACTION_COLUMNS, INTERACTION_EFFECT_COLUMNS
from prunescape.analysis.factors.design import Design
from prunescape.analysis.factors.factor import ABSENT, Factor, level_texts
from prunescape.analysis.factors.linear_model import LinearModel
from prunescape.analysis.read_cells import variant_order
from prunescape.errors import InputError

LEVEL = 0.05
POINTS, PERCENT = 0.5, ("top1", "top5", "val_top1", "val_top5", "train_top1")  # a margin in percentage points
SPREAD_SHARE = 0.2  # of the standard deviation of the base's responses: the margin of any other response
STAY, AGAIN, INCONCLUSIVE = "may stay", "look again", "inconclusive"
LEAST_PAIRED = 0.5  # of the settings of a level: with fewer pairs the two levels are taken as independent samples


@dataclass(frozen=True)
class Comparison:
    """The settings of a base and another level: one row per setting in `frame` where they are pairs, else one per side.

    `model` explains the differences (paired) or has the differences' coefficients behind those of the base; `base` are
    the coefficients in the base, and `first` is the place of the first coefficient of a difference.
    """

    design: Design
    model: LinearModel
    base: np.ndarray
    first: int
    paired: bool
    rows: int

    def weights(self, columns: Sequence[int]) -> np.ndarray:
        """Unit weights (k, p) of the differences' coefficients that belong to columns of the design."""
        return np.eye(len(self.model.coefficients))[[self.first + column for column in columns]]


def interactions(
    frame: pd.DataFrame,
    response: np.ndarray,
    factors: Sequence[Factor],
    with_: str = "variant",
    *,
    base: str = BASE,
    margin: float | None = None,
    name: str = "",
    where: Path | str = "",
    skipped: list[str] | None = None,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The rows of the tables interactions and interaction_effects, of each factor and each other level of `with_`.

    Where settings (and seeds, if there is a column `seed`) are the same at both levels, the response is the difference
    other - base of each pair, mean over a setting's seeds: what a setting has in common drops out, and settings are
    independent. A factor's main effect on that difference is its interaction with `with_`. Else both levels'
    means over seeds are fitted together, each level with coefficients of its own. `response` is (n,), and `name` its
    name. Verdicts: a factor may stay if, for any two of its levels, the 95 % interval of how their contrast changes
    lies within +- `margin` (a test of equivalence, each interval at 5 %, so no correction over levels); it is to look
    at again if p is under 5 % after Holm. For the default margin see `default_margin`. A level whose rows tell too
    little raises InputError, or, where a list `skipped` is given, is left out and named there.
    """
    levels = level_texts(frame[with_])
    if base not in set(levels):
        raise InputError(f'the column "{with_}" has no level "{base}"', where=where, hint="--base names another")
    others = sorted(set(levels.dropna()) - {base}, key=variant_order)
    moved = [factor for factor in factors if factor.column != with_]
    margin = default_margin(name, response[(levels == base).to_numpy()]) if margin is None else margin
    rows, effects = [], []
    for other in others:
        try:
            compared = _compared(frame, response, moved, levels, (base, other), where)
        except InputError as error:
            if skipped is None:
                raise
            skipped.append(f"no interactions with {with_} {other}: {error}")
            continue
        for comparison, factor in compared:
            key = {"factor": factor.name, "with": with_, "other": other, "base": base}
            rows.append(key | _test(comparison, factor, margin))
            effects += [key | effect for effect in _effects(comparison, factor)]
    corrected = holm([row["p"] for row in rows]) if rows else []
    for row, p in zip(rows, corrected, strict=True):
        row["p_holm"] = p
        row["verdict"] = STAY if row["bound"] <= margin else AGAIN if p < LEVEL else INCONCLUSIVE
    return (
        pd.DataFrame(rows).reindex(columns=list(INTERACTION_COLUMNS)),
        pd.DataFrame(effects).reindex(columns=list(INTERACTION_EFFECT_COLUMNS)),
    )


def default_margin(response: str, base: np.ndarray) -> float:
    """A change that does not matter: half a point of top-1, else a fifth of the standard deviation in the base."""
    if response in PERCENT:
        return POINTS
    return SPREAD_SHARE * float(np.std(base, ddof=1)) if len(base) > 1 else 0.0


def _compared(
    frame: pd.DataFrame,
    response: np.ndarray,
    factors: Sequence[Factor],
    levels: pd.Series,
    sides: tuple[str, str],
    where: Path | str,
) -> list[tuple[Comparison, Factor]]:
    """The comparison of two levels with each factor that varies in it."""
    chosen = levels.isin(sides).to_numpy()
    part = frame[chosen].reset_index(drop=True)
    columns = list(dict.fromkeys(factor.column for factor in factors))
    setting = part.groupby(columns, dropna=False, sort=False).ngroup()
    known = pd.DataFrame({"setting": setting, "y": response[chosen], "side": levels[chosen].to_numpy()})
    known["seed"] = part.get("seed", 0)
    means = known.groupby(["setting", "seed", "side"], dropna=False)["y"].mean().unstack("side")
    pairs = means.dropna().groupby("setting").mean()
    settings = known.loc[known["side"] == sides[1], "setting"].nunique()
    first = setting.drop_duplicates()
    place = pd.Series(first.index, index=first.to_numpy())
    if len(pairs) >= LEAST_PAIRED * settings:
        comparison = _of_pairs(part.loc[place[pairs.index]], pairs, factors, sides, where)
    else:
        single = known.groupby(["side", "setting"])["y"].mean().reset_index()
        rows = part.loc[place[single["setting"]]]
        shared = _at_shared_levels(rows, single["side"].to_numpy(), factors)
        comparison = _of_samples(rows[shared], single[shared], factors, sides, where)
    return [(comparison, each) for each in comparison.design.factors if comparison.design.columns_of(each)]


def _of_pairs(
    rows: pd.DataFrame, pairs: pd.DataFrame, factors: Sequence[Factor], sides: tuple[str, str], where: Path | str
) -> Comparison:
    design = _design(rows, factors)
    design.check(f"{where}, pairs of {sides[0]} and {sides[1]}")
    base, other = (pairs[side].to_numpy() for side in sides)
    model = LinearModel.fit(design.matrix, other - base)
    return Comparison(design, model, LinearModel.fit(design.matrix, base).coefficients, 0, True, len(pairs))


def _at_shared_levels(rows: pd.DataFrame, side: np.ndarray, factors: Sequence[Factor]) -> np.ndarray:
    """Whether each row has only levels that occur on both sides: nothing tells how another level's effect changes."""
    texts = [level_texts(rows[each.column]).fillna(ABSENT).to_numpy() for each in factors if not each.continuous]
    kept, before = np.ones(len(rows), dtype=bool), len(rows) + 1
    while kept.sum() < before:  # a row that goes may take the last one of another level with it
        before = kept.sum()
        for levels in texts:
            sides = pd.Series(side[kept]).groupby(levels[kept]).nunique()
            kept &= np.isin(levels, sides.index[sides == 2].to_numpy())
    return kept


def _of_samples(
    rows: pd.DataFrame, single: pd.DataFrame, factors: Sequence[Factor], sides: tuple[str, str], where: Path | str
) -> Comparison:
    design = _design(rows, factors)
    is_other = (single["side"] == sides[1]).to_numpy("float64")[:, None]
    for side in (0, 1):
        Design(design.matrix[is_other[:, 0] == side], design.cells, design.factors).check(f"{where}, {sides[side]}")
    model = LinearModel.fit(np.hstack([design.matrix, design.matrix * is_other]), single["y"].to_numpy())
    count = design.matrix.shape[1]
    return Comparison(design, model, model.coefficients[:count], count, False, len(single))


def _design(rows: pd.DataFrame, factors: Sequence[Factor]) -> Design:
    there = [factor.within(rows) for factor in factors]
    return Design.of(rows, [factor for factor in there if factor is not None])


def _test(comparison: Comparison, factor: Factor, margin: float) -> dict[str, Any]:
    """F of the interaction, and the largest change of a contrast between two of the factor's levels."""
    columns = comparison.design.columns_of(factor)
    found = comparison.model.test([comparison.first + column for column in columns])
    single = comparison.weights(columns)
    pairs = [single[a] - single[b] for a, b in combinations(range(len(single)), 2)]
    estimates, low, high = comparison.model.contrasts(np.array([*single, *pairs]))
    return {
        "paired": comparison.paired,
        "n": comparison.rows,
        "df": found.df,
        "f": found.f,
        "p": found.p,
        "partial_eta2": found.partial_eta2,
        "largest": float(np.abs(estimates).max()),
        "bound": float(np.maximum(np.abs(low), np.abs(high)).max()),
        "margin": margin,
    }


def _effects(comparison: Comparison, factor: Factor) -> list[dict[str, Any]]:
    """Each level minus the reference in the base and at the other level, and the difference with its interval."""
    columns = comparison.design.columns_of(factor)
    estimates, low, high = comparison.model.contrasts(comparison.weights(columns))
    rows = []
    for place, column in enumerate(columns):
        level, reference = comparison.design.level_and_reference(column)
        before = float(comparison.base[column])
        rows.append(
            {"level": level, "reference": reference, "effect_base": before, "effect": before + float(estimates[place])}
            | {"difference": float(estimates[place]), "low": float(low[place]), "high": float(high[place])}
        )
    return rows
