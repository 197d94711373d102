"""The verdicts of an experiment: how many fresh seeds, when they are looked at, and the error rates."""

import math
from statistics import NormalDist
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag

from prunescape.config.messages import TAG
from prunescape.config.noises import CONTRAST, MOST_SEEDS, NOISES
from prunescape.config.types import ErrorRate, Part, Points
from prunescape.errors import InputError

FEWEST_AT_A_LOOK = 2  # one seed tells no noise


class Looks(Part):
    """A sequential verdict: it looks after every `first` fresh seeds, and at `most` for the last time."""

    first: Annotated[int, Field(ge=1, le=MOST_SEEDS)]
    """Fresh seeds up to the first look, and from one look to the next; 2 or more."""
    most: Annotated[int, Field(ge=1, le=MOST_SEEDS)]
    """All fresh seeds of a point."""


LOOKS, NUMBER = f"{TAG}looks", f"{TAG}number"
NUMBER_OR_LOOKS = Discriminator(lambda value: LOOKS if isinstance(value, dict | Looks) else NUMBER)
Number = Annotated[int, Field(ge=0, le=MOST_SEEDS)]
Replicates = Annotated[Annotated[Looks, Tag(LOOKS)] | Annotated[Number, Tag(NUMBER)], NUMBER_OR_LOOKS]


class Verdict(Part):
    """The tests of whether a variant needs tuning again (see docs/verdict.md)."""

    replicates: Replicates = 0
    """Fresh seeds where the first seed decides nothing; a number is the fixed design, 0 trains none: no verdict."""
    margin: Points = 0.5
    """What tuning would have to gain to be worth it, percentage points."""
    alpha: ErrorRate = 0.05
    """Chance of a wrong verdict, at most."""
    alpha_screen: ErrorRate = 0.01
    """The part of alpha that the choice of points may use."""
    sigma: Points | None = None
    """Standard deviation of a score over seeds, percentage points, if known; left out: a pilot tells it."""
    noise: Literal[NOISES] = CONTRAST
    """Where standard errors come from; contrast assumes least and needs most seeds (docs/verdict.md)."""

    @property
    def looks(self) -> list[int]:
        """The numbers of fresh seeds at which the verdict looks; none without fresh seeds."""
        if isinstance(self.replicates, Looks):
            return [*range(self.replicates.first, self.replicates.most, self.replicates.first), self.replicates.most]
        return [self.replicates] if self.replicates else []

    def terms(self, first_seed: int) -> dict[str, Any]:
        """The fields of `stage_two.Design`, as plain values; fresh seeds count from `first_seed`."""
        terms = self.model_dump(exclude={"replicates"})
        seeds = list(range(first_seed, first_seed + max(self.looks, default=0)))
        return terms | {"looks": self.looks, "fresh_seeds": seeds}


def check_verdict(verdict: Verdict, where: str) -> None:
    """Raise InputError, below the key `where`, for levels, looks or a margin that cannot decide."""
    if verdict.alpha_screen >= verdict.alpha:
        allowed = f"below alpha, {verdict.alpha}"
        raise InputError(f"{verdict.alpha_screen} cannot be used", where=f"{where}.alpha_screen", allowed=allowed)
    check_looks(verdict, f"{where}.replicates")
    if verdict.sigma and verdict.looks:
        _check_margin(verdict, where)


def check_looks(verdict: Verdict, where: str) -> None:
    """Raise InputError for looks that are out of order or of one seed."""
    design, looks = verdict.replicates, verdict.looks
    if not isinstance(design, Looks):
        return
    if design.first > design.most:
        what, hint = f"first, {design.first}, is over most, {design.most}", "most counts all fresh seeds of a point"
        raise InputError(what, where=where, allowed=f"first up to {design.most}", hint=hint)
    if design.first < FEWEST_AT_A_LOOK:
        what = "a look of one fresh seed tells no noise"
        raise InputError(what, where=f"{where}.first", allowed=f"{FEWEST_AT_A_LOOK} or more", hint="3 suits most")
    last = looks[-1] - looks[-2] if len(looks) > 1 else looks[-1]
    if last < FEWEST_AT_A_LOOK:
        what = f"the last look, from {looks[-2]} to {looks[-1]}, would have one fresh seed"
        hint = f"take {looks[-2]} or {looks[-2] + design.first}"
        raise InputError(what, where=f"{where}.most", allowed=f"a multiple of first, {design.first}", hint=hint)


def _check_margin(verdict: Verdict, where: str) -> None:
    """Even a variant that gains nothing has a bound of q σ / √R with a large Θ_b; under the margin it must come."""
    quantile = NormalDist().inv_cdf(1 - (verdict.alpha - verdict.alpha_screen))
    seeds = verdict.looks[-1]
    least = quantile * verdict.sigma / math.sqrt(seeds)
    if least >= verdict.margin:
        what = f"with sigma {verdict.sigma:g} and {seeds} fresh seeds no bound comes under {verdict.margin:g} points"
        needed = math.floor((quantile * verdict.sigma / verdict.margin) ** 2) + 1
        hint = f"take {needed} fresh seeds or more, rather twice as many"
        raise InputError(what, where=f"{where}.margin", allowed=f"above {least:.2g}", hint=hint)
