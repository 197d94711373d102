"""Points that the screen dropped: how far stage 1 bounds them, and which of them a verdict must see again."""

from __future__ import annotations

import numpy as np

from prunescape.analysis.landscape.regions import TOLERANCE
from prunescape.analysis.verdict.contrasts import GainEstimates
from prunescape.analysis.verdict.evidence import Evidence, Rules, State, ask
from prunescape.config.noises import POOLED, TWO_WAY

# noise with tails as heavy as Student's t with 5 degrees of freedom passes a bound of single cells twice as often
HEAVY_TAILS = 2
NOISIER_LEVEL = 0.01


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


def reopen(state: State, evidence: Evidence, rules: Rules, found: GainEstimates, clean, active) -> bool:
    """Bound the dropped points; where they alone forbid keep, ask for their fresh seed. Whether some are opened.

    In doubt are points whose bound reaches the margin with the largest noise that fresh seeds show anywhere, where the
    rules do not assume equal noise, and those that may have failed in stage 1. Without a design to train them the
    latter are taken as they are. Sets the bounds of dropped points and `doubtful`, the number of those still in doubt.
    """
    noise = tuple(each[..., None] for each in noise_to_trust(found, evidence.sigma, evidence.freedom))
    equal = (rules.noise == TWO_WAY) | ((rules.noise == POOLED) & ~found.welch)
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = np.where(equal, 1.0, np.nan_to_num(found.largest / found.noise, nan=1.0, posinf=1.0))[..., None]
        variance = evidence.carried + evidence.screen_variance / noise[0] ** 2
    bound, wide = (
        screening_bounds(evidence.excess, np.sqrt(factor**2 * evidence.own + variance), *noise, rules.alpha_screen)
        for factor in (1.0, ratio)
    )
    there = evidence.trained[..., : 1 if rules.planned else clean.shape[-1]].any(axis=-1)
    suspect = evidence.suspect & (there | rules.planned)
    doubted = ~state.kept & ((wide >= rules.margin) | suspect)
    asked = doubted & ~state.open.any(axis=-1, keepdims=True) & active[..., None]
    ask(state, evidence, rules, asked, 1)
    again = _second_bound(evidence, rules, clean, noise)
    passed = there & ~(again >= rules.margin)
    opened = asked & there & ~passed
    at_least = np.where(doubted, np.where(passed, np.fmin(bound, again), np.maximum(wide, rules.margin)), bound)
    state.bound = np.where(state.kept, state.bound, at_least)
    state.doubtful = (doubted & ~passed & ~opened).sum(axis=-1)
    state.kept, state.open = state.kept | opened, state.open | opened
    if opened.any():
        ask(state, evidence, rules, opened, clean.shape[-1])
    return bool((opened & ~state.done[..., None]).any())


def _second_bound(evidence: Evidence, rules: Rules, clean: np.ndarray, noise) -> np.ndarray:
    """(..., points) the screening bound again, from fresh seeds: the first one of a design, else the look's."""
    fresh = evidence.scores[..., : 1 if rules.planned else clean.shape[-1]]
    there = (evidence.trained & ~evidence.diverged)[..., : fresh.shape[-1]]
    with np.errstate(invalid="ignore", divide="ignore"):
        number = there.sum(axis=-1)
        mean = np.where(there, fresh, 0).sum(axis=-1) / number
        count = (~np.isnan(clean)).sum(axis=-1)
        at_members = np.where(np.isnan(clean), 0, clean).sum(axis=-1) / count
        size = evidence.members.sum(axis=-1, keepdims=True)
        carried = np.where(evidence.members, at_members, 0).sum(axis=-1, keepdims=True) / size
        variance = np.where(evidence.members, 1 / count, 0).sum(axis=-1, keepdims=True) / size**2
        spread = np.sqrt(1 / number + variance + evidence.screen_variance / noise[0] ** 2)
        bound = screening_bounds(mean - carried, spread, *noise, rules.alpha_screen)
    return np.where(number > 0, bound, np.nan)
