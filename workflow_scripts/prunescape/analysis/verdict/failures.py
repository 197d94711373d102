"""Trainings that failed: how a fresh seed is told from noise, and how often they do, with exact bounds."""

from __future__ import annotations

import numpy as np

from prunescape.analysis.verdict.contrasts import medians

# a failed training lies this many standard deviations, and this many margins, under what others reach
DEVIATIONS, MARGINS = 6, 5
LEVEL = 0.95


def failed_seeds(scores: np.ndarray, near: np.ndarray, margin: float, sigma=np.nan) -> np.ndarray:
    """(..., points, R) which fresh seeds lie more than 6 s and 5 margins under the median of their point.

    `scores` are percent, nan where there is none. s is pooled over the `near` points (..., points) without what lies 5
    margins under a median; `sigma` (...), percentage points, stands in where no point has two seeds.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        below = medians(scores) - scores
        low = below > MARGINS * margin
        kept = np.where(low | ~near[..., None], np.nan, scores)
        there = ~np.isnan(kept)
        number = there.sum(axis=-1)
        mean = np.where(there, kept, 0).sum(axis=-1, keepdims=True) / np.maximum(number, 1)[..., None]
        squares = np.where(there, (kept - mean) ** 2, 0).sum(axis=(-2, -1))
        freedom = np.maximum(number - 1, 0).sum(axis=-1)
        noise = np.where(freedom > 0, np.sqrt(squares / freedom), sigma)
    return low & ~(below <= DEVIATIONS * noise[..., None, None])


def suspect_points(first: np.ndarray, neighbours: np.ndarray, margin: float, sigma) -> np.ndarray:
    """(..., points) whose one score of stage 1 lies as far under the median of its neighbours: it may have failed.

    `first` (..., points) is percent; `neighbours` (points, most) holds the places of each point's neighbours, -1 where
    it has fewer. `sigma` (...) is the noise between seeds, percentage points; where it is not known none is suspected.
    """
    around = np.where(neighbours < 0, np.nan, first[..., neighbours])
    with np.errstate(invalid="ignore"):
        below = medians(around)[..., 0] - first
        return (below > MARGINS * margin) & (below > DEVIATIONS * np.asarray(sigma)[..., None])


def neighbours_of(places: np.ndarray, fewest: int = 3) -> np.ndarray:
    """(points, most) neighbours of each point of a grid, by place, -1 where there are fewer.

    `places` (points, axes) are ranks on the axes. Neighbours are the points one step away on any axes, or, where a grid
    has holes, as many of the nearest as make `fewest`.
    """
    from scipy.spatial import KDTree

    fewest = min(fewest, len(places) - 1)
    if not fewest:
        return np.full((len(places), 1), -1)
    tree = KDTree(places)
    nearest = tree.query(places, k=[fewest + 1], p=np.inf)[0][:, 0]  # a point itself comes first
    close = tree.query_ball_point(places, np.maximum(nearest, 1), p=np.inf, return_sorted=True)
    found = np.full((len(places), max(map(len, close)) - 1), -1)
    for point, others in enumerate(close):
        found[point, : len(others) - 1] = [other for other in others if other != point]
    return found


def failure_rate(failed: int, trained: int) -> tuple[float, float, float]:
    """The share of seeds that failed, with its exact 95 % interval (Clopper and Pearson 1934); nan of none."""
    from scipy.stats import beta

    if not trained:
        return np.nan, np.nan, np.nan
    tail = (1 - LEVEL) / 2
    low = beta.ppf(tail, failed, trained - failed + 1) if failed else 0.0
    high = beta.isf(tail, failed + 1, trained - failed) if failed < trained else 1.0
    return failed / trained, float(low), float(high)
