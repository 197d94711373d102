"""Which variants and settings a search tries: drawn at random, by Optuna's TPE sampler, or all of a grid.

No draw depends on how many trials there are, so that one trial more leaves the others as they were. A model of earlier
trials is made anew in each round from what all of them reached: there is no state but the rounds and the records.
"""

import itertools
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from prunescape.analysis.search.objectives import (
    UNKNOWN,
    Configured,
    Cost,
    Observed,
    configuration_text,
    configured,
    floor_of,
    rank_key,
)
from prunescape.analysis.search.tpe import load_optuna
from prunescape.designs.plan import Plan
from prunescape.designs.trials import MOST_REDRAWS, drawn_setting, hashed
from prunescape.errors import InputError
from prunescape.space.cells import Cell
from prunescape.space.recipe import PARAMETERS, STOP
from prunescape.space.search_space import SearchSpace
from prunescape.space.settings import Setting
from prunescape.space.system_parameters import SYSTEM

VARIANT, CONFIGURATION = "variant", "configuration"
CUT = ("epochs", "data_share", STOP)  # what the budget decides of a setting


@dataclass(frozen=True, order=True)
class Proposal:
    """What one trial trains: a variant at a setting, whatever its budget; of tune_v2 by which system parameters."""

    variant: str
    setting: Setting
    configuration: Configured = ()


@dataclass(frozen=True)
class Seen:
    """A trial of any bracket on one of its rungs, with its `budget` in steps, and what it reached.

    Trials with one budget may be cut or `whole`: pipelines need not all train for as long.
    """

    proposal: Proposal
    bracket: int
    trial: int
    budget: int
    whole: bool
    observed: Observed | None
    cost: Cost = UNKNOWN
    price: float | None = None

    def rank(self, floor: float | None) -> tuple[float, ...]:
        """What it is sorted by among trials with this `floor`."""
        return rank_key(self.observed, self.cost, floor, self.price)


def proposal_of(cell: Cell, configuration: Configured = ()) -> Proposal:
    """The variant and the setting of a trial's cell, without its budget."""
    pairs = tuple(pair for pair in cell.setting.texts if pair[0] not in CUT)
    return Proposal(cell.variant.name, Setting(pairs), configuration)


def configurations(values: Mapping[str, Sequence[Any]]) -> list[Configured]:
    """Every configuration of system parameters with these values, without those that do not act in it."""
    all_of = (dict(zip(values, chosen, strict=True)) for chosen in itertools.product(*values.values()))
    acting = ({name: each[name] for name in each if SYSTEM[name].acts(each)} for each in all_of)
    return list(dict.fromkeys(map(configured, acting)))


def space_of(plan: Plan) -> SearchSpace:
    """The hyperparameters that a search varies."""
    return SearchSpace.from_content(plan.tuning["space"])


def grid_proposals(plan: Plan, most: int | None = None) -> list[Proposal]:
    """Every variant at every setting of the levels, up to `most`; whole numbers within bounds count as levels."""
    space = space_of(plan)
    countable = space.countable(most) if space.bounds else space
    rest = [*itertools.product(plan.tuning["variants"], configurations(plan.tuning["system"]))]
    proposals = (Proposal(variant, each, tried) for each in countable.settings() for variant, tried in rest)
    return list(islice(proposals, most))


def proposed(plan: Plan, bracket: int, *, first: int, most: int, seen: Sequence[Seen]) -> list[Proposal]:
    """The next trials of a bracket that has `first` of `most`; `seen` are all trials of the search so far."""
    sampler = plan.tuning["sampler"]
    if sampler == "grid":
        return grid_proposals(plan)
    taken = {each.proposal for each in seen if each.bracket == bracket}
    if sampler == "random":
        return _random(plan, bracket, range(first, most), taken)
    ask = plan.tuning["ask"]
    numbers = range(first, min(most, (first // ask + 1) * ask))  # batches keep their places when trials are added
    return _modelled(plan, bracket, numbers, taken, seen)


def _random(plan: Plan, bracket: int, numbers: range, taken: set[Proposal]) -> list[Proposal]:
    """One new proposal for each of these trials of a bracket."""
    found: list[Proposal] = []
    for trial in numbers:
        found.append(_drawn(plan, bracket, trial, taken | set(found)))
    return found


def _drawn(plan: Plan, bracket: int, trial: int, taken: set[Proposal]) -> Proposal:
    """A variant and a setting from hashes of the seed, the bracket and the trial; one that is `taken` is redrawn."""
    space, seed, arm = space_of(plan), plan.tuning["seed"], f"bracket-{bracket}"
    for attempt in range(MOST_REDRAWS):
        draw = (seed, arm, trial, attempt, VARIANT)
        variant = max(plan.tuning["variants"], key=lambda name: (hashed(*draw, name), name))
        tried = max(configurations(plan.tuning["system"]), key=lambda each: hashed(*draw[:-1], CONFIGURATION, each))
        found = Proposal(variant, drawn_setting(space, seed, arm, trial, attempt), tried)
        if found not in taken:
            return found
    left = next((each for each in grid_proposals(plan, len(taken) + 1) if each not in taken), None)
    if left is None:
        what = f"only {len(taken)} different settings keep the bound of the search"
        raise InputError(what, where="tune.trials", allowed=f"1 to {len(taken)}")
    return left


def _modelled(plan: Plan, bracket: int, numbers: range, taken: set[Proposal], seen: Sequence[Seen]) -> list[Proposal]:
    """One new proposal of TPE for each of these trials; drawn at random while too few trials are finished."""
    space = space_of(plan)
    known = learnt_from(seen, len(space.names) + 1 + bool(plan.tuning["system"]))
    if not known:
        return _random(plan, bracket, numbers, taken)
    optuna, found = load_optuna(), list[Proposal]()
    study, distributions = _study(optuna, plan, space, known, hashed(plan.tuning["seed"], bracket, numbers.start))
    for trial in numbers:
        tries = (_read(study.ask(distributions), plan, space) for _ in range(MOST_REASKED))
        new = next((each for each in tries if each not in taken and each not in found), None)
        found.append(new or _drawn(plan, bracket, trial, taken | set(found)))
    return found


MOST_REASKED = 20  # what TPE asks for once more is drawn at random after so many tries
MARGIN = 2  # finished trials more than hyperparameters, and one, before a model is made of them


def learnt_from(seen: Sequence[Seen], hyperparameters: int) -> list[Seen]:
    """The finished trials that a model is made of: those of the largest budget that has enough of them.

    Enough are the number of hyperparameters and 3 (Falkner et al., BOHB, ICML 2018, 3.2: N_min = d + 1, and 2 more).
    Trials of other budgets are left out, since accuracies after different budgets are no values of one function.
    """
    finished: dict[int, dict[Proposal, Seen]] = {}
    for each in seen:
        if each.observed is not None:
            finished.setdefault(each.budget, {})[each.proposal] = each
    enough = [budget for budget, trials in finished.items() if len(trials) >= hyperparameters + 1 + MARGIN]
    return list(finished[max(enough)].values()) if enough else []


def _study(optuna: Any, plan: Plan, space: SearchSpace, known: Sequence[Seen], seed: int) -> tuple[Any, dict[str, Any]]:
    """A study in memory of these finished trials, by their places: the sampler knows no more of values than order."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        sampler = optuna.samplers.TPESampler(seed=seed % 2**32, n_startup_trials=0)
    study, distributions = (
        optuna.create_study(direction="minimize", sampler=sampler),
        _distributions(optuna, plan, space),
    )
    whole = all(each.whole for each in known)
    floor = floor_of(plan.tuning, [each.observed for each in known], whole=whole)
    keys = sorted({each.rank(floor) for each in known})
    for each in sorted(known, key=lambda each: (each.bracket, each.trial)):
        params = {VARIANT: each.proposal.variant} if VARIANT in distributions else {}
        if CONFIGURATION in distributions:
            params[CONFIGURATION] = configuration_text(each.proposal.configuration)
        params |= {name: _told(space, name, text) for name, text in each.proposal.setting.texts}
        value = float(keys.index(each.rank(floor)))
        own = {name: distributions[name] for name in params}
        study.add_trial(optuna.trial.create_trial(params=params, distributions=own, value=value))
    return study, distributions


def _distributions(optuna: Any, plan: Plan, space: SearchSpace) -> dict[str, Any]:
    """Of each hyperparameter: bounds as they are, ranks of listed numbers as whole numbers, other levels by name."""
    found, categorical = {}, optuna.distributions.CategoricalDistribution
    if len(plan.tuning["variants"]) > 1:
        found[VARIANT] = categorical(tuple(plan.tuning["variants"]))
    if plan.tuning["system"]:
        found[CONFIGURATION] = categorical(tuple(map(configuration_text, configurations(plan.tuning["system"]))))
    for name, levels in space.levels.items():
        whole = optuna.distributions.IntDistribution(0, len(levels) - 1)
        found[name] = whole if PARAMETERS[name].numeric else categorical(tuple(levels))
    for name, ends in space.bounds.items():
        low, high = (PARAMETERS[name].value(end) for end in ends)
        kind = optuna.distributions.IntDistribution if isinstance(low, int) else optuna.distributions.FloatDistribution
        found[name] = kind(low, high)
    return found


def _ranks(space: SearchSpace, name: str) -> list[str]:
    """The levels of a hyperparameter in the order that the sampler knows: of numbers the lowest first."""
    return sorted(space.levels[name], key=PARAMETERS[name].value) if PARAMETERS[name].numeric else space.levels[name]


def _told(space: SearchSpace, name: str, text: str) -> Any:
    """A value of a finished trial as the sampler knows it."""
    if name in space.bounds:
        return PARAMETERS[name].value(text)
    return _ranks(space, name).index(text) if PARAMETERS[name].numeric else text


def _read(trial: Any, plan: Plan, space: SearchSpace) -> Proposal:
    """What the sampler asks for; hyperparameters that do not act beside the others are left out."""
    texts = {}
    for name in space.names:
        value = trial.params[name]
        if name in space.bounds:
            texts[name] = space.text_within(name, value)
        else:
            texts[name] = _ranks(space, name)[value] if PARAMETERS[name].numeric else value
    variant = trial.params.get(VARIANT, plan.tuning["variants"][0])
    tried = {configuration_text(each): each for each in configurations(plan.tuning["system"])}
    return Proposal(variant, space.setting(texts), tried[trial.params.get(CONFIGURATION, "")])
