"""The gain of every point over the base's good settings from fresh seeds: contrasts of means, with their noise.

Everything works on arrays whose last axes are points and seeds, so that a simulation runs the same lines as a study.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from prunescape.analysis.landscape.regions import TOLERANCE
from prunescape.config.noises import CONTRAST, POOLED, TWO_WAY, WELCH

HOMOGENEITY_LEVEL = 0.05
# of two replicates both lie equally far from their middle: such a point says nothing about unequal noise
FEWEST_FOR_HOMOGENEITY = 3
SWEEPS = 30  # of alternating means: what is left of the seed effects shrinks with each, by the share of missing cells


@dataclass(frozen=True)
class GainEstimates:
    """The gain of every point over the mean of the base's good settings, percentage points.

    `gain`, `error` (its standard error), `freedom`, `near` and `far` are (..., points): gain is nan without replicates,
    error infinite where the replicates do not tell it; `near` marks those of Θ_b and near the highest mean, `far` those
    without a seed near it. `noise` (...), the standard deviation of a score pooled within near points, has
    `noise_freedom`; `largest` (...) is the largest noise of a near point; `homogeneity` (...) is the p-value of equal
    noise at these, nan where it cannot be tested; `welch` (...) says that each of them was given its own noise.
    """

    gain: np.ndarray
    error: np.ndarray
    freedom: np.ndarray
    near: np.ndarray
    far: np.ndarray
    noise: np.ndarray
    noise_freedom: np.ndarray
    largest: np.ndarray
    homogeneity: np.ndarray
    welch: np.ndarray


def estimate_gains(
    replicates: np.ndarray,
    members: np.ndarray,
    *,
    noise: str = CONTRAST,
    reach: float = np.inf,
    sigma: float | None = None,
) -> GainEstimates:
    """ψ̂_j = Ȳ_j − mean over Θ_b of Ȳ, with the standard error that one of `config.noises` gives.

    `replicates` (..., points, R) are scores in percent, nan where there is none, a column for each seed; `members`
    (..., points) marks Θ_b, each of which needs replicates. Near points are those of Θ_b and those whose Ȳ is within
    `reach` (percentage points) of the highest. On a cliff, seeds that fail now and then scatter far more, and to be the
    best a point would have to scatter as the near ones do: others take their noise.

    - contrast: the standard deviation over seeds of D_jr = Y_jr − mean over Θ_b of Y_r, over √n, with n − 1 degrees of
      freedom. Where a seed lacks some of Θ_b, the others' mean deviation from their own means stands in. A point none
      of whose seeds is near takes the largest of the near points' deviations.
    - pooled: SE_j² = Σ_i c_i² s² / n_i for the contrast c that ψ̂_j is, with Σ (n_i − 1) degrees of freedom. Where the
      Brown–Forsythe test refuses equal noise of the near points, as welch.
    - welch: each near point has its own s_i², and degrees of freedom after Welch and Satterthwaite.
    - two_way: as pooled, with s² of the residuals of point + seed and Σ n_i − points − seeds + 1 degrees of freedom.

    `sigma` stands in where no point has two replicates.
    """
    there = ~np.isnan(replicates)
    number = there.sum(axis=-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.where(there, replicates, 0).sum(axis=-1) / number
        residuals = np.where(there, replicates - mean[..., None], 0)
        degrees = np.maximum(number - 1, 0)
        lowest = np.where(number > 0, mean, -np.inf).max(axis=-1, keepdims=True) - reach
        near = (members | (mean >= lowest)) & (number > 0)
        far = ~near & ~(replicates >= lowest[..., None]).any(axis=-1)
        pooled_degrees = np.where(near, degrees, 0).sum(axis=-1)
        each = np.where(degrees > 0, (residuals**2).sum(axis=-1) / degrees, np.nan)
        pooled = np.where(near & (degrees > 0), each * degrees, 0).sum(axis=-1) / pooled_degrees
        largest = np.where(near & (degrees > 1), each, 0).max(axis=-1)
        carried = np.where(members, mean, 0).sum(axis=-1, keepdims=True) / members.sum(axis=-1, keepdims=True)
        homogeneity = brown_forsythe(np.where(near[..., None], replicates, np.nan))
    known = (np.sqrt(pooled), pooled_degrees, np.sqrt(np.maximum(largest, np.nan_to_num(pooled))), homogeneity)
    found = GainEstimates(mean - carried, np.nan * mean, np.nan * mean, near, far, *known, np.zeros(pooled.shape, bool))
    if sigma is not None and not pooled_degrees.any():
        found = _with_known_sigma(found, number, members, sigma)
    elif noise == CONTRAST:
        found = _seed_by_seed(found, residuals, there, members)
    else:
        welch = np.full(pooled.shape, noise == WELCH) | ((noise == POOLED) & (homogeneity < HOMOGENEITY_LEVEL))
        common, freedom = (pooled, pooled_degrees) if noise != TWO_WAY else _two_way(residuals, there, near)
        found = _of_points(replace(found, welch=welch), each, common, freedom, number, members)
    return replace(found, error=_measured(found, members))


def _seed_by_seed(found: GainEstimates, residuals, there, members) -> GainEstimates:
    """Gains and errors of the differences D_jr; `residuals` (..., points, R) are from each point's mean, or 0."""
    inside = there & members[..., None]
    with np.errstate(invalid="ignore", divide="ignore"):
        shift = np.where(inside, residuals, 0).sum(axis=-2, keepdims=True) / inside.sum(axis=-2, keepdims=True)
        used = there & ~np.isnan(shift)
        number = used.sum(axis=-1)
        apart = np.where(used, residuals - shift, 0)
        centre = apart.sum(axis=-1) / number
        variance = np.where(used, (apart - centre[..., None]) ** 2, 0).sum(axis=-1) / np.maximum(number - 1, 0)
        variance = np.where(number > 1, variance, np.nan)
        highest = np.where(found.near & (number > 1), variance, -np.inf).max(axis=-1, keepdims=True)
        lent = found.far & np.isfinite(highest)
        error = np.sqrt(np.where(lent, highest, variance) / number)
        fewest = np.where(found.near & (number > 1), number, np.iinfo(int).max).min(axis=-1, keepdims=True)
    freedom = np.where(lent, fewest - 1, number - 1).astype(float)
    return replace(found, gain=found.gain + centre, error=error, freedom=np.maximum(freedom, 0))


def _of_points(found: GainEstimates, each, common, freedom, number, members) -> GainEstimates:
    """Errors from the noise of points: (..., points) their own variance `each`, or the `common` (...) one."""
    with np.errstate(invalid="ignore", divide="ignore"):
        own = found.welch[..., None] & found.near
        variance = np.where(own, each, common[..., None]) / number
        error = np.sqrt(np.maximum(_contrast(variance, members, 2), 0))
        satterthwaite = error**4 / _contrast(variance**2 / np.maximum(number - 1, 0), members, 4)
    freedom = np.where(found.welch[..., None], satterthwaite, np.asarray(freedom)[..., None].astype(float))
    return replace(found, error=error, freedom=freedom)


def _two_way(residuals, there, near) -> tuple[np.ndarray, np.ndarray]:
    """(...) variance of the residuals of point + seed over near points, least squares, and its degrees of freedom."""
    used = there & near[..., None]
    left = np.where(used, residuals, 0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        for _ in range(SWEEPS):
            for axis in (-2, -1):
                mean = left.sum(axis=axis, keepdims=True) / np.maximum(used.sum(axis=axis, keepdims=True), 1)
                left = np.where(used, left - mean, 0.0)
        seeds, points = (used.any(axis=axis).sum(axis=-1) for axis in (-2, -1))
        freedom = np.maximum(used.sum(axis=(-2, -1)) - points - seeds + 1, 0)
        return (left**2).sum(axis=(-2, -1)) / freedom, freedom


def brown_forsythe(replicates: np.ndarray) -> np.ndarray:
    """(...) p-values of equal noise at the points with 3 replicates or more; nan with fewer than two such points.

    The F test of |y − median of its point| between points (Brown and Forsythe 1974), as `scipy.stats.levene` has it,
    for many cases at once.
    """
    from scipy.stats import f

    number = (~np.isnan(replicates)).sum(axis=-1)
    used = number >= FEWEST_FOR_HOMOGENEITY
    number = np.where(used, number, 0)
    apart = np.where(used[..., None], np.abs(replicates - medians(replicates)), np.nan)
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


def medians(values: np.ndarray) -> np.ndarray:
    """(..., points, 1) medians over the last axis of those that are not nan; nan without any, and without a warning."""
    number, ordered = (~np.isnan(values)).sum(axis=-1), np.sort(values, axis=-1)
    middles = [np.maximum(number - shift, 0)[..., None] // 2 for shift in (0, 1)]
    return sum(np.take_along_axis(ordered, middle, axis=-1) for middle in middles) / 2


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
    known = {name: np.full(found.noise.shape, sigma) for name in ("noise", "largest")}
    return replace(found, error=error, freedom=np.full(error.shape, np.inf), **known)


def _measured(found: GainEstimates, members: np.ndarray) -> np.ndarray:
    """The errors, infinite where they are not known: replicates that do not differ hide their noise, and show none.

    Only a point that is all of Θ_b gains exactly nothing over it.
    """
    alone = members & (members.sum(axis=-1)[..., None] == 1)
    unknown = ~(found.error > TOLERANCE) & ~np.isnan(found.gain)
    return np.where(alone & ~np.isnan(found.gain), 0.0, np.where(unknown, np.inf, found.error))
