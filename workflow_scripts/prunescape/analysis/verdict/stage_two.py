"""What fresh seeds say about one variant in one metric, in either scope, and why they may say nothing."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from prunescape.analysis.axes import Axes
from prunescape.analysis.landscape.image_errors import gain_variances, image_shares
from prunescape.analysis.landscape.regions import TOLERANCE
from prunescape.analysis.verdict.decision import (
    INCONCLUSIVE,
    Decision,
    GainEstimates,
    decide,
    estimate_gains,
    noise_to_trust,
    with_images,
)
from prunescape.analysis.verdict.screening import image_variances, point_bounds
from prunescape.store.records import REPLICATE

REACH_MARGINS = 4  # points this many margins under the best by fresh seeds say nothing about the noise of good ones
NO_OUTCOMES = "which test images each cell gets right is not recorded"


@dataclass(frozen=True)
class Surface:
    """One variant in one metric: its rows of `screening.screen`, and what its fresh seeds reached there.

    `replicates` (points, R) are scores in percent, nan where there is none; `diverged` (points,) marks the points where
    a fresh seed diverged; `cells` are its rows of the long table where those say which images are right, or None.
    """

    axes: Axes
    points: pd.DataFrame
    replicates: np.ndarray
    diverged: np.ndarray
    cells: pd.DataFrame | None


@dataclass(frozen=True)
class Judgement:
    """A decision with the gains behind it, `kept` (points,) as a mask, and a reason where there is something to say."""

    decision: Decision
    found: GainEstimates
    kept: np.ndarray
    reason: str | None


def judge(
    surface: Surface, *, margin: float, alpha: float, alpha_screen: float, sigma: float | None, images: bool = False
) -> Judgement:
    """Screen the points on stage 1, then judge the kept ones on their fresh seeds; scores in percentage points.

    With `images` the claim is about images like those tested: the variance over images is added to every gain's, in the
    screen too. Fresh seeds see the same images again, so luck with images that made a point the best of stage 1 is
    still there: the retune bound is then corrected for the choice among all points. `sigma` as in `verdicts`.
    """
    points = surface.points
    if images:
        points = points.assign(image_variance=image_variances(surface.cells, surface.axes, points))
    members = points["in_base_roi"].to_numpy()
    kept = members | (point_bounds(points, alpha_screen) >= margin)
    replicates, members = surface.replicates[kept], members[kept]
    reach = REACH_MARGINS * margin
    found = estimate_gains(replicates, members, reach=reach, unequal=surface.diverged[kept], sigma=sigma)
    blind = False
    if images:
        variance = _image_variance(surface, kept, members)
        blind = bool(np.isinf(variance).all() and not np.isnan(found.gain).all())
        found = with_images(found, variance)
    trusted = noise_to_trust(found, points["sigma"].iloc[0], points["freedom"].iloc[0])
    dropped = point_bounds(points[~kept].assign(sigma=float(trusted[0]), freedom=float(trusted[1])), alpha_screen)
    decision = decide(
        found,
        np.ones(kept.sum(), bool),
        points["chosen_on"].to_numpy()[kept],
        dropped.max(initial=-np.inf),
        margin=margin,
        alpha=alpha,
        alpha_screen=alpha_screen,
        choices=len(points) if images else 1,
    )
    why = NO_OUTCOMES if blind else _reason(decision, found, replicates, members, sigma, (dropped >= margin).sum())
    return Judgement(decision, found, kept, why)


def _image_variance(surface: Surface, kept: np.ndarray, members: np.ndarray) -> np.ndarray:
    """(kept points,) variance of their gains over images; infinite where outcomes, or fresh seeds, are missing."""
    there = ~np.isnan(surface.replicates[kept]).all(axis=1)
    found = np.full(len(there), np.inf)
    if surface.cells is not None and there[members].all():
        fresh = surface.cells[surface.cells["stage"] == REPLICATE]
        seen = image_shares(fresh, surface.axes, surface.points.loc[kept].loc[there])
        if seen is not None:
            found[there] = gain_variances(seen, members[there])
    return found


def _reason(
    decision: Decision, found: GainEstimates, replicates: np.ndarray, members: np.ndarray, sigma, doubtful: int
) -> str | None:
    """Why a verdict is inconclusive, the most basic cause first; or that it rests on a given sigma alone."""
    number = (~np.isnan(replicates)).sum(axis=1)
    single = number.max() == 1
    if decision.verdict != INCONCLUSIVE:
        return "one fresh seed per point: this rests on the given sigma" if single and sigma is not None else None
    if not number[members].all():
        return f"no fresh seed at {(number[members] == 0).sum()} of the base's {members.sum()} good settings"
    if single and sigma is None:
        return "one fresh seed per point, and no sigma is given"
    unknown = np.isinf(found.error) & (number > 0)
    if unknown.any() and found.noise <= TOLERANCE:
        return "the fresh seeds of each point all score the same: their noise is not known"
    if unknown.any():
        return f"the noise of {unknown.sum()} kept points is not known: one fresh seed each, or equal scores"
    if not number.all():
        return f"no fresh seed at {(number == 0).sum()} of {len(number)} points that the screen keeps"
    if doubtful:
        return f"fresh seeds differ by more than the screen assumed: {doubtful} points that it dropped may gain more"
    return "the margin lies between the bounds: more fresh seeds would narrow them"
