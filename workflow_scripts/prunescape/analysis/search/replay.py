"""The table of strategies: what searches of each chose on one seed, scored on the others, and what they cost."""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd

from prunescape.analysis.axes import VARIANT_KEY_COLUMNS
from prunescape.analysis.search.budgets import Rung, epoch_ladder, halving_rungs, hyperband_brackets
from prunescape.analysis.search.histories import VARIANT, Histories
from prunescape.analysis.search.strategies import Draws, Searched, regrets, search
from prunescape.analysis.search.terms import GRID, HALVING, HYPERBAND, RANDOM, TPE, SearchTerms
from prunescape.analysis.search.tpe import STARTUP, tpe_search
from prunescape.store.tables import Columns

RESAMPLES = 1000  # of searches, for intervals
LEVEL = 95.0  # percent
PAIRED = (HALVING, TPE)  # strategies whose first settings are those of a random search
VARIANT_COLUMNS: Columns = {name: VARIANT_KEY_COLUMNS[name] for name in VARIANT}
_LOW, _HIGH = "lower end of its 95 % interval: percentiles of means of resampled searches", "its upper end"
REPLAY_COLUMNS: Columns = {
    **VARIANT_COLUMNS,
    "strategy": ("string", "grid, random, halving, hyperband or tpe"),
    "parameters": ("string", "of the strategy, with the rungs as settings@epochs"),
    "trials": ("int64", "settings that one search draws; of hyperband in all brackets"),
    "settings": ("int64", "finished settings that it draws from"),
    "seeds": ("int64", "seeds at each: one chooses, all others score; each chooses in as many searches"),
    "searches": ("int64", "how many were run"),
    "of": ("string", "column of curves.parquet that regret is in, after the last epoch"),
    "rank_by": ("string", "column of curves.parquet that searches choose by, after each epoch, on one seed"),
    "regret": ("float64", "points: mean over searches of (best mean over the other seeds - that of the chosen)"),
    "regret_low": ("float64", f"{_LOW}; of these trainings, not of new seeds"),
    "regret_high": ("float64", _HIGH),
    "regret_seed_low": ("float64", "the lowest mean regret among the seeds that chose, points"),
    "regret_seed_high": ("float64", "the highest"),
    "against_random": ("float64", "points: its regret - that of whole trainings of as many settings, same draws"),
    "against_random_low": ("float64", f"{_LOW}; null of grid, random and hyperband, as the next"),
    "against_random_high": ("float64", _HIGH),
    "regret_median": ("float64", "points: half of the searches had no more"),
    "regret_q90": ("float64", "points: nine of ten searches had no more"),
    "found": ("float64", "share of searches with a regret of at most `margin`"),
    "margin": ("float64", "points"),
    "cells": ("float64", "mean number of trainings begun in a search"),
    "cells_low": ("float64", _LOW),
    "cells_high": ("float64", _HIGH),
    "epochs": ("float64", "mean number of epochs of a search; a survivor continues, a diverged training ends"),
    "epochs_low": ("float64", _LOW),
    "epochs_high": ("float64", _HIGH),
    "epochs_restarted": ("float64", "the same where each rung starts its trainings anew"),
}
Planned = tuple[str, str, int, Draws, Searched]  # strategy, parameters, trials, and what the searches did


def replay(histories: Sequence[Histories], terms: SearchTerms) -> pd.DataFrame:
    """One row with REPLAY_COLUMNS per variant, strategy and number of trials.

    Raises InputError for terms that some variant's trainings do not allow, and for tpe without optuna.
    """
    rows = [row for each in histories for row in _rows(each, terms)]
    return pd.DataFrame(rows, columns=list(REPLAY_COLUMNS))


def _rows(histories: Histories, terms: SearchTerms) -> Iterator[dict[str, Any]]:
    known = {
        **histories.key,
        "settings": len(histories.settings),
        "seeds": len(histories.seeds),
        "of": terms.of,
        "rank_by": terms.rank_by,
        "margin": terms.margin,
    }
    for strategy, parameters, trials, draws, searched in _searches(histories, terms):
        regret = regrets(histories, draws, searched.chosen)
        yield {
            **known,
            "strategy": strategy,
            "parameters": parameters,
            "trials": trials,
            "searches": len(regret),
            **_spread(regret, draws),
            "found": float((regret <= terms.margin).mean()),
            **_mean("regret", regret, terms.seed),
            **(_against_random(histories, draws, trials, regret, terms) if strategy in PAIRED else {}),
            **_mean("cells", searched.cells, terms.seed),
            **_mean("epochs", searched.epochs, terms.seed),
            "epochs_restarted": float(searched.restarted.mean()),
        }


def _searches(histories: Histories, terms: SearchTerms) -> Iterator[Planned]:
    """All searches of ONE variant, strategy by strategy, from the same draws."""
    draws = Draws.of(terms.searches, histories, terms.seed)
    counts = terms.trials_of(len(histories.settings), histories.name)
    for strategy, parameters, brackets in _plans(histories, terms, counts):
        yield strategy, parameters, _trials(brackets), draws, search(histories, draws, brackets)
    if TPE in terms.strategies:
        some = draws.first(terms.tpe_searches_of(max(counts)))
        modelled = [count for count in counts if count > STARTUP] or counts  # up to there it is random search
        for count, searched in tpe_search(histories, some, modelled, terms.seed).items():
            yield TPE, f"trials {count}", count, some, searched


def _plans(
    histories: Histories, terms: SearchTerms, counts: Sequence[int]
) -> Iterator[tuple[str, str, list[list[Rung]]]]:
    """Strategy, parameters and brackets of every search but those of tpe."""
    epochs, settings = histories.epochs, len(histories.settings)
    if GRID in terms.strategies:
        yield GRID, "", [[Rung(settings, epochs)]]
    if RANDOM in terms.strategies:
        for count in counts:
            yield RANDOM, f"trials {count}", [[Rung(count, epochs)]]
    if HALVING in terms.strategies:
        ladder = epoch_ladder(epochs, min_epochs=terms.min_epochs, growth=terms.growth)
        for count in counts:
            rungs = halving_rungs(count, ladder, eta=terms.eta)
            yield HALVING, f"eta {terms.eta:g}, {terms.growth}: {_spelled(rungs)}", [rungs]
    if HYPERBAND in terms.strategies:
        limits = {"min_epochs": terms.min_epochs, "eta": terms.eta, "brackets": terms.brackets}
        brackets = hyperband_brackets(epochs, **limits, most=settings)
        yield HYPERBAND, f"eta {terms.eta:g}: {'; '.join(map(_spelled, brackets))}", brackets


def _trials(brackets: Sequence[Sequence[Rung]]) -> int:
    return sum(rungs[0].trials for rungs in brackets)


def _spelled(rungs: Sequence[Rung]) -> str:
    """`16@1 8@2 4@3`."""
    return " ".join(f"{rung.trials}@{rung.epochs}" for rung in rungs)


def _against_random(
    histories: Histories, draws: Draws, trials: int, regret: np.ndarray, terms: SearchTerms
) -> dict[str, float]:
    """How much more regret (N,) than random search over the first so many settings of the same draws leaves."""
    whole = search(histories, draws, [[Rung(trials, histories.epochs)]])
    return _mean("against_random", regret - regrets(histories, draws, whole.chosen), terms.seed)


def _spread(regret: np.ndarray, draws: Draws) -> dict[str, float]:
    """How regret varies between the seeds that chose, and between searches."""
    by_seed = [regret[draws.seeds == place].mean() for place in np.unique(draws.seeds)]
    median, q90 = np.quantile(regret, (0.5, 0.9))
    between = {"regret_seed_low": min(by_seed), "regret_seed_high": max(by_seed)}
    return {name: float(value) for name, value in (between | {"regret_median": median, "regret_q90": q90}).items()}


@lru_cache(maxsize=2)
def _resampled(count: int, seed: int) -> np.ndarray:
    """How often each of so many searches is in each bootstrap sample (RESAMPLES, count); the same for every mean."""
    generator = np.random.default_rng((seed, RESAMPLES))
    drawn = (generator.integers(0, count, count) for _ in range(RESAMPLES))
    return np.array([np.bincount(places, minlength=count) for places in drawn], dtype="float64")


def _mean(name: str, values: np.ndarray, seed: int) -> dict[str, float]:
    """The mean over searches (N,) and its bootstrap interval."""
    means = _resampled(len(values), seed) @ values / len(values)
    low, high = np.percentile(means, (50 - LEVEL / 2, 50 + LEVEL / 2))
    return {name: float(values.mean()), f"{name}_low": float(low), f"{name}_high": float(high)}
