"""Do a variant's landscape and the base's rank the good settings alike?"""

import math
from itertools import combinations

import numpy as np
import pandas as pd

from prunescape.analysis.axes import GROUP, VARIANT_KEY, VARIANT_KEY_COLUMNS, Axes
from prunescape.analysis.landscape.regions import FEWEST_POINTS, TOLERANCE
from prunescape.analysis.seeds.equal_landscapes import equal_interval

REACH = 2.0  # percentage points under the base's best: further down, any two landscapes agree
MOST_SPLITS = 100
RANDOM_SEED = 0

SIMILARITY_COLUMNS: dict[str, tuple[str, str]] = {
    **VARIANT_KEY_COLUMNS,
    "n": ("int64", "settings within 2 points of the base's best that both were trained at; nothing is said under 5"),
    "n_seeds": ("int64", "seeds of the variant"),
    "n_seeds_base": ("int64", "seeds of the base"),
    "spearman": ("float64", "rank correlation of variant and base over these settings, both means over their seeds"),
    "split_half": ("float64", "rank correlation between halves of the variant's seeds there; null with one seed"),
    "split_half_base": ("float64", "the same of the base, its settings chosen by one half; null with one seed"),
    "ceiling": (
        "float64",
        "the correlation that seed noise leaves two equal landscapes on average; null with one seed",
    ),
    "equal_low": (
        "float64",
        "lower end of the interval that holds 95 % of the correlations of equal landscapes with this noise: one under "
        "it is more than the chance of seeds; null with one seed of variant or base",
    ),
    "equal_high": ("float64", "upper end of that interval"),
}


def similarity(scores: pd.DataFrame, axes: Axes) -> pd.DataFrame:
    """Rank correlation of every variant with the base near the base's best, and its ceiling, as `SIMILARITY_COLUMNS`.

    Spearman's correlation of the means over seeds, over the settings whose mean (of what settings are chosen by) lies
    within 2 points of the base's best. Decided: of the base's best alone, since among settings that are good for
    either, landscapes without anything in common correlate negatively. The ceiling is sqrt(b(r_v) b(r_b)), r the mean
    correlation between halves of the seeds of one landscape, no more than 100 splits of them, and
    b(r) = f r / (1 + (f - 1) r) Spearman and Brown's step from h = seeds // 2 to all seeds, f = seeds / h; 0 where the
    halves do not correlate. The base's halves are compared, in both directions, over the settings within 2 points of
    the first half's best: where both halves chose the settings, their noise would correlate negatively. The step is
    exact for linear correlation only, and noise is taken as independent between landscapes: for equal ones the ceiling
    meets the correlation within a few hundredths while noise is small against those 2 points. It is an expectation: a
    single correlation of equal landscapes scatters around it, within the interval of `equal_interval`. Experiments
    without a base have no rows. `scores` as `read_cells.scores` gives it.
    """
    rows = []
    for key, cells in scores.groupby([*GROUP, "metric"], sort=True):
        named = dict(zip([*GROUP, "metric"], key, strict=True))
        rows += [named | row for row in _compared(cells, axes)]
    table = pd.DataFrame(rows, columns=list(SIMILARITY_COLUMNS))
    types = {name: kind for name, (kind, _) in SIMILARITY_COLUMNS.items() if kind != "string"}
    return table.astype(types).sort_values(VARIANT_KEY, ignore_index=True)


def _compared(cells: pd.DataFrame, axes: Axes) -> list[dict]:
    """What is said of each variant, from the cells of one experiment and metric; nothing without a base."""
    seeds = cells.pivot(index=["variant", "seed"], columns=axes.names, values=["score", "chosen_on"]).sort_index(axis=1)
    means = seeds.groupby(level="variant").mean()
    if "base" not in means.index:
        return []
    chosen_on, base = means.loc["base", "chosen_on"].to_numpy(), means.loc["base", "score"].to_numpy()
    near = chosen_on >= np.nanmax(chosen_on) - REACH - TOLERANCE
    of_base = seeds.loc["base"]
    half_base = split_half(of_base["score"].to_numpy(), of_base["chosen_on"].to_numpy())
    rows = []
    for name, values in means["score"].drop("base").iterrows():
        shared = near & values.notna().to_numpy()
        of_variant = seeds.loc[name, "score"].to_numpy()[:, shared]
        counts = {"n": shared.sum(), "n_seeds": len(of_variant), "n_seeds_base": len(of_base)}
        correlation = spearman(base[None, shared], values.to_numpy()[None, shared])[0]
        half = split_half(of_variant)
        ceiling = math.sqrt(stepped_up(half, len(of_variant)) * stepped_up(half_base, len(of_base)))
        found = {"spearman": correlation, "split_half": half, "split_half_base": half_base, "ceiling": ceiling}
        found["equal_low"], found["equal_high"] = _equal(of_base, seeds.loc[name])
        rows.append({"variant": name} | counts | found)
    return rows


def _equal(base: pd.DataFrame, variant: pd.DataFrame) -> tuple[float, float]:
    """The interval of the correlations of equal landscapes, over the points that no seed of either lacks."""
    if min(len(base), len(variant)) < 2:
        return math.nan, math.nan
    both = [np.stack([side[name].to_numpy() for name in ("score", "chosen_on")], axis=2) for side in (base, variant)]
    whole = ~np.isnan(np.concatenate(both)).any(axis=(0, 2))
    if not whole.any():
        return math.nan, math.nan
    both = [side[:, whole] for side in both]
    return equal_interval(*both, _near_best(both[0][:, :, 1].mean(axis=0, keepdims=True))[0], _correlated_near_best)


def _correlated_near_best(chosen_on: np.ndarray, base: np.ndarray, variant: np.ndarray) -> np.ndarray:
    """(rows,) correlation of base and variant, each (rows, points), where the choice is within 2 points of its best."""
    return spearman(np.where(_near_best(chosen_on), base, np.nan), variant)


def split_half(score: np.ndarray, chosen_on: np.ndarray | None = None) -> float:
    """Mean rank correlation between two halves of the seeds, over the points that no seed lacks; nan with one seed.

    `score` is (seeds, points). With `chosen_on`, alike, only the points within 2 points of the best of one half are
    compared, and each half chooses in turn.
    """
    whole = ~np.isnan(score).any(axis=0)
    if len(score) < 2 or whole.sum() < FEWEST_POINTS:
        return math.nan
    one, two = halves(len(score))
    first, second = one @ score[:, whole], two @ score[:, whole]
    if chosen_on is None:
        found = spearman(first, second)
    else:
        by_first, by_second = (_near_best(half @ chosen_on[:, whole]) for half in (one, two))
        chosen = [np.where(by_first, first, np.nan), np.where(by_second, second, np.nan)]
        found = np.concatenate([spearman(chosen[0], second), spearman(chosen[1], first)])
    known = found[~np.isnan(found)]
    return float(known.mean()) if len(known) else math.nan


def _near_best(chosen_on: np.ndarray) -> np.ndarray:
    """Which points of each row lie within 2 points of its best."""
    return chosen_on >= chosen_on.max(axis=1, keepdims=True) - REACH - TOLERANCE


def halves(seeds: int) -> tuple[np.ndarray, np.ndarray]:
    """Ways to split seeds into two disjoint halves of seeds // 2: weights (splits, seeds) that average each half.

    All ways, each pair once, if there are `MOST_SPLITS` or fewer, else as many at random with a fixed seed; none with
    one seed.
    """
    half = seeds // 2
    if math.comb(seeds, half) * math.comb(seeds - half, half) // 2 > MOST_SPLITS:
        random = np.random.default_rng(RANDOM_SEED)
        orders = random.permuted(np.tile(np.arange(seeds), (MOST_SPLITS, 1)), axis=1)
        pairs = [(order[:half], order[half : 2 * half]) for order in orders]
    else:
        ways = list(combinations(range(seeds), half)) if half else []
        pairs = [(one, two) for one, two in combinations(ways, 2) if not set(one) & set(two)]
    weights = np.zeros((2, len(pairs), seeds))
    for row, (one, two) in enumerate(pairs):
        weights[0, row, list(one)] = weights[1, row, list(two)] = 1 / half
    return weights[0], weights[1]


def spearman(one: np.ndarray, two: np.ndarray) -> np.ndarray:
    """Spearman's correlation of the rows of two arrays (rows, points) where neither is nan, ties at their mean rank.

    (rows,); nan for fewer than 5 points or when one side is all equal.
    """
    from scipy.stats import rankdata

    known = ~np.isnan(one) & ~np.isnan(two)
    # sums of the same counts in another order are the same score
    ranks = [rankdata(np.where(known, side.round(9), np.nan), axis=1, nan_policy="omit") for side in (one, two)]
    count = known.sum(axis=1, keepdims=True)
    centred = [np.where(known, rank - (count + 1) / 2, 0) for rank in ranks]
    size = np.sqrt((centred[0] ** 2).sum(axis=1) * (centred[1] ** 2).sum(axis=1))
    usable = (count[:, 0] >= FEWEST_POINTS) & (size > 0)
    return np.where(usable, (centred[0] * centred[1]).sum(axis=1) / np.where(usable, size, 1), np.nan)


def stepped_up(correlation: float, seeds: int) -> float:
    """Spearman and Brown's correlation between means of all `seeds` from that of means of half; 0 where negative."""
    factor = seeds / max(seeds // 2, 1)
    return 0.0 if correlation < 0 else factor * correlation / (1 + (factor - 1) * correlation)
