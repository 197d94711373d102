"""How much the performance properties of a set of models spread and change (liao2022)."""

from __future__ import annotations

import itertools

import numpy as np


def lard(values: np.ndarray) -> float:
    """(max − min) / min: how much the largest property exceeds the smallest.

    This is what liao2022's Table 4 and its text ("501 %") hold; its printed formula is `lard_printed`.
    """
    values = np.asarray(values, dtype="float64")
    return float((values.max() - values.min()) / values.min())


def lard_printed(values: np.ndarray, *, higher_is_better: bool = False) -> float:
    """|(best − worst) / worst|, as liao2022 prints it in 4.2.2.

    Where lower is better the worst is the largest, so that this cannot exceed 1: the paper's own numbers do.
    """
    values = np.asarray(values, dtype="float64")
    best, worst = (values.max(), values.min()) if higher_is_better else (values.min(), values.max())
    return float(abs((best - worst) / worst))


def relative_difference(standard: np.ndarray, optimised: np.ndarray) -> np.ndarray:
    """(n,) (optimised − standard) / standard, model by model (liao2022, Figure 4).

    The same with all-tuned for standard and a fixed hyperparameter for optimised is the paper's best-model relative
    difference.
    """
    standard, optimised = np.asarray(standard, dtype="float64"), np.asarray(optimised, dtype="float64")
    return (optimised - standard) / standard


def pairwise_differences(values: np.ndarray) -> np.ndarray:
    """(n (n − 1) / 2,) (m1 − m2) / m2 over all pairs of (n,) values in rank order, m1 the better-ranked model."""
    return np.array([(first - second) / second for first, second in itertools.combinations(values, 2)])


def pairwise_changes(standard: np.ndarray, optimised: np.ndarray) -> np.ndarray:
    """(n (n − 1) / 2,) Δ = (m1' − m2') / m2' − (m1 − m2) / m2, models in rank order (liao2022, 4.2.2)."""
    return pairwise_differences(optimised) - pairwise_differences(standard)


def pairwise_test(standard: np.ndarray, optimised: np.ndarray) -> tuple[float, float]:
    """Kolmogorov–Smirnov statistic and p between the pairwise differences before and after (liao2022, Table 5).

    Descriptive only: pairs that share a model are dependent, so p is no error rate. nan for fewer than two models.
    """
    from scipy.stats import ks_2samp

    if len(standard) < 2:
        return np.nan, np.nan
    found = ks_2samp(pairwise_differences(standard), pairwise_differences(optimised))
    return float(found.statistic), float(found.pvalue)


def correlation(first: np.ndarray, second: np.ndarray) -> tuple[float, float]:
    """Pearson's r and its two-sided p; nan for fewer than three models or a property that does not vary."""
    from scipy.stats import pearsonr

    if len(first) < 3 or np.ptp(first) == 0 or np.ptp(second) == 0:
        return np.nan, np.nan
    found = pearsonr(first, second)
    return float(found.statistic), float(found.pvalue)
