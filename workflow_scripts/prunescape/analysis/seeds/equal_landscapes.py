"""Which rank correlations with the base would a landscape show that is equal to it but for noise between seeds?"""

from collections.abc import Callable

import numpy as np

DRAWS = 500
SHARE = 0.95
RANDOM_SEED = 0

Correlate = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]


def equal_interval(
    base: np.ndarray, variant: np.ndarray, near: np.ndarray, correlate: Correlate
) -> tuple[float, float]:
    """The interval that holds 95 % of the correlations of two equal landscapes with as many seeds and this noise.

    A parametric bootstrap (Efron and Tibshirani, An Introduction to the Bootstrap, 6.5). `base` and `variant` are
    (seeds, points, 2): score and what settings are chosen by, in points that no seed lacks. `near` (points,) are those
    compared. The common landscape is the mean over all seeds, level differences apart, shrunk over `near` to the
    variance that it has without noise. Noise is drawn from each side's residuals of point and seed over `near`, score
    and choice together. `correlate` takes the base's mean choice, its mean score and the variant's, each
    (draws, points). nan with one seed, or where fewer than half of the draws have a correlation.
    """
    if min(len(base), len(variant)) < 2 or near.sum() < 2:
        return np.nan, np.nan
    random = np.random.default_rng(RANDOM_SEED)
    sides = [base, variant - _level(variant, near) + _level(base, near)]
    noise = [residuals(side[:, near]) for side in sides]
    common = common_landscape(sides, noise, near)
    drawn = [
        common + random.choice(left, (DRAWS, *side.shape[:2])).mean(axis=1)
        for side, left in zip(sides, noise, strict=True)
    ]
    found = correlate(drawn[0][..., 1], drawn[0][..., 0], drawn[1][..., 0])
    known = found[~np.isnan(found)]
    if len(known) < DRAWS / 2:
        return np.nan, np.nan
    low, high = np.quantile(known, ((1 - SHARE) / 2, (1 + SHARE) / 2))
    return float(low), float(high)


def _level(side: np.ndarray, near: np.ndarray) -> np.ndarray:
    """(2,) mean over seeds and the points `near`."""
    return side[:, near].mean(axis=(0, 1))


def residuals(side: np.ndarray) -> np.ndarray:
    """(seeds x points, 2) residuals of point + seed of (seeds, points, 2), scaled to the variance of the noise.

    A seed that is better everywhere moves no rank.
    """
    seeds, points = side.shape[:2]
    left = side - side.mean(axis=0) - side.mean(axis=1, keepdims=True) + side.mean(axis=(0, 1))
    scale = seeds * points / ((seeds - 1) * (points - 1))
    return left.reshape(-1, 2) * np.sqrt(scale)


def common_landscape(sides: list[np.ndarray], noise: list[np.ndarray], near: np.ndarray) -> np.ndarray:
    """(points, 2): the mean over all seeds of both sides; over `near` with the variance that noise adds taken out."""
    mean = np.concatenate(sides).mean(axis=0)
    added = sum(len(side) * (left**2).mean(axis=0) for side, left in zip(sides, noise, strict=True))
    added = added / sum(map(len, sides)) ** 2
    total = mean[near].var(axis=0, ddof=1)
    share = np.where(total > added, 1 - added / np.where(total > 0, total, 1), 0)
    centre = mean[near].mean(axis=0)
    mean[near] = centre + np.sqrt(share) * (mean[near] - centre)
    return mean
