"""The tests and effect sizes of liao2022 (4.1.2) on two samples: Mann-Whitney U, Cliff's delta with its interval."""

import math
from dataclasses import dataclass

import numpy as np

LEVEL = 0.05
MOST_EXACT = 60  # values of both samples up to which p is exact with ties, too
# Cliff's delta from which on an effect has a name (Romano and others, 2006), the largest first
MAGNITUDES = ((0.474, "large"), (0.33, "medium"), (0.147, "small"), (0.0, "negligible"))


@dataclass(frozen=True)
class RankTest:
    """U of the first sample, its two-sided p, whether that is exact, and the p that liao2022 prints."""

    u: float = math.nan
    p: float = math.nan
    exact: bool = False
    p_liao: float = math.nan


def rank_test(first: np.ndarray, second: np.ndarray) -> RankTest:
    """The Mann-Whitney U test of (n,) against (m,) values; nan where either has fewer than two.

    The two-sided p is exact, but for more than MOST_EXACT values of which some are equal: there it is from the normal
    approximation with its correction for ties and for continuity. `p_liao` is half of the approximate one, 0.500 at
    most: what SciPy gave by default before 1.7, and what the paper's Tables 3 and 6 hold. Values that are all equal
    give 1 and 0.5.
    """
    from scipy.stats import mannwhitneyu

    if min(len(first), len(second)) < 2:
        return RankTest()
    distinct = np.unique(np.concatenate([first, second]))
    if len(distinct) == 1:
        return RankTest(u=len(first) * len(second) / 2, p=1.0, p_liao=0.5)
    near = mannwhitneyu(first, second, alternative="two-sided", method="asymptotic", use_continuity=True)
    count = len(first) + len(second)
    p, exact = float(near.pvalue), True
    if len(distinct) == count:
        p = float(mannwhitneyu(first, second, alternative="two-sided", method="exact").pvalue)
    elif count <= MOST_EXACT:
        p = _exact_with_ties(first, second)
    else:
        exact = False
    return RankTest(float(near.statistic), p, exact, float(near.pvalue) / 2)


def _exact_with_ties(first: np.ndarray, second: np.ndarray) -> float:
    """The share of all splits of the (n + m,) values whose rank sum lies as far from its mean as that of `first`.

    Counted by size of the split and by rank sum (Streitberg and Röhmel, 1986); midranks are doubled to be whole.
    """
    from scipy.stats import rankdata

    ranks = np.rint(2 * rankdata(np.concatenate([first, second]))).astype(int)
    n = len(first)
    splits = np.zeros((n + 1, ranks.sum() + 1))
    splits[0, 0] = 1
    for rank in ranks:
        with_it = splits[:-1, :-rank].copy()
        splits[1:, rank:] += with_it
    away = np.abs(len(ranks) * np.arange(splits.shape[1]) - n * ranks.sum())
    observed = abs(len(ranks) * ranks[:n].sum() - n * ranks.sum())
    return float(splits[n, away >= observed].sum() / splits[n].sum())


def cliffs_delta(first: np.ndarray, second: np.ndarray) -> tuple[float, float, float]:
    """Cliff's δ = P(first > second) − P(first < second) of (n,) and (m,) values, and the ends of its 95 % interval.

    With d_ij = sign(first_i − second_j) and its means d_i. and d_.j: the unbiased variance
    s² = [m² Σ (d_i. − δ)² + n² Σ (d_.j − δ)² − Σ (d_ij − δ)²] / [n m (n − 1)(m − 1)], at least (1 − δ²) / (n m − 1),
    and the asymmetric interval [δ − δ³ ± t s √((1 − δ²)² + t² s²)] / (1 − δ² + t² s²) of Feng and Cliff (Journal of
    Modern Applied Statistical Methods 3, 2004), t of Student with n + m − 2 degrees of freedom: what R's effsize gives.
    Samples that do not overlap have s = 0; the bound is then (k − t²) / (k + t²) with k the smaller of n and m (ibid.).
    nan where a sample has fewer than two values.
    """
    from scipy.stats import t as student

    n, m = len(first), len(second)
    if min(n, m) < 2:
        return math.nan, math.nan, math.nan
    signs = np.sign(np.subtract.outer(np.asarray(first, "float64"), np.asarray(second, "float64")))
    delta = float(signs.mean())
    quantile = float(student.ppf(1 - LEVEL / 2, n + m - 2))
    if abs(delta) == 1:
        k = min(n, m)
        bound = (k - quantile**2) / (k + quantile**2)
        return (delta, bound, 1.0) if delta > 0 else (delta, -1.0, -bound)
    rows, columns = ((signs.mean(axis=axis) - delta) ** 2 for axis in (1, 0))
    total = m**2 * rows.sum() + n**2 * columns.sum() - ((signs - delta) ** 2).sum()
    variance = max(total / (n * m * (n - 1) * (m - 1)), (1 - delta**2) / (n * m - 1))
    spread = quantile**2 * variance
    half = math.sqrt(spread) * math.sqrt((1 - delta**2) ** 2 + spread)
    low, high = ((delta - delta**3 + sign * half) / (1 - delta**2 + spread) for sign in (-1, 1))
    return delta, float(low), float(high)


def magnitude(delta: float) -> str:
    """The name of an effect: large from |δ| = 0.474, medium from 0.33, small from 0.147; empty where δ is nan."""
    return next((name for least, name in MAGNITUDES if abs(delta) >= least), "")


def least_delta(n: int, m: int, level: float = LEVEL) -> float:
    """The smallest |δ| of (n,) against (m,) different values whose exact two-sided p is under `level`; nan without one.

    From the distribution of U, whose generating function is the Gaussian binomial coefficient: the product over i from
    1 to n of (1 − q^(m + i)) / (1 − q^i) (Mann and Whitney, 1947).
    """
    counts = [1] + [0] * (n * m)
    for i in range(1, n + 1):
        for u in range(n * m, m + i - 1, -1):
            counts[u] -= counts[u - m - i]
        for u in range(i, n * m + 1):
            counts[u] += counts[u - i]
    below, last = 0, math.nan
    for u, count in enumerate(counts[: n * m // 2 + 1]):
        below += count
        if 2 * below >= level * math.comb(n + m, n):
            break
        last = 1 - 2 * u / (n * m)
    return last
