"""What a verdict is taken from: its rules, stage 1 and the fresh seeds, and where the looks at them stand.

Arrays have points, or points and seeds, as their last axes, so that a simulation runs the same lines as a study.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from prunescape.analysis.verdict.contrasts import GainEstimates, estimate_gains, medians, with_images
from prunescape.analysis.verdict.failures import failed_seeds

KEEP, RETUNE, INCONCLUSIVE = "keep", "retune", "inconclusive"
REACH_MARGINS = 4  # points this many margins under the best by fresh seeds say nothing about the noise of good ones


@dataclass(frozen=True)
class Rules:
    """When looks are taken, at which levels, and with which noise.

    `looks` are rising numbers of fresh seeds, one of them for the fixed design. `alpha` bounds either error, of which
    the screen may use `alpha_screen`; `noise` is one of `config.noises`. `planned` says that a design trains what
    each look needs: a look waits for it, and cells beyond it are not read. Otherwise the one look takes what is there.
    `taken` ends it after so many looks, where later ones are still to come: their part of alpha is not spent.
    `choices` above 1 is the number of points that the best was chosen from with luck that fresh seeds share: the
    points are then not chosen again, and the level of retune is divided by it.
    """

    looks: tuple[int, ...]
    margin: float
    alpha: float
    alpha_screen: float
    noise: str
    planned: bool = False
    taken: int | None = None
    sigma: float | None = None
    choices: int = 1


@dataclass(frozen=True)
class Evidence:
    """Stage 1 and the fresh seeds of each point, (..., points) or (..., points, seeds); scores in percent.

    `first` and `chosen` are the scores by which the best point is chosen, of stage 1 and of fresh seeds; `excess`,
    `own` and `carried` are the stage-1 gain over Θ_b and its two variances over σ², its own 1/S and that of the mean
    over Θ_b; `sigma` and `freedom` (...) are the screen's noise. `members` marks Θ_b, `kept` what the screen keeps,
    `suspect` what may have failed in stage 1. `trained` says which cells there are, `diverged` which of them count as
    failed whatever they score. `image_variance` is 0 for claims about this test set.
    """

    first: np.ndarray
    excess: np.ndarray
    own: np.ndarray
    carried: np.ndarray
    sigma: np.ndarray
    freedom: np.ndarray
    members: np.ndarray
    kept: np.ndarray
    suspect: np.ndarray
    scores: np.ndarray
    chosen: np.ndarray
    trained: np.ndarray
    diverged: np.ndarray
    screen_variance: np.ndarray | float = 0.0
    image_variance: np.ndarray | float = 0.0


@dataclass
class State:
    """Where the looks stand: each (...), or (..., points) for masks and bounds of points.

    `done` is true of what is decided, futile, or waits for cells; `used` (..., points, seeds) are the cells asked for.
    `upper` and `lower` bound R_v; `best` is the point that the last batch of seeds judged.
    """

    verdict: np.ndarray
    done: np.ndarray
    futile: np.ndarray
    waits: np.ndarray
    kept: np.ndarray
    open: np.ndarray
    bound: np.ndarray
    used: np.ndarray
    doubtful: np.ndarray
    upper: np.ndarray
    lower: np.ndarray
    best: np.ndarray


def ask(state: State, evidence: Evidence, rules: Rules, points: np.ndarray, seeds: int) -> None:
    """Mark the first `seeds` seeds of `points` as used; where one of them was not trained, the verdict waits."""
    if not rules.planned:
        return
    asked = (points & ~state.done[..., None])[..., None] & (np.arange(evidence.trained.shape[-1]) < seeds)
    state.used |= asked
    missing = (asked & ~evidence.trained).any(axis=(-2, -1))
    state.waits |= missing
    state.done |= missing


def clean_scores(state: State, evidence: Evidence, rules: Rules, seeds: int) -> tuple[np.ndarray, np.ndarray]:
    """(..., points, seeds) scores of kept points that did not fail, else nan; and which failed."""
    used = (state.used & state.kept[..., None])[..., :seeds]
    scores = np.where(used & ~evidence.diverged[..., :seeds], evidence.scores[..., :seeds], np.nan)
    middle = np.nan_to_num(medians(scores)[..., 0], nan=-np.inf)
    near = evidence.members | (middle >= middle.max(axis=-1, keepdims=True) - REACH_MARGINS * rules.margin)
    failed = failed_seeds(scores, near, rules.margin, evidence.sigma)
    return np.where(failed, np.nan, scores), failed | (used & evidence.diverged[..., :seeds])


def gains_of(evidence: Evidence, rules: Rules, clean: np.ndarray) -> GainEstimates:
    """The gains from (..., points, seeds) scores, with the noise of the rules and the variance over images."""
    terms = {"noise": rules.noise, "reach": REACH_MARGINS * rules.margin, "sigma": rules.sigma}
    return with_images(estimate_gains(clean, evidence.members, **terms), evidence.image_variance)
