"""From stage 1 and the contrasts of stage 2 to keep, retune or inconclusive.

Everything works on arrays whose last axis is the grid points, so that a simulation runs the same lines as a study.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from prunescape.analysis.landscape.regions import TOLERANCE

KEEP, RETUNE, INCONCLUSIVE = "keep", "retune", "inconclusive"
# noise with tails as heavy as Student's t with 5 degrees of freedom passes a bound of single cells twice as often
HEAVY_TAILS = 2
NOISIER_LEVEL = 0.01
HOMOGENEITY_LEVEL = 0.05
# of two replicates both lie equally far from their middle: such a point says nothing about unequal noise
FEWEST_FOR_HOMOGENEITY = 3


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


@dataclass(frozen=True)
class GainEstimates:
    """The gain of every point over the mean of the base's good settings, percentage points.

    `gain`, `error` (its standard error) and `freedom` are (..., points): gain is nan without replicates, error
    infinite where the replicates do not tell it. `noise` (...), the standard deviation pooled within near points, has
    `noise_freedom`; `homogeneity` (...) is the p-value of equal noise at these, nan where it cannot be tested;
    `welch` (...) says that each of them was given its own noise.
    """

    gain: np.ndarray
    error: np.ndarray
    freedom: np.ndarray
    noise: np.ndarray
    noise_freedom: np.ndarray
    homogeneity: np.ndarray
    welch: np.ndarray


def estimate_gains(
    replicates: np.ndarray, members: np.ndarray, *, reach: float = np.inf, unequal=False, sigma: float | None = None
) -> GainEstimates:
    """ψ̂_j = Ȳ_j − mean over Θ_b of Ȳ, with SE_j² = Σ_i c_i² s_i² / n_i for the contrast c that ψ̂_j is.

    `replicates` (..., points, R) are scores in percent, nan where there is none; `members` (..., points) marks Θ_b,
    each of which needs replicates. s_i² is pooled within the near points, those of Θ_b and those whose Ȳ is within
    `reach` (percentage points) of the highest, with Σ (n_i − 1) degrees of freedom: on a cliff, seeds that fail now and
    then scatter far more, and to be the best a point would have to scatter as the near ones do. Where the
    Brown–Forsythe test refuses equal noise of the near points, or `unequal` (..., points) is true of one, each of them
    has its own s_i², and degrees of freedom after Welch and Satterthwaite. `sigma` stands in where no point has two
    replicates.
    """
    there = ~np.isnan(replicates)
    number = there.sum(axis=-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.where(there, replicates, 0).sum(axis=-1) / number
        squares = np.where(there, (replicates - mean[..., None]) ** 2, 0).sum(axis=-1)
        degrees = np.maximum(number - 1, 0)
        near = members | (mean >= np.where(number > 0, mean, -np.inf).max(axis=-1, keepdims=True) - reach)
        pooled_degrees = np.where(near, degrees, 0).sum(axis=-1)
        pooled = np.where(near, squares, 0).sum(axis=-1) / pooled_degrees
        homogeneity = brown_forsythe(np.where(near[..., None], replicates, np.nan))
        welch = (homogeneity < HOMOGENEITY_LEVEL) | (near & np.asarray(unequal, dtype=bool)).any(axis=-1)
        each = np.where(degrees > 0, squares / degrees, np.nan)
        variance = np.where(welch[..., None] & near, each, pooled[..., None]) / number
        error = np.sqrt(np.maximum(_contrast(variance, members, 2), 0))
        satterthwaite = error**4 / _contrast(variance**2 / degrees, members, 4)
    freedom = np.where(welch[..., None], satterthwaite, pooled_degrees[..., None].astype(float))
    gain = mean - np.where(members, mean, 0).sum(axis=-1, keepdims=True) / members.sum(axis=-1, keepdims=True)
    found = GainEstimates(gain, error, freedom, np.sqrt(pooled), pooled_degrees, homogeneity, welch)
    if sigma is not None and not pooled_degrees.any():
        found = _with_known_sigma(found, number, members, sigma)
    return replace(found, error=_measured(found, members))


def brown_forsythe(replicates: np.ndarray) -> np.ndarray:
    """(...) p-values of equal noise at the points with 3 replicates or more; nan with fewer than two such points.

    The F test of |y − median of its point| between points (Brown and Forsythe 1974), as `scipy.stats.levene` has it,
    for many cases at once.
    """
    from scipy.stats import f

    number = (~np.isnan(replicates)).sum(axis=-1)
    used = number >= FEWEST_FOR_HOMOGENEITY
    number = np.where(used, number, 0)
    ordered = np.sort(replicates, axis=-1)
    middles = [np.maximum(number - shift, 0)[..., None] // 2 for shift in (0, 1)]
    median = sum(np.take_along_axis(ordered, middle, axis=-1) for middle in middles) / 2
    apart = np.where(used[..., None], np.abs(replicates - median), np.nan)
    there = ~np.isnan(apart)
    apart = np.where(there, apart, 0)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = apart.sum(axis=-1) / number
        overall = apart.sum(axis=(-2, -1)) / number.sum(axis=-1)
        between = np.where(used, number * (mean - overall[..., None]) ** 2, 0).sum(axis=-1)
        within = np.where(there, (apart - mean[..., None]) ** 2, 0).sum(axis=(-2, -1))
        points = used.sum(axis=-1)
        freedom = number.sum(axis=-1) - points
        ratio = (between / (points - 1)) / (within / freedom)
        return np.where(points > 1, f.sf(ratio, points - 1, freedom), np.nan)


def with_images(found: GainEstimates, variance: np.ndarray) -> GainEstimates:
    """The same gains for images like those tested: `variance` (..., points) of each over images is added."""
    return replace(found, error=np.sqrt(found.error**2 + variance))


def upper_bounds(found: GainEstimates, level: float) -> np.ndarray:
    """(..., points) one-sided upper confidence bounds ψ̂_j + t(ν, 1 − level) SE_j."""
    return found.gain + _reach(found, level)


def lower_bounds(found: GainEstimates, level: float) -> np.ndarray:
    """(..., points) one-sided lower confidence bounds ψ̂_j − t(ν, 1 − level) SE_j."""
    return found.gain - _reach(found, level)


def _reach(found: GainEstimates, level: float) -> np.ndarray:
    """t(ν, 1 − level) SE_j: 0 where a gain is 0 by definition, whatever ν."""
    from scipy.stats import t

    freedom, back = np.unique(found.freedom, return_inverse=True)
    quantile = t.isf(level, freedom)[back].reshape(found.freedom.shape)
    with np.errstate(invalid="ignore"):
        reach = np.where(np.isinf(found.error), np.inf, quantile * found.error)
    return np.where(found.error == 0, 0.0, reach)


def _contrast(values: np.ndarray, members: np.ndarray, power: int) -> np.ndarray:
    """(..., points) Σ_i c_i^power values_i, where c_i = 1(i = j) − 1(i ∈ Θ_b)/K for point j."""
    count = members.sum(axis=-1)[..., None]
    share = np.where(members, values, 0).sum(axis=-1)[..., None] / count**power
    return share + values * np.where(members, (1 - 1 / count) ** power - 1 / count**power, 1)


def _with_known_sigma(found: GainEstimates, number: np.ndarray, members: np.ndarray, sigma: float) -> GainEstimates:
    with np.errstate(divide="ignore"):
        variance = np.where(number > 0, sigma**2 / number, np.nan)
    error = np.sqrt(np.maximum(_contrast(variance, members, 2), 0))
    known = {name: np.full(found.noise.shape, value) for name, value in (("noise", sigma), ("welch", False))}
    return replace(found, error=error, freedom=np.full(error.shape, np.inf), **known)


def _measured(found: GainEstimates, members: np.ndarray) -> np.ndarray:
    """The errors, infinite where they are not known: replicates that do not differ hide their noise, and show none.

    Only a point that is all of Θ_b gains exactly nothing over it.
    """
    alone = members & (members.sum(axis=-1)[..., None] == 1)
    unknown = ~(found.error > TOLERANCE) & ~np.isnan(found.gain)
    return np.where(alone & ~np.isnan(found.gain), 0.0, np.where(unknown, np.inf, found.error))
