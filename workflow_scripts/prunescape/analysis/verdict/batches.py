"""Retune: past seeds choose a point, the next batch of seeds judges it; the tests of all batches are combined."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from prunescape.analysis.landscape.regions import TOLERANCE
from prunescape.analysis.verdict.contrasts import GainEstimates
from prunescape.analysis.verdict.evidence import Rules, gains_of
from prunescape.config.noises import CONTRAST, POOLED, TWO_WAY

BISECTIONS = 60
MOST_FAILED = 0.25  # of a point's seeds: who tunes to it would meet as many failures
WIDEST = 200.0  # percentage points: no gain is larger


@dataclass(frozen=True)
class Batch:
    """The test of the point that earlier seeds name, on the seeds of one batch alone; `weight` is their number."""

    weight: int
    gain: np.ndarray
    error: np.ndarray
    freedom: np.ndarray


def test_best(evidence, rules: Rules, candidates, seen, found: GainEstimates, span) -> tuple[Batch, np.ndarray]:
    """The test of one point on the seeds from `span`[0] to `span`[1]; those before chose it, with stage 1.

    Pooled noise knows nothing of a point on a cliff that was lucky in stage 1: retune would be wrong in a third of
    such cases. So the named point is judged by its own differences seed by seed, where these tell their noise. If more
    than a quarter of its seeds failed, the others are a lucky choice, and show nothing.
    """
    (before, seeds), (clean, failed) = span, seen
    batch = found if not before else gains_of(evidence, rules, clean[..., before:])
    earlier = np.where(np.isnan(clean[..., :before]), np.nan, evidence.chosen[..., :before])
    scores = np.concatenate([evidence.first[..., None], earlier], axis=-1)
    there = ~np.isnan(scores)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.where(there, scores, 0).sum(axis=-1) / there.sum(axis=-1)
    ranked = np.where(candidates & ~np.isnan(batch.gain), mean, -np.inf)
    highest = ranked.max(axis=-1, keepdims=True)
    best = (ranked >= highest - TOLERANCE).argmax(axis=-1)
    usable = np.isfinite(highest[..., 0])
    error, freedom = batch.error, batch.freedom
    if rules.noise in (POOLED, TWO_WAY):
        apart = gains_of(evidence, replace(rules, noise=CONTRAST), clean[..., before:])
        known = np.isfinite(apart.error)
        error, freedom = np.where(known, apart.error, error), np.where(known, apart.freedom, freedom)
    trained = (~np.isnan(clean) | failed).sum(axis=-1)
    error = np.where(failed.sum(axis=-1) > MOST_FAILED * trained, np.inf, error)
    at_best = (
        np.where(usable, np.take_along_axis(values, best[..., None], axis=-1)[..., 0], np.nan)
        for values in (batch.gain, error, freedom)
    )
    return Batch(seeds - before, *at_best), np.where(usable, best, -1)


def combined_z(batches: list[Batch], margin) -> np.ndarray:
    """(...) Σ √ΔR_i Φ⁻¹(1 − p_i) / √R of the tests of ψ <= margin; a batch that tells nothing adds 0."""
    from scipy.stats import norm, t

    total = 0.0
    for batch in batches:
        with np.errstate(invalid="ignore", divide="ignore"):
            ratio = (batch.gain - margin) / batch.error
            z = np.sign(ratio) * norm.isf(t.sf(np.abs(ratio), batch.freedom))
        total = total + np.sqrt(batch.weight) * np.where(np.isnan(z), 0.0, z)
    return total / np.sqrt(sum(batch.weight for batch in batches))


def mean_gain(batches: list[Batch]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(...) Σ ΔR_i ĝ_i / R, percentage points, its standard error and degrees of freedom, of the batches' named points.

    No seed both names a point and counts for it, so the choice of points does not raise the mean: it estimates at most
    R_v, but for what stopping early adds (docs/verdict.md). Degrees of freedom are Welch and Satterthwaite's. A batch
    without a gain is left out; all three are nan where none has one.
    """
    gain, error, freedom = (
        np.stack([getattr(batch, name) for batch in batches]) for name in ("gain", "error", "freedom")
    )
    known = ~np.isnan(gain)
    weight = np.where(known, np.array([batch.weight for batch in batches]).reshape(-1, *[1] * (gain.ndim - 1)), 0)
    with np.errstate(invalid="ignore", divide="ignore"):
        share = np.where(known, weight / weight.sum(axis=0), np.nan)
        variance = (share * error) ** 2
        total = np.nansum(variance, axis=0)
        found = (
            np.nansum(share * gain, axis=0),
            np.sqrt(total),
            total**2 / np.nansum(variance**2 / freedom, axis=0),
        )
    return tuple(np.where(known.any(axis=0), values, np.nan) for values in found)


def lower_bound(batches: list[Batch], level: float) -> np.ndarray:
    """(...) the largest margin that the combined test refuses at `level`, percentage points; -inf without one."""
    from scipy.stats import norm

    needed = norm.isf(level)
    low, high = (np.full(batches[0].gain.shape, end) for end in (-WIDEST, WIDEST))
    known = combined_z(batches, low) > needed
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        refused = combined_z(batches, middle) > needed
        low, high = np.where(refused, middle, low), np.where(refused, high, middle)
    return np.where(known, low, -np.inf)
