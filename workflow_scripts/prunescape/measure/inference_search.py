"""Which of a target's inference parameters are tried: all, or those that a search proposes (edgetune2022, 3.4)."""

import itertools
from collections.abc import Callable, Iterable
from importlib.util import find_spec
from typing import Any, NamedTuple

from prunescape.errors import InputError

MOST_OF_GRID = 30  # settings that are all tried; of more, the search tries as many
MOST_ASKED = 4 * MOST_OF_GRID  # proposals, repeated ones among them
GRID, TPE = "grid", "tpe"


class InferenceSetting(NamedTuple):
    """One way to run a model; a frequency of None is the host's own choice."""

    threads: int
    batch: int
    frequency_mhz: int | None = None


Axes = dict[str, list[Any]]


def axes_of(target: dict[str, Any], *, settable: bool) -> Axes:
    """The values of each inference parameter of a target, ascending; frequencies only where they can be set."""
    frequencies = sorted(target.get("frequency_mhz") or []) if settable else []
    return {
        "threads": sorted(target["threads"]),
        "batch": sorted(target["batch"]),
        "frequency_mhz": frequencies or [None],
    }


def settings_of(axes: Axes) -> list[InferenceSetting]:
    """Every combination of the values."""
    return [InferenceSetting(*values) for values in itertools.product(*axes.values())]


def strategy_of(axes: Axes) -> str:
    """Every setting of a small grid, or a search: the paper's inference server may do either (3.1)."""
    return GRID if len(settings_of(axes)) <= MOST_OF_GRID else TPE


def require_optuna(target: str, count: int) -> None:
    """Raises InputError where `count` settings of a target call for a search, and Optuna is not there."""
    if count > MOST_OF_GRID and find_spec("optuna") is None:
        what = f"{count} settings of threads, batch and frequency are searched by Optuna's TPE, which is not here"
        allowed = f"at most {MOST_OF_GRID} settings without it"
        raise InputError(what, where=f"targets.{target}", allowed=allowed, hint="pip install -e '.[optuna]'")


def search(axes: Axes, cost_of: Callable[[InferenceSetting], float | None], seed: int) -> list[InferenceSetting]:
    """The settings that Optuna's TPE tried, at most MOST_OF_GRID, to find the least `cost_of` a setting.

    The first ones are the smallest setting, and the most threads with the smallest and the largest batch. A setting
    without a cost does not run, and the search keeps away from it. The same costs and seed give the same settings.
    """
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=seed, n_startup_trials=MOST_OF_GRID // 3))
    places = {name: optuna.distributions.IntDistribution(0, len(values) - 1) for name, values in axes.items()}
    for corner in _corners(axes):
        study.enqueue_trial(corner)
    costs: dict[InferenceSetting, float | None] = {}
    for _ in range(MOST_ASKED):
        if len(costs) == min(MOST_OF_GRID, len(settings_of(axes))):
            break
        trial = study.ask(places)
        setting = InferenceSetting(**{name: values[trial.params[name]] for name, values in axes.items()})
        if setting not in costs:
            costs[setting] = cost_of(setting)
        cost = costs[setting]
        study.tell(trial, cost, state=optuna.trial.TrialState.FAIL if cost is None else None)
    return list(costs)


def _corners(axes: Axes) -> Iterable[dict[str, int]]:
    least, most = dict.fromkeys(axes, 0), {name: len(values) - 1 for name, values in axes.items()}
    yield least
    yield most | {"batch": 0}
    yield most
