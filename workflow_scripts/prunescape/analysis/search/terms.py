"""What a replay of searches is asked for: strategies, their parameters, how many searches, and by which scores."""

from dataclasses import dataclass

from prunescape.errors import InputError, nearest

GRID, RANDOM, HALVING, HYPERBAND, TPE = STRATEGIES = ("grid", "random", "halving", "hyperband", "tpe")
WHOLE = "whole"  # a schedule that is laid over the whole training, of which rungs are beginnings
LINEAR, DOUBLING = GROWTHS = ("linear", "doubling")
SCORES = ("test_top1", "train_top1")  # columns of curves.parquet in percent, in which regret is told
LOSSES = ("test_loss", "train_loss")  # by which searches may choose, too: the lowest first
MOST_SEARCHES = 20_000  # of which a thousand bootstrap samples need 160 MB
# by default tpe runs so many searches, or fewer where they are long: so many of its trials, which take milliseconds
TPE_SEARCHES, TPE_TRIALS = 100, 1600


@dataclass(frozen=True)
class SearchTerms:
    """What to replay: `check` says what cannot be.

    `trials` are the numbers of settings that random, halving and tpe may look at, by default powers of two. Halving
    keeps 1 / `eta` of the settings at each rung; rungs begin at `min_epochs` and grow as `growth` says. Hyperband has
    so many `brackets`, by default all. Searches choose by the column `rank_by` of curves.parquet on one seed; regret is
    in `of` on the others. A search has found the best when its regret is at most `margin` points. Of the `searches` tpe
    runs the first `tpe_searches`, by default what TPE_SEARCHES and TPE_TRIALS allow.
    """

    strategies: tuple[str, ...] = STRATEGIES
    trials: tuple[int, ...] = ()
    eta: float = 2.0
    min_epochs: int = 1
    growth: str = LINEAR
    brackets: int | None = None
    searches: int = 1000
    tpe_searches: int | None = None
    seed: int = 0
    margin: float = 0.5
    of: str = SCORES[0]
    rank_by: str = SCORES[0]

    def check(self) -> None:
        """Raise InputError for terms that no finished trainings could meet."""
        for name in self.strategies:
            _check_choice("--strategies", name, STRATEGIES)
        _check_choice("--growth", self.growth, GROWTHS)
        _check_choice("--of", self.of, SCORES)
        _check_choice("--rank-by", self.rank_by, (*SCORES, *LOSSES))
        wrong = {
            "--eta": (self.eta, 1 < self.eta < float("inf"), "above 1: each rung keeps one of so many settings"),
            "--min-epochs": (self.min_epochs, self.min_epochs >= 1, "1 to the epochs of a training"),
            "--margin": (self.margin, 0 <= self.margin < float("inf"), "0 or more percentage points"),
            "--seed": (self.seed, self.seed >= 0, "0 or more"),
            "--searches": (self.searches, 1 <= self.searches <= MOST_SEARCHES, f"1 to {MOST_SEARCHES}"),
        }
        for where, (value, fits, allowed) in wrong.items():
            if not fits:
                raise InputError(f"{value:g} cannot be used", where=where, allowed=allowed)

    def tpe_searches_of(self, trials: int) -> int:
        """How many searches of so many `trials` tpe runs."""
        few = max(1, min(TPE_SEARCHES, TPE_TRIALS // trials)) if self.tpe_searches is None else self.tpe_searches
        return min(few, self.searches)

    def trials_of(self, settings: int, where: str) -> tuple[int, ...]:
        """How many settings searches may look at where `settings` are finished; raises InputError for more of them."""
        if not self.trials:
            powers = tuple(2**power for power in range(2, settings.bit_length()) if 2**power <= settings)
            return powers or (settings,)
        most = max(self.trials)
        if most > settings or min(self.trials) < 1:
            what = f"{most} trials are more than the settings of {where}"
            raise InputError(what, where="--trials", allowed=f"1 to {settings}, the finished settings")
        return tuple(sorted(set(self.trials)))


def _check_choice(where: str, name: str, allowed: tuple[str, ...]) -> None:
    if name not in allowed:
        raise InputError(f'there is no "{name}"', where=where, allowed=", ".join(allowed), hint=nearest(name, allowed))
