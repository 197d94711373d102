"""Trials: settings from a space of hyperparameters, for each arm, that every variant is trained at.

A value is a quantile from a hash of (seed, arm, trial, name), so no trial depends on how many there are, on the order
of hyperparameters or on that of their levels; docs/designs.md says what stays when a space changes.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import pandas as pd

from prunescape.config.experiment import RANKING_SEED
from prunescape.designs.balanced import balanced_settings
from prunescape.designs.plan import Axes, Plan
from prunescape.errors import located
from prunescape.space.cells import Cell, setting_name
from prunescape.space.search_space import SearchSpace
from prunescape.space.settings import Setting
from prunescape.space.variants import BASE
from prunescape.store.records import TRIAL

STAGE = TRIAL
DEFAULT = "default"  # the arm of the default setting, at which the base alone is trained
MOST_REDRAWS = 1000


@dataclass(frozen=True)
class Trial:
    """One setting of an arm, with its number, counted from 0."""

    arm: str
    number: int
    setting: Setting

    @property
    def name(self) -> str:
        """The name of its setting in paths."""
        return setting_name(Cell("", BASE, self.setting).wildcards)


def first_cells(plan: Plan) -> list[Cell]:
    """The base at the default setting, where filters are ranked, and every variant at every trial with every seed."""
    if plan.trials is None:
        return []
    trials = plan_trials(plan)
    default = plan.at(BASE.name, next(trial.setting for trial in trials if trial.arm == DEFAULT), [RANKING_SEED])
    settings = dict.fromkeys(trial.setting for trial in trials if trial.arm != DEFAULT)
    drawn = [cell for name in plan.variants for each in settings for cell in plan.at(name, each, plan.seeds)]
    return list(dict.fromkeys([*default, *drawn]))


def most_rounds(plan: Plan) -> int:
    """No result decides on a trial."""
    return 0


def next_cells(plan: Plan, axes: Axes, cells: pd.DataFrame) -> tuple[list[Cell], Axes]:
    """None."""
    return [], axes


def check_trials(plans: Mapping[str, Plan], source: str) -> None:
    """Raise InputError for a balanced design of a study, read from `source`, that finds no different settings."""
    for name, plan in plans.items():
        if plan.trials is not None:
            located(f"{source}: experiments.{name}.design.trials", plan_trials, plan)


def plan_trials(plan: Plan) -> list[Trial]:
    """Every trial of a plan with a space, the default setting first; a setting may belong to several arms."""
    return _trials(json.dumps(plan.trials, sort_keys=True))


def trial_rows(plans: Mapping[str, Plan]) -> list[dict[str, Any]]:
    """Every trial of a study as `write_trials` takes it."""
    return [
        {
            "experiment": name,
            "arm": trial.arm,
            "trial": trial.number,
            "setting": trial.name,
            "values": trial.setting.values,
        }
        for name, plan in sorted(plans.items())
        if plan.trials is not None
        for trial in plan_trials(plan)
    ]


@lru_cache(maxsize=64)
def _trials(text: str) -> list[Trial]:
    terms: dict[str, Any] = json.loads(text)
    space = SearchSpace.from_content(terms["space"])
    trials = [Trial(DEFAULT, 0, space.default)]
    for arm, fixed in terms["arms"].items():
        settings = KINDS[terms["kind"]](space.fixed(fixed), terms["trials"], terms["seed"], arm)
        trials += [Trial(arm, number, setting) for number, setting in enumerate(settings)]
    return trials


def random_settings(space: SearchSpace, trials: int, seed: int, arm: str) -> list[Setting]:
    """So many different settings of ONE arm, each hyperparameter drawn by itself; a setting drawn before is redrawn."""
    drawn: dict[Setting, None] = {}
    for trial in range(trials):
        tries = (drawn_setting(space, seed, arm, trial, attempt) for attempt in range(MOST_REDRAWS))
        new = next((setting for setting in tries if setting not in drawn), None)
        drawn[new or next(each for each in space.countable(trials).settings() if each not in drawn)] = None
    return list(drawn)


def drawn_setting(space: SearchSpace, seed: int, arm: str, trial: int, attempt: int = 0) -> Setting:
    """The setting of one trial.

    Of several levels that with the largest hash is taken (rendezvous hashing, Thaler and Ravishankar 1998): each is
    equally likely, and with one level more a trial keeps its level, or takes the new one.
    """

    def value(name: str) -> str:
        draw = (seed, arm, trial, attempt, name)
        if name in space.bounds:
            return space.within(name, hashed(*draw) / 2**53)
        levels = space.levels[name]
        return levels[0] if len(levels) == 1 else max(levels, key=lambda level: (hashed(*draw, level), level))

    return space.setting({name: value(name) for name in space.names})


def hashed(*parts: object) -> int:
    """A whole number below 2^53 from the texts of `parts`, uniform."""
    text = "\n".join(map(str, parts)).encode()
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest()) >> 11


def _balanced(space: SearchSpace, trials: int, seed: int, arm: str) -> list[Setting]:
    return balanced_settings(space, trials, lambda *parts: hashed(seed, arm, *parts))


def _factorial(space: SearchSpace, trials: int | None, seed: int, arm: str) -> list[Setting]:
    return list(space.settings())


KINDS: dict[str, Callable[..., list[Setting]]] = {
    "random": random_settings,
    "balanced": _balanced,
    "factorial": _factorial,
}
