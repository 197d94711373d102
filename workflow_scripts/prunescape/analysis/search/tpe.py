"""Searches by Optuna's TPE sampler over finished trainings, one trial after the other."""

import sys
import warnings
from collections.abc import Sequence
from importlib.util import find_spec
from typing import Any

import numpy as np

from prunescape.analysis.search.histories import Histories, setting_values
from prunescape.analysis.search.strategies import Draws, Searched
from prunescape.analysis.search.terms import STRATEGIES, TPE
from prunescape.errors import InputError
from prunescape.space.parameters import Value
from prunescape.space.recipe import PARAMETERS

STARTUP = 5  # random trials before the first that the sampler models; Optuna's own default is 10
ABSENT = 0.5  # distance to a setting that lacks a hyperparameter, as a share of its range
INSTALL_OPTUNA = "pip install 'prunescape[optuna]'"
INSTALL = f"{INSTALL_OPTUNA}, or --strategies without tpe"


def load_optuna() -> Any:
    """The optuna package, quiet; raises InputError where it is not installed."""
    try:
        import optuna
    except ImportError:
        raise InputError("the strategy tpe needs optuna, which is not installed", hint=INSTALL) from None
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    return optuna


def available_strategies() -> tuple[str, ...]:
    """All strategies, without tpe where optuna is not installed; standard error then says so."""
    if find_spec("optuna"):
        return STRATEGIES
    print(f"note: tpe is left out: optuna is not installed; {INSTALL_OPTUNA}", file=sys.stderr)
    return tuple(name for name in STRATEGIES if name != TPE)


class Lattice:
    """The levels of each hyperparameter, and the finished setting that is nearest to any choice of them.

    Numbers are known by their rank among the levels, so grids of any spacing and drawn values are alike to a sampler.
    Of a full grid every choice is a finished setting.
    """

    def __init__(self, histories: Histories) -> None:
        self.values = setting_values(histories)
        self.levels = {name: _levels(values) for name, values in self.values.items()}
        self._ranks = {name: self._ranked(name) for name in self.values}
        self._nearest: dict[tuple, int] = {}

    def levels_of(self, place: int) -> dict[str, int]:
        """The level of each hyperparameter that the setting at `place` has."""
        return {name: int(ranks[place]) for name, ranks in self._ranks.items() if not np.isnan(ranks[place])}

    def nearest(self, choice: tuple[int, ...]) -> int:
        """The place of the setting nearest to a level of each hyperparameter, by the sum of squared distances.

        A number's distance is the difference of ranks as a share of their range, that of other levels 0 or 1.
        """
        if choice not in self._nearest:
            distances = np.zeros(len(next(iter(self._ranks.values()))))
            for (name, ranks), level in zip(self._ranks.items(), choice, strict=True):
                apart = np.abs(ranks - level)
                apart = apart / max(len(self.levels[name]) - 1, 1) if PARAMETERS[name].numeric else np.sign(apart)
                distances += np.where(np.isnan(apart), ABSENT, apart) ** 2
            self._nearest[choice] = int(np.argmin(distances))
        return self._nearest[choice]

    def _ranked(self, name: str) -> np.ndarray:
        places = {value: rank for rank, value in enumerate(self.levels[name])}
        return np.array([places.get(value, np.nan) for value in self.values[name]], dtype="float64")


def _levels(values: Sequence[Value | None]) -> list[Value]:
    return sorted({value for value in values if value is not None})


def tpe_search(histories: Histories, draws: Draws, trials: Sequence[int], seed: int) -> dict[int, Searched]:
    """What each search had found after so many `trials`; N studies of max(trials) trials are run.

    Each trial is a whole training. One that asks for a setting again costs nothing, as its cell is finished. The first
    STARTUP settings of a search are those that a random search with its draws would take.
    Raises InputError without optuna.
    """
    optuna, lattice, most = load_optuna(), Lattice(histories), max(trials)
    tried = np.empty((len(draws.seeds), most), dtype="int64")
    for number, place in enumerate(draws.seeds):
        values = histories.ranked[place, :, -1]
        tried[number] = _one_search(optuna, lattice, values, draws.order[number], most, (seed, number))
    return {count: _after(histories, draws, tried[:, :count]) for count in trials}


def _one_search(
    optuna: Any, lattice: Lattice, values: np.ndarray, order: np.ndarray, trials: int, seed: tuple[int, int]
) -> list[int]:
    """The places of the settings that one study asks for, in order; `values` (n,) are what it is told of each."""
    sampler_seed = int(np.random.SeedSequence(seed).generate_state(1)[0])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        sampler = optuna.samplers.TPESampler(seed=sampler_seed, n_startup_trials=STARTUP)
    study = optuna.create_study(direction="maximize", sampler=sampler)
    distributions, told = _distributions(optuna, lattice), _finite(values)
    places = [int(place) for place in order[: min(STARTUP, trials)]]
    for place in places:
        levels = lattice.levels_of(place)
        known = {name: distributions[name] for name in levels}
        study.add_trial(optuna.trial.create_trial(params=levels, distributions=known, value=told[place]))
    while len(places) < trials:
        trial = study.ask(distributions)
        place = lattice.nearest(tuple(trial.params[name] for name in lattice.levels))
        study.tell(trial, told[place])
        places.append(place)
    return places


def _distributions(optuna: Any, lattice: Lattice) -> dict[str, Any]:
    """Of each hyperparameter: ranks of numbers are whole numbers with an order, other levels have none."""
    integer, categorical = optuna.distributions.IntDistribution, optuna.distributions.CategoricalDistribution
    return {
        name: integer(0, len(levels) - 1) if PARAMETERS[name].numeric else categorical(tuple(range(len(levels))))
        for name, levels in lattice.levels.items()
    }


def _finite(values: np.ndarray) -> np.ndarray:
    """Values (n,) with those of diverged trainings, where infinite, under all others."""
    known = values[np.isfinite(values)]
    return np.where(np.isfinite(values), values, known.min() - 1 if len(known) else 0.0)


def _after(histories: Histories, draws: Draws, tried: np.ndarray) -> Searched:
    """What searches did that tried the settings (N, trials): the first of the best is chosen."""
    rows, seeds = np.arange(len(tried)), draws.seeds[:, None]
    best = np.argmax(histories.ranked[seeds, tried, -1], axis=1)
    reached = np.zeros((len(tried), len(histories.settings)), dtype="int64")
    reached[rows[:, None], tried] = histories.trained[seeds, tried]
    epochs = reached.sum(axis=1)
    return Searched(tried[rows, best], (reached > 0).sum(axis=1), epochs, epochs)
