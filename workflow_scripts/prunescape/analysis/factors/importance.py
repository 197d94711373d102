"""Importance of factors and of their pairs: functional ANOVA of a random forest, with bootstrap intervals."""

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd

from prunescape.analysis.factors.design import Design
from prunescape.analysis.factors.factor import Factor
from prunescape.analysis.factors.tree_boxes import Boxes, variance_shares
from prunescape.analysis.intervals import NORMAL_QUANTILE

EVALUATOR = "functional ANOVA of a random forest"
RESAMPLES, TREES = 50, 5  # bootstrap samples of the settings, and trees grown on each
MOST_ROWS = 4_000  # rows that a tree sees
MOST_CODES = 64  # values of a continuous factor that are told apart, as many rows in each
LEAST_LEAF = 3  # rows in a leaf
SPLIT_SHARE = 5 / 6  # of the factors, drawn anew for each split (Hutter, Hoos and Leyton-Brown 2014)
CHECKED = 5_000  # rows at most whose prediction by trees that did not see their settings makes the forest's R2


@dataclass(frozen=True)
class Coded:
    """Factors as codes (n, factors) from 0, and how often each code of each occurs."""

    codes: np.ndarray
    shares: list[np.ndarray]

    @property
    def sizes(self) -> list[int]:
        """The number of codes of each factor."""
        return [len(share) for share in self.shares]


@dataclass(frozen=True)
class Importance:
    """Shares of variance (k,), with the ends of their intervals, of `members`: one factor, or two; the forest's R2."""

    members: list[tuple[str, ...]]
    share: np.ndarray
    low: np.ndarray
    high: np.ndarray
    r2: float


def forest_importance(
    frame: pd.DataFrame, design: Design, response: np.ndarray, settings: np.ndarray, seed: int = 0
) -> Importance:
    """The share of a forest's variance that each factor and each pair of factors explains.

    `response` and `settings` (the number of each row's setting) are (n,). A bootstrap sample draws settings with all
    their rows, as seeds of one setting are no independent settings. Each of the samples grows a few trees, without
    another bootstrap. The shares are means over all trees; an interval is the mean +- 1.96 standard deviations between
    the samples, within 0 and 1. A tree that predicts one value explains nothing. Equal tables give equal numbers.
    """
    coded = code_factors(frame, design, response)
    checked = np.arange(0, len(response), -(-len(response) // CHECKED))
    seeds = np.random.SeedSequence(seed).spawn(RESAMPLES)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1
    with ThreadPoolExecutor(cores) as pool:  # scikit-learn grows trees without Python's lock
        grown = list(pool.map(lambda each: _resample(coded, response, settings, checked, each), seeds))
    shares, predicted = (np.array(part) for part in zip(*grown, strict=True))
    mean, spread = shares.mean(axis=0), NORMAL_QUANTILE * shares.std(axis=0, ddof=1)
    names = [factor.name for factor in design.factors]
    members = [(name,) for name in names] + list(combinations(names, 2))
    low, high = np.clip(mean - spread, 0, 1), np.clip(mean + spread, 0, 1)
    return Importance(members, mean, low, high, _unseen_r2(response[checked], predicted))


def code_factors(frame: pd.DataFrame, design: Design, response: np.ndarray) -> Coded:
    """Codes of every factor: levels by size, of categories by mean response; of a number up to 64 equally full bins.

    By mean response no split of a category's levels into two is better than one at a threshold (Breiman and others
    1984, Theorem 4.5). Where a factor does not act it has the code of its reference, or of its median, as Hutter and
    others impute defaults, unless not acting is a level of its own in the design: then that is the last code.
    """
    columns, shares = [], []
    for factor in design.factors:
        values = factor.values(frame)
        acts = ~np.isnan(values)
        found = np.zeros(len(values), dtype="int64")
        found[acts] = _bins(values[acts]) if factor.continuous else _ordered(factor, values[acts], response[acts])
        if not acts.all():
            found[~acts] = _absent_code(factor, values, found, acts, own=design.has_absent_level(factor))
        columns.append(found)
        counted = found if design.has_absent_level(factor) else found[acts]
        shares.append(np.bincount(counted) / len(counted))
    return Coded(np.column_stack(columns).astype("float32"), shares)


def _bins(values: np.ndarray) -> np.ndarray:
    """The code of each number: its place among the distinct ones, or its bin of as many rows as others have."""
    distinct = np.unique(values)
    if len(distinct) > MOST_CODES:
        distinct = np.unique(np.quantile(values, np.arange(1, MOST_CODES) / MOST_CODES))
        return np.unique(np.searchsorted(distinct, values, side="right"), return_inverse=True)[1]
    return np.searchsorted(distinct, values)


def _ordered(factor: Factor, values: np.ndarray, response: np.ndarray) -> np.ndarray:
    """The code of each level; categories stand in the order of their mean response."""
    if factor.kind == "levels":
        return values.astype("int64")
    means = pd.Series(response).groupby(values.astype("int64")).mean().reindex(range(len(factor.levels)))
    return means.rank(method="first", na_option="bottom").to_numpy("int64")[values.astype("int64")] - 1


def _absent_code(factor: Factor, values: np.ndarray, codes: np.ndarray, acts: np.ndarray, *, own: bool) -> int:
    if own:
        return int(codes[acts].max()) + 1
    if factor.continuous:
        return int(np.median(codes[acts]))
    reference = codes[values == factor.levels.index(factor.reference)]
    return int(reference[0]) if len(reference) else 0


def _resample(
    coded: Coded, response: np.ndarray, settings: np.ndarray, checked: np.ndarray, seed: np.random.SeedSequence
) -> tuple[np.ndarray, np.ndarray]:
    """Of one bootstrap sample: the trees' mean shares, and their prediction of the `checked` rows, nan of seen ones."""
    from sklearn.ensemble import RandomForestRegressor

    rng = np.random.default_rng(seed)
    count = int(settings.max()) + 1
    times = np.bincount(rng.integers(count, size=count), minlength=count)[settings]
    rows = np.flatnonzero(times)
    rows = rng.choice(rows, MOST_ROWS, replace=False) if len(rows) > MOST_ROWS else rows
    grow = {"min_samples_leaf": LEAST_LEAF, "max_features": SPLIT_SHARE, "random_state": int(rng.integers(2**31))}
    forest = RandomForestRegressor(TREES, bootstrap=False, **grow)
    forest.fit(coded.codes[rows], response[rows], sample_weight=times[rows])
    trees = [variance_shares(Boxes.of(each.tree_, coded.sizes), coded.shares) for each in forest.estimators_]
    width = len(coded.shares)
    keys = [(j,) for j in range(width)] + list(combinations(range(width), 2))
    shares = np.mean([[tree.get(key, 0.0) for key in keys] for tree in trees], axis=0)
    predicted = np.where(times[checked] == 0, forest.predict(coded.codes[checked]), np.nan)
    return shares, predicted


def _unseen_r2(response: np.ndarray, predicted: np.ndarray) -> float:
    """1 - sum (y - prediction)^2 / sum (y - mean)^2 over the rows (n,) that some sample (samples, n) left out."""
    there = ~np.isnan(predicted).all(axis=0)
    known = response[there]
    total = ((known - known.mean()) ** 2).sum() if there.any() else 0.0
    return float(1 - ((known - np.nanmean(predicted[:, there], axis=0)) ** 2).sum() / total) if total else float("nan")
