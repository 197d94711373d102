"""How many settings a search trains for how many epochs: the rungs of successive halving, the brackets of Hyperband."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from prunescape.analysis.search.terms import LINEAR, WHOLE
from prunescape.errors import InputError
from prunescape.space.recipe import STOP

SHARE_DIGITS = 6  # decimals of a share of the data
CUT = {"epochs": ("epochs",), "dataset": ("data_share",), "multi": ("epochs", "data_share")}  # by kind of budget
ROUNDING = 1e-9  # what a quotient of whole numbers may miss its whole number by


@dataclass(frozen=True)
class Rung:
    """So many `trials` are trained until each has `epochs` epochs behind it; then the best of them are promoted."""

    trials: int
    epochs: int


@dataclass(frozen=True)
class Budgets:
    """How a search cuts trainings of so many `epochs` of a `share` of the data (edgetune2022, 4.3, Algorithm 2).

    `kind` is epochs, dataset or multi, which is both. A rung is so many steps of the first one's budget: step it has
    min(it · min_epochs, epochs), or that share of the data, or both. Of `epochs` alone a step is one epoch, so that
    rungs are those of a replay.
    """

    kind: str
    min_epochs: int
    min_share: float
    growth: str
    epochs: int
    share: float = 1.0

    @property
    def first(self) -> int:
        """The step of the first rung."""
        return self.min_epochs if self.kind == "epochs" else 1

    @property
    def last(self) -> int:
        """The first step with all of a training."""
        if self.kind == "epochs":
            return self.epochs
        steps = [self.share / self.min_share] + [self.epochs / self.min_epochs] * (self.kind == "multi")
        return math.ceil(max(steps) - ROUNDING)

    def at(self, step: int) -> tuple[int, float]:
        """Epochs and share of the data of one step.

        >>> Budgets("multi", 2, 0.1, "linear", 10).at(3)
        (6, 0.3)
        """
        if self.kind == "epochs":
            return min(step, self.epochs), self.share
        epochs = self.epochs if self.kind == "dataset" else min(step * self.min_epochs, self.epochs)
        return epochs, round(min(step * self.min_share, self.share), SHARE_DIGITS)

    def brackets(self, trials: int, *, eta: float, count: int = 1) -> list[list[Rung]]:
        """The rungs of successive halving from so many trials, or of `count` brackets of Hyperband, in steps.

        Raises InputError for more brackets than there are.
        """
        if count == 1:
            ladder = epoch_ladder(self.last, min_epochs=self.first, growth=self.growth)
            return [halving_rungs(trials, ladder, eta=eta)]
        return hyperband_brackets(self.last, min_epochs=self.first, eta=eta, brackets=count, most=trials)


def whole_training(budget: Mapping[str, Any], variant: str) -> dict[str, int | float]:
    """The epochs and the share of the data of a variant's whole training, from the terms of a search's budget."""
    return {"epochs": budget["whole"]["epochs"][variant], "data_share": budget["whole"]["data_share"]}


def budget_at(budget: Mapping[str, Any], variant: str, values: Mapping[str, Any]) -> dict[str, int | float]:
    """Epochs and share of the data of a variant's training with these `values`, those of its setting or of its cell.

    A cell whose setting does not cut its epochs has those of the recipe, which may be more than follow pruning.

    >>> terms = {"kind": "epochs", "schedule": "rung", "whole": {"epochs": {"base": 10}, "data_share": 1.0}}
    >>> budget_at(terms, "base", {"epochs": 4})
    {'epochs': 4, 'data_share': 1.0}
    """
    whole = whole_training(budget, variant)
    if budget["schedule"] == WHOLE:
        return whole | {"epochs": values.get(STOP, whole["epochs"])}
    return whole | {name: min(values.get(name, whole[name]), whole[name]) for name in CUT[budget["kind"]]}


def passes_of(budget: Mapping[str, Any], variant: str, values: Mapping[str, Any] = MappingProxyType({})) -> float:
    """Passes of all training data of such a training; of a whole one without `values`."""
    known = budget_at(budget, variant, values)
    return float(known["epochs"]) * float(known["data_share"])


def epoch_ladder(epochs: int, *, min_epochs: int, growth: str) -> list[int]:
    """The epochs of the rungs, rising, the last one `epochs` (edgetune2022, 3.5, Alg 2).

    Rung it = 1, 2, … has min(it · min_epochs, epochs) by linear growth (4.3), and twice its predecessor's by doubling
    (2.2). Raises InputError where min_epochs is not within 1 and `epochs`.

    >>> epoch_ladder(10, min_epochs=2, growth="linear")
    [2, 4, 6, 8, 10]
    """
    check_min_epochs(min_epochs, epochs)
    ladder = [min_epochs]
    while ladder[-1] < epochs:
        ladder.append(min(ladder[-1] + min_epochs if growth == LINEAR else 2 * ladder[-1], epochs))
    return ladder


def halving_rungs(trials: int, ladder: Sequence[int], *, eta: float) -> list[Rung]:
    """The rungs of synchronous successive halving from `trials` settings: each keeps one of `eta`, rounded down.

    It ends with the last step of the `ladder`, or earlier with the last survivor, which still gets a rung at full
    budget.

    >>> halving_rungs(4, [1, 2, 3, 4], eta=2)
    [Rung(trials=4, epochs=1), Rung(trials=2, epochs=2), Rung(trials=1, epochs=4)]
    """
    rungs, left = [], trials
    for epochs in ladder[:-1]:
        if left == 1:
            break
        rungs.append(Rung(left, epochs))
        left = max(1, math.floor(left / eta + ROUNDING))
    return [*rungs, Rung(left, ladder[-1])]


def hyperband_brackets(
    epochs: int, *, min_epochs: int, eta: float, brackets: int | None = None, most: float = math.inf
) -> list[list[Rung]]:
    """The brackets of Hyperband (Li et al., JMLR 18(185), 2018, Algorithm 1), the one with most rungs first.

    With R = epochs / min_epochs and s_max = ⌊log_η R⌋, bracket s = s_max … 0 starts n = ⌈(s_max + 1) η^s / (s + 1)⌉
    settings at R η^−s, here in whole epochs, and at most `most` settings. `brackets` takes the first so many. Raises
    InputError for more brackets than there are, or a min_epochs that is not within 1 and `epochs`.
    """
    check_min_epochs(min_epochs, epochs)
    s_max = math.floor(math.log(epochs / min_epochs) / math.log(eta) + ROUNDING)
    count = s_max + 1 if brackets is None else brackets
    if not 1 <= count <= s_max + 1:
        what, hint = f"{count} brackets are not what the rungs give", f"rungs from {min_epochs} to {epochs} epochs"
        raise InputError(what, where="--brackets", allowed=f"1 to {s_max + 1}", hint=hint)
    found = []
    for s in range(s_max, s_max - count, -1):
        trials = math.ceil((s_max + 1) / (s + 1) * eta**s - ROUNDING)
        ladder = [max(min_epochs, math.floor(epochs * eta ** (i - s) + 0.5)) for i in range(s + 1)]
        found.append(halving_rungs(int(min(trials, most)), ladder, eta=eta))
    return found


def check_min_epochs(min_epochs: int, epochs: int) -> None:
    """Raise InputError where the first rung is no part of a training of `epochs`."""
    if not 1 <= min_epochs <= epochs:
        what = f"{min_epochs} epochs are no part of a training"
        raise InputError(what, where="--min-epochs", allowed=f"1 to {epochs}, the epochs of these trainings")


def restarted_epochs(rungs: Sequence[Rung]) -> int:
    """Epochs of all rungs where each starts its trainings anew; survivors that continue need fewer."""
    return sum(rung.trials * rung.epochs for rung in rungs)


def continued_epochs(rungs: Sequence[Rung]) -> int:
    """Epochs of all rungs where survivors continue their own trainings."""
    before = [0, *(rung.epochs for rung in rungs)]
    return sum(rung.trials * (rung.epochs - done) for rung, done in zip(rungs, before, strict=False))
