"""From stage 1 and fresh seeds to keep, retune or inconclusive, in one look at the seeds or in several.

Arrays have points, or points and seeds, as their last axes, so that a simulation runs the same lines as a study.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from prunescape.analysis.verdict.batches import Batch, combined_z, lower_bound, test_best
from prunescape.analysis.verdict.contrasts import GainEstimates, upper_bounds
from prunescape.analysis.verdict.doubts import reopen
from prunescape.analysis.verdict.evidence import (
    INCONCLUSIVE,
    KEEP,
    RETUNE,
    Evidence,
    Rules,
    State,
    ask,
    clean_scores,
    gains_of,
)
from prunescape.analysis.verdict.spending import look_levels

EARLIEST_STOP = 0.5  # share of the seeds: before, their trend says too little
FUTILE = 0.1  # conditional power under which more seeds are not worth their training
FAR = 8.0  # standard deviations: as good as certain


@dataclass(frozen=True)
class Look:
    """What one look at so many seeds showed, each (...): whether it was `taken`, open points, bounds, the verdict."""

    seeds: int
    taken: np.ndarray
    open: np.ndarray
    upper: np.ndarray
    lower: np.ndarray
    verdict: np.ndarray


@dataclass(frozen=True)
class Outcome:
    """The last `state`, the gains `found` and the `failed` seeds of the last look, all `batches`, and all looks."""

    state: State
    found: GainEstimates
    failed: np.ndarray
    batches: list[Batch]
    history: list[Look]


def take_looks(evidence: Evidence, rules: Rules, *, bounded: bool = True) -> Outcome:
    """Look at the fresh seeds until the verdict is decided, futile, or waits for cells that were not trained yet.

    With a_k the levels of `spending.look_levels`, at look k:

    - A point settles when ψ̂_j + t(ν, 1 − a_k) SE_j < m; it stays settled and gets no more seeds. *keep* when all kept
      points are settled and no dropped point is in doubt. If R_v >= m, this needs the truly best point to be dropped,
      or its own sequence of bounds to fail: alpha_screen + (alpha − alpha_screen), without correction over points.
    - *retune*: before each batch of seeds the point with the best mean so far is named, stage 1 included, and the
      batch alone tests it: p_k of ψ <= m. Z_k = Σ √ΔR_i Φ⁻¹(1 − p_i) / √R_k; retune when 1 − Φ(Z_k) < a_k at level
      alpha. Past seeds choose, fresh seeds judge.
    - *futile* when the conditional power of either verdict is under FUTILE. This stops trainings and binds no error.
    - In doubt are dropped points whose bound reaches m once their noise may be the largest that fresh seeds show, and
      those that may have failed in stage 1. When nothing else stands against keep, each gets one fresh seed, and must
      stay under the screen's bound with it; otherwise it is opened and judged as others.

    With `bounded` false the lower bounds are not computed: nan. Raises nothing.
    """
    state, history, batches = _start(evidence, rules), [], []
    levels = look_levels(rules.looks, rules.alpha - rules.alpha_screen)
    for number, seeds in enumerate(rules.looks):
        before = 0 if rules.choices > 1 or not number else rules.looks[number - 1]
        candidates = state.open
        ask(state, evidence, rules, state.open | evidence.members, seeds)
        if number and state.done.all():
            break
        active = reached = ~state.done
        clean, failed = clean_scores(state, evidence, rules, seeds)
        found = _settle(state, evidence, rules, clean, levels[number], active)
        while reopen(state, evidence, rules, found, clean, active):
            clean, failed = clean_scores(state, evidence, rules, seeds)
            active = active & ~state.done
            found = _settle(state, evidence, rules, clean, levels[number], active)
        batch, best = test_best(evidence, rules, candidates, (clean, failed), found, (before, seeds))
        batches = [batch] if rules.choices > 1 else [*batches, batch]
        _conclude(state, rules, batches, best, number, reached, bounded)
        _stop_futile(state, rules, batches, found, number, active)
        history.append(
            Look(seeds, active & ~state.waits, state.open.sum(axis=-1), state.upper, state.lower, state.verdict)
        )
        if state.done.all() or number + 1 == rules.taken:
            break
    return Outcome(state, found, failed, batches, history)


def _start(evidence: Evidence, rules: Rules) -> State:
    shape = evidence.kept.shape
    flags = {name: np.zeros(shape[:-1], bool) for name in ("done", "futile", "waits")}
    numbers = {name: np.full(shape[:-1], np.nan) for name in ("upper", "lower")}
    counts = {"doubtful": np.zeros(shape[:-1], int), "best": np.full(shape[:-1], -1)}
    used = np.zeros(evidence.trained.shape, bool) if rules.planned else evidence.trained.copy()
    masks = {"kept": evidence.kept.copy(), "open": evidence.kept.copy(), "bound": np.full(shape, -np.inf)}
    return State(verdict=np.full(shape[:-1], INCONCLUSIVE, object), used=used, **flags, **numbers, **counts, **masks)


def _settle(state: State, evidence, rules: Rules, clean, level: float, active) -> GainEstimates:
    found = gains_of(evidence, rules, clean)
    bounds = upper_bounds(found, level)
    bounds = np.where(np.isnan(bounds), np.inf, bounds)
    judged = state.open & active[..., None]
    state.bound = np.where(judged, bounds, state.bound)
    state.open = state.open & ~(judged & (bounds < rules.margin))
    return found


def _conclude(state: State, rules: Rules, batches, best, number: int, reached, bounded: bool) -> None:
    from scipy.stats import norm

    level = look_levels(rules.looks, rules.alpha / rules.choices)[number]
    active = reached & ~state.done
    state.upper = np.where(reached, state.bound.max(axis=-1), state.upper)
    if bounded:
        state.lower = np.where(reached, lower_bound(batches, level), state.lower)
    state.best = np.where(reached, best, state.best)
    keep = active & (state.upper < rules.margin)
    retune = active & ~keep & (combined_z(batches, rules.margin) > norm.isf(level))
    state.verdict = np.where(keep, KEEP, np.where(retune, RETUNE, state.verdict))
    state.done = state.done | keep | retune


def _stop_futile(state: State, rules: Rules, batches, found: GainEstimates, number: int, active) -> None:
    """Stop where neither verdict can be expected at the last look, if the gains stay what they are now."""
    from scipy.stats import norm

    if number + 1 == len(rules.looks):
        state.done = np.ones_like(state.done)
        return
    share = rules.looks[number] / rules.looks[-1]
    if share < EARLIEST_STOP:
        return
    levels = (look_levels(rules.looks, rate)[-1] for rate in (rules.alpha - rules.alpha_screen, rules.alpha))
    needed = [norm.isf(level) for level in levels]
    worst, largest = (
        np.where(state.open, values, -np.inf).argmax(axis=-1)[..., None] for values in (state.bound, found.gain)
    )
    with np.errstate(invalid="ignore", divide="ignore"):
        at_worst, at_largest = (
            np.take_along_axis((found.gain - rules.margin) / found.error, point, axis=-1)[..., 0]
            for point in (worst, largest)
        )
        keep = norm.cdf((-at_worst / np.sqrt(share) - needed[0]) / np.sqrt(1 - share))
        reached = np.clip(combined_z(batches, rules.margin), -FAR, FAR) * np.sqrt(share)
        retune = norm.cdf((reached + at_largest / np.sqrt(share) * (1 - share) - needed[1]) / np.sqrt(1 - share))
    futile = (keep < FUTILE) & (retune < FUTILE) & active & ~state.done & state.open.any(axis=-1)
    state.futile, state.done = state.futile | futile, state.done | futile
