"""What fresh seeds say about one variant in one metric, in either scope, and why they may say nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Self

import numpy as np
import pandas as pd

from prunescape.analysis.axes import Axes
from prunescape.analysis.landscape.image_errors import gain_variances, image_shares
from prunescape.analysis.landscape.regions import TOLERANCE
from prunescape.analysis.verdict.evidence import INCONCLUSIVE, Evidence, Rules
from prunescape.analysis.verdict.failures import neighbours_of, suspect_points
from prunescape.analysis.verdict.looks import Outcome, take_looks
from prunescape.analysis.verdict.screening import SURFACE, cells_with_outcomes, image_variances, kept_points
from prunescape.config.noises import CONTRAST
from prunescape.store.records import OK, REPLICATE

NO_OUTCOMES = "which test images each cell gets right is not recorded"
FEWEST_FOR_CONTRAST = 5  # fresh seeds: with fewer, their t quantiles are so wide that hardly anything is decided


@dataclass(frozen=True)
class Design:
    """The terms of a verdict: see config/experiment.py. Without `looks` it takes whatever fresh seeds there are.

    `fresh_seeds` are the seeds that a study plans, in order: a look takes the first so many of them. Where `looks` come
    without them, they are the lowest fresh seeds of the table.
    """

    margin: float
    alpha: float
    alpha_screen: float
    sigma: float | None = None
    noise: str = CONTRAST
    looks: tuple[int, ...] = ()
    fresh_seeds: tuple[int, ...] = ()

    @classmethod
    def of(cls, terms: Mapping[str, Any]) -> Self:
        """The design with these terms, as `config.verdict` writes them."""
        sequences = {name: tuple(terms.get(name, ())) for name in ("looks", "fresh_seeds")}
        return cls(**{**terms, **sequences})

    @property
    def first_seeds(self) -> tuple[int, ...]:
        """Those that the study plans for its first look."""
        return self.fresh_seeds[: self.looks[0]] if self.looks else ()

    def rules(self, claims: int, **more) -> Rules:
        """The rules of a claim that is one of `claims`."""
        known = {"margin": self.margin, "noise": self.noise, "sigma": self.sigma, "looks": self.looks}
        return Rules(**known | {"alpha": self.alpha / claims, "alpha_screen": self.alpha_screen / claims} | more)


@dataclass(frozen=True)
class Surface:
    """One variant in one metric: its rows of `screening.screen`, and its fresh seeds.

    `scores` and `chosen` (points, seeds) are percent, nan where there is none, `diverged` says which did not converge;
    `unread` counts fresh seeds that the design does not know. `cells` are its rows of the long table where those say
    which images are right, or None.
    """

    axes: Axes
    points: pd.DataFrame
    scores: np.ndarray
    chosen: np.ndarray
    diverged: np.ndarray
    unread: int = 0
    cells: pd.DataFrame | None = field(default=None, repr=False)

    @property
    def trained(self) -> np.ndarray:
        """(points, seeds) which cells there are."""
        return ~np.isnan(self.scores)


@dataclass(frozen=True)
class Judgement:
    """The looks at one variant under one set of rules, and a reason where there is something to say."""

    evidence: Evidence
    rules: Rules
    outcome: Outcome
    reason: str | None

    @property
    def verdict(self) -> str:
        """keep, retune or inconclusive."""
        return str(self.outcome.state.verdict)


def surfaces(rows: pd.DataFrame, axes: Axes, points: pd.DataFrame, design: Design) -> Iterator[tuple[tuple, Surface]]:
    """Every variant and metric with its fresh seeds, by its key; the columns are seeds."""
    keys = [*SURFACE, *axes.names]
    places = points[keys].assign(place=np.arange(len(points)))
    columns = [*keys, "seed", "status", "score"] + ["chosen_on"] * ("chosen_on" in rows)
    fresh = rows.loc[rows["stage"] == REPLICATE, columns].merge(places, on=keys)
    surface = points.groupby(SURFACE, sort=False).ngroup().to_numpy()
    column = _columns(fresh, surface[fresh["place"]], design)
    planned = len(design.fresh_seeds) or max(design.looks, default=0)
    known = (column >= 0) & (column < (planned or np.inf))
    unread = np.bincount(fresh.loc[~known, "place"], minlength=len(points))
    fresh, column = fresh[known], column[known]
    width = planned or int(column.max(initial=-1)) + 1
    scores, chosen = (np.full((len(points), width), np.nan) for _ in range(2))
    diverged = np.zeros(scores.shape, bool)
    scores[fresh["place"], column] = fresh["score"]
    chosen[fresh["place"], column] = fresh["chosen_on" if "chosen_on" in fresh else "score"]
    diverged[fresh["place"], column] = (fresh["status"] != OK).to_numpy()
    cells = cells_with_outcomes(rows)
    for key, index in points.groupby(SURFACE, sort=False).indices.items():
        of = slice(index[0], index[-1] + 1)
        used = planned or int((~np.isnan(scores[of])).any(axis=0).sum())
        known = (points.iloc[of], scores[of, :used], chosen[of, :used], diverged[of, :used], int(unread[of].sum()))
        yield key, Surface(axes, *known, cells.get(key))


def _columns(fresh: pd.DataFrame, surface: np.ndarray, design: Design) -> np.ndarray:
    """The column of every fresh seed, -1 of one that the design does not know; `surface` numbers variants and metrics.

    Equal seeds of a surface share a column, so that differences are taken seed by seed. Where points have seeds of
    their own, as in some tables from elsewhere, the n-th seed of each point shares one: independent seeds may be paired
    in any way.
    """
    if design.fresh_seeds:
        order = {seed: place for place, seed in enumerate(design.fresh_seeds)}
        return fresh["seed"].map(order).fillna(-1).to_numpy(int)
    rank = (fresh.groupby("place")["seed"].rank("first") - 1).to_numpy(int)
    code = (fresh.groupby(surface)["seed"].rank("dense") - 1).to_numpy(int)
    seeds, most = (pd.Series(each).groupby(surface).transform("max").to_numpy() + 1 for each in (code, rank))
    return np.where(seeds <= 2 * most, code, rank)


def evidence_of(surface: Surface, rules: Rules, *, images: bool = False, read: np.ndarray | None = None) -> Evidence:
    """The arrays of one variant; `read` (points, seeds) limits the fresh seeds. With `images`, see `judge`."""
    points = surface.points
    if images:
        points = points.assign(image_variance=image_variances(surface.cells, surface.axes, points))
    members, kept = points["in_base_roi"].to_numpy(), kept_points(points, rules.margin, rules.alpha_screen)
    trained = surface.trained if read is None else surface.trained & read
    own = 1 / points["seeds"].to_numpy(float)
    sigma, freedom = (np.asarray(points[name].iloc[0], float) for name in ("sigma", "freedom"))
    ranks = np.stack([np.unique(points[name], return_inverse=True)[1] for name in surface.axes.names], axis=1)
    suspect = suspect_points(points["first"].to_numpy(), neighbours_of(ranks), rules.margin, sigma)
    return Evidence(
        first=points["chosen_on"].to_numpy(float),
        excess=points["excess"].to_numpy(float),
        own=own,
        carried=points["spread"].to_numpy(float) ** 2 - own,
        sigma=sigma,
        freedom=freedom,
        members=members,
        kept=kept,
        suspect=suspect & ~members,
        scores=np.where(trained, surface.scores, np.nan),
        chosen=surface.chosen,
        trained=trained,
        diverged=surface.diverged & trained,
        screen_variance=points["image_variance"].to_numpy(float) if images else 0.0,
        image_variance=_image_variance(surface, kept) if images else 0.0,
    )


def judge(surface: Surface, rules: Rules, *, images: bool = False, read: np.ndarray | None = None) -> Judgement:
    """Screen the points on stage 1, then look at the fresh seeds of the kept ones.

    With `images` the claim is about images like those tested: the variance over images is added to every gain's, in the
    screen too. Fresh seeds see the same images again, so luck with images that made a point the best of stage 1 is
    still there: the retune bound is then corrected for the choice among all points.
    """
    rules = replace(rules, choices=len(surface.points) if images else 1)
    if not rules.looks:
        rules = replace(rules, looks=(max(surface.scores.shape[1], 1),))
    evidence = evidence_of(surface, rules, images=images, read=read)
    outcome = take_looks(evidence, rules)
    blind = images and bool(np.isinf(evidence.image_variance).all()) and not np.isnan(outcome.found.gain).all()
    return Judgement(evidence, rules, outcome, NO_OUTCOMES if blind else reason(evidence, rules, outcome))


def judge_looks(surface: Surface, design: Design, claims: int) -> Judgement:
    """The looks at the corrected level, which decide what is trained: with `claims` claims about single variants."""
    return judge(surface, design.rules(claims, planned=bool(design.looks)))


def looks_taken(judgement: Judgement) -> Sequence[int]:
    """The looks of a judgement, as numbers of fresh seeds; the first one also where it still waits."""
    taken = [look.seeds for look in judgement.outcome.history if look.taken]
    return taken or judgement.rules.looks[:1]


def _image_variance(surface: Surface, kept: np.ndarray) -> np.ndarray:
    """(points,) variance of the gains over images; infinite where outcomes, or fresh seeds, are missing."""
    there = surface.trained.any(axis=1)
    members = surface.points["in_base_roi"].to_numpy()
    found = np.full(len(there), np.inf)
    if surface.cells is not None and there[members].all():
        fresh = surface.cells[surface.cells["stage"] == REPLICATE]
        seen = image_shares(fresh, surface.axes, surface.points.loc[there])
        if seen is not None:
            found[there] = gain_variances(seen, members[there])
    return found


def reason(evidence: Evidence, rules: Rules, outcome: Outcome) -> str | None:
    """Why a verdict is inconclusive, the most basic cause first; or that it rests on a given sigma alone."""
    state = outcome.state
    number = (evidence.trained & state.used).sum(axis=-1)
    single = number[state.kept].max(initial=0) == 1
    if state.verdict != INCONCLUSIVE:
        return "one fresh seed per point: this rests on the given sigma" if single and rules.sigma else None
    if state.waits:
        missing = (state.used & ~evidence.trained).sum()
        return f"{missing} fresh seeds that the next step needs are not trained yet"
    if state.futile:
        return "stopped: more seeds would hardly decide it, as the gain lies near the margin for their noise"
    if single and not rules.sigma and number[evidence.members].all():
        return "one fresh seed per point, and no sigma is given"
    return _missing(evidence, outcome, number) or _undecided(rules, outcome, number[state.kept].max(initial=0))


def _missing(evidence: Evidence, outcome: Outcome, number: np.ndarray) -> str | None:
    """Which fresh seeds or noise a verdict lacks; `number` (points,) of fresh seeds."""
    found, kept, members = outcome.found, outcome.state.kept, evidence.members
    read = (evidence.trained & outcome.state.used)[:, : outcome.failed.shape[1]]
    lost = kept & read.any(axis=1) & (read == outcome.failed).all(axis=1)
    unknown = np.isinf(found.error) & (number > 0) & kept
    if not number[members].all():
        return f"no fresh seed at {(number[members] == 0).sum()} of the base's {members.sum()} good settings"
    if lost[members].any():
        return f"every fresh seed failed at {lost[members].sum()} of the base's {members.sum()} good settings"
    if lost.any():
        return f"every fresh seed failed at {lost.sum()} of {kept.sum()} points that the screen keeps"
    if unknown.any() and found.noise <= TOLERANCE:
        return "the fresh seeds of each point all score the same: their noise is not known"
    if unknown.any():
        return f"the noise of {unknown.sum()} kept points is not known: one fresh seed each, or equal scores"
    if not number[kept].all():
        return f"no fresh seed at {(number[kept] == 0).sum()} of {kept.sum()} points that the screen keeps"
    return None


def _undecided(rules: Rules, outcome: Outcome, most: int) -> str:
    """Why a complete verdict decides nothing."""
    doubtful = int(outcome.state.doubtful)
    if doubtful and not outcome.state.open.any():
        return f"{doubtful} points that the screen dropped may gain more: each needs a fresh seed"
    if rules.noise == CONTRAST and 1 < most < FEWEST_FOR_CONTRAST:
        return f"{most} fresh seeds are few for differences seed by seed: take {FEWEST_FOR_CONTRAST} or more"
    return "the margin lies between the bounds: more fresh seeds would narrow them"
