"""From stage 1 and stage 2 of a variant to keep, retune or inconclusive, on arrays whose last axis is the points."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from prunescape.analysis.landscape.regions import TOLERANCE
from prunescape.analysis.verdict.contrasts import GainEstimates, lower_bounds, upper_bounds

KEEP, RETUNE, INCONCLUSIVE = "keep", "retune", "inconclusive"
# noise with tails as heavy as Student's t with 5 degrees of freedom passes a bound of single cells twice as often
HEAVY_TAILS = 2
NOISIER_LEVEL = 0.01


@dataclass(frozen=True)
class Decision:
    """A verdict and what it rests on, each (...): bounds and gain in percentage points.

    `upper` bounds R_v, infinite when a kept point tells nothing; `lower` bounds the `gain` at `best`, the point that
    stage 1 names: -1, with nan for both, when no kept point has replicates.
    """

    verdict: np.ndarray
    upper: np.ndarray
    best: np.ndarray
    lower: np.ndarray
    gain: np.ndarray


def screening_bounds(excess, spread, sigma, freedom, level: float) -> np.ndarray:
    """Upper confidence bounds of each point's gain from stage 1 alone: excess + q σ spread, percentage points.

    `excess` = Y1_j − mean over Θ_b of Y1; `spread` = √(1/S_j + Σ_b (1/S_b) / K²) with S seeds, √((1 + 1/K)/S) when all
    have as many; q = t(freedom, 1 − level / HEAVY_TAILS), a normal quantile when freedom is infinite. Infinite without
    a `sigma`. A point is dropped when its bound is under the margin.
    """
    from scipy.stats import t

    bounds = excess + t.isf(level / HEAVY_TAILS, freedom) * sigma * spread
    return np.where(np.isnan(bounds) | ~(np.asarray(sigma) > TOLERANCE), np.inf, bounds)


def noise_to_trust(found: GainEstimates, sigma, freedom) -> tuple[np.ndarray, np.ndarray]:
    """The noise (...), and its degrees of freedom, that the bounds of dropped points may rest on.

    It is the screen's `sigma`, unless the noise of fresh seeds is larger by an F test at NOISIER_LEVEL: then that one.
    """
    from scipy.stats import f

    with np.errstate(invalid="ignore", divide="ignore"):
        larger = f.sf((found.noise / sigma) ** 2, found.noise_freedom, np.minimum(freedom, 1e9)) < NOISIER_LEVEL
    return np.where(larger, found.noise, sigma), np.where(larger, found.noise_freedom, freedom)


def decide(
    found: GainEstimates,
    kept: np.ndarray,
    first: np.ndarray,
    dropped: np.ndarray,
    *,
    margin: float,
    alpha: float,
    alpha_screen: float,
    choices: int = 1,
) -> Decision:
    """keep when R_v's upper bound is under the margin, retune when the gain at the best point surely is over it.

    `kept` (..., points) marks the points that stage 2 answers for, `first` is their stage-1 score, `dropped` (...) the
    highest screening bound of all other points, -inf without any. Each wrong verdict has a chance of `alpha` at most:
    keep, because the best point is lost by the screen (`alpha_screen`) or its bound fails (alpha − alpha_screen), an
    intersection–union test without correction over points; retune, because stage 1 alone chose the point. Where the
    choice shares its luck with stage 2, `choices` is the number of points it was made from, and alpha is divided.
    """
    known = ~np.isnan(found.gain)
    upper = np.where(kept, np.where(known, upper_bounds(found, alpha - alpha_screen), np.inf), -np.inf)
    upper = np.maximum(upper.max(axis=-1), dropped)
    usable = kept & known
    ranked = np.where(usable, first, -np.inf)
    best = (ranked >= ranked.max(axis=-1, keepdims=True) - TOLERANCE).argmax(axis=-1)
    lower, gain = (
        np.where(usable.any(axis=-1), np.take_along_axis(values, best[..., None], axis=-1)[..., 0], np.nan)
        for values in (lower_bounds(found, alpha / choices), found.gain)
    )
    verdict = np.where(upper < margin, KEEP, np.where(lower > margin, RETUNE, INCONCLUSIVE))
    return Decision(verdict, upper, np.where(usable.any(axis=-1), best, -1), lower, gain)
