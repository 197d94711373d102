"""What must fit together in a design with a space: levels, defaults, arms, trials, and what only a grid has."""

from itertools import islice
from typing import Any

from prunescape.config.designs import (
    AGAIN,
    ALL,
    FIX,
    FIX_DIMENSION,
    LIAO2022,
    SPACE_KINDS,
    Bounds,
    DesignTerms,
    fixed_by,
)
from prunescape.config.experiment import Experiment, level_texts
from prunescape.config.models import network_parameter, network_value
from prunescape.config.recipe_checks import hold_out_hint
from prunescape.config.tuning import BESIDE_SEARCH
from prunescape.errors import InputError, located, nearest
from prunescape.space.networks import NETWORK
from prunescape.space.recipe import PARAMETERS
from prunescape.space.search_space import SearchSpace
from prunescape.space.settings import parameter_named

MOST_SETTINGS = 100_000  # of a factorial design
MOST_BALANCED = 10_000  # trials of a balanced design, which take half a minute to spread
SHOWN = 20  # levels in a message
EXAMPLE = "see config/config.yaml for a complete example"


def check_kind(experiment: Experiment, where: str) -> None:
    """Raise InputError, below the key `where`, unless there is either a grid or a space, as the kind of design says."""
    kind = experiment.design.kind
    if experiment.tune:
        _refuse_beside_search(experiment, where)
        return
    if not experiment.design.has_space:
        if not experiment.grid:
            hint = f"{EXAMPLE}; a design of kind {', '.join(SPACE_KINDS)} has a space instead"
            raise InputError("this key is missing", where=f"{where}.grid", hint=hint)
        return
    if experiment.grid:
        what, hint = f"a {kind} design has a space, and a grid is given too", "remove grid, or set kind: grid"
        raise InputError(what, where=f"{where}.grid", allowed="one of grid and design.space", hint=hint)
    if not experiment.design.space:
        hint = f"give a {kind} design the levels or bounds of each hyperparameter that varies"
        raise InputError("this key is missing", where=f"{where}.design.space", hint=hint)


def _refuse_beside_search(experiment: Experiment, where: str) -> None:
    """Refuse what belongs to other designs where an experiment has a search."""
    hint = "a search has a space of its own: remove this key, or tune"
    for name in BESIDE_SEARCH:
        if name in experiment.model_fields_set:
            raise InputError("a search is given too, in tune", where=f"{where}.{name}", hint=hint)
    if len(experiment.seeds) > 1:
        what = f"a search trains each trial once, and {len(experiment.seeds)} seeds are given"
        raise InputError(what, where=f"{where}.seeds", allowed="one seed")


def check_space_design(experiment: Experiment, options: dict[str, Any], where: str) -> None:
    """Raise InputError, below the key `where`, for a design with a space that cannot be, on data of these `options`."""
    design, place = experiment.design, f"{where}.design"
    _check_grid_only(experiment, where)
    for name, values in design.space.items():
        located(f"{place}.space.{name}", check_range, name, values)
        if name in NETWORK:
            located(f"{place}.space", _check_network, experiment, name)
    for name in design.space:
        located(f"{place}.space.{name}", _check_default, experiment, name)
        located(f"{place}.space.{name}", check_acts, experiment.search_space, name)
    held_out = options["validation"] or "none" not in experiment.values_of("partition")
    if design.rank_by == "val_top1" and not held_out:
        hint = hold_out_hint(experiment, options)
        raise InputError("nothing is held out for validation", where=f"{place}.rank_by", hint=hint)
    dimensions = experiment.search_space.dimensions
    for arm in design.arms:
        located(f"{place}.arms", _check_arm, arm, dimensions)
    _check_trials(experiment, place)


def _check_grid_only(experiment: Experiment, where: str) -> None:
    """Refuse what reads a landscape: an extension, a verdict, a choice or an export of cells of a grid."""
    kind = experiment.design.kind
    if experiment.extension.max_rounds:
        what = f"a {kind} design has no grid that could extend"
        raise InputError(what, where=f"{where}.extension.max_rounds", allowed="0", hint="widen the space itself")
    if experiment.verdict.looks:
        what, hint = f"a {kind} design has no grid that a verdict could be about", "design.confirm trains fresh seeds"
        raise InputError(what, where=f"{where}.verdict.replicates", allowed="0", hint=hint)
    if "select_on" in experiment.model_fields_set:
        what, hint = f"a {kind} design says itself what settings are chosen by", "remove it, and set design.rank_by"
        raise InputError(what, where=f"{where}.select_on", hint=hint)
    for key in sorted(experiment.export.model_fields_set):
        what, hint = f"a {kind} design says itself which cells are exported", "remove it, and set design.best"
        raise InputError(what, where=f"{where}.export.{key}", hint=hint)


def check_range(name: str, values: Bounds | list[Any]) -> None:
    """Whether these are two levels or more, or bounds, of a hyperparameter that there is."""
    parameter = parameter_named(name)
    if isinstance(values, list):
        texts = level_texts(name, values)
        if len(texts) < 2:
            raise InputError(f"one level, {texts[0]}, does not vary", allowed="two levels or more", hint=_fix(name))
        return
    if not parameter.numeric:
        raise InputError(f"the values of {name} are no numbers and have no bounds", allowed="a list of levels")
    low, high = (located(end, parameter.value, value) for end, value in (("low", values.low), ("high", values.high)))
    if low >= high:
        raise InputError(f"low, {low}, is not under high, {high}", allowed="low under high", hint=_fix(name))


def _check_network(experiment: Experiment, name: str) -> None:
    """Whether the model's network has this hyperparameter, with each of its levels."""
    network_parameter(experiment.model, name)
    for text in experiment.search_space.levels.get(name, []):
        network_value(experiment.model, name, text)


def _fix(name: str) -> str:
    return f"one value that holds for all cells belongs to {_places_of(name)}"


def _places_of(name: str) -> str:
    """The keys of an experiment that may have the default of a hyperparameter."""
    return f"network.{name}" if name in NETWORK else f"prior.{name} or recipe.{name}"


def _check_default(experiment: Experiment, name: str) -> None:
    """Whether the prior's, the recipe's or the network's value of a hyperparameter is one that trials may have."""
    given = _places_of(name)
    try:
        default = experiment.prior_text(name)
    except InputError as error:  # auto, which is no value of a cell
        raise InputError(f"its default: {error.what}", allowed=error.allowed, hint=f"change {given}") from None
    if default is None:
        raise InputError("it has no default", hint=f"give {given}")
    space, value = experiment.search_space, PARAMETERS[name].value(default)
    if name in space.levels and default not in space.levels[name]:
        what = f"its default, {default}, is none of its levels"
        levels = sorted(space.levels[name], key=PARAMETERS[name].value)
        allowed = ", ".join(levels[:SHOWN]) + ", ..." * (len(levels) > SHOWN)
        raise InputError(what, allowed=allowed, hint=f"add it, or change {given}")
    if name in space.bounds:
        low, high = (PARAMETERS[name].value(text) for text in space.bounds[name])
        if not low <= value <= high:
            what = f"its default, {default}, is outside its bounds"
            raise InputError(what, allowed=f"{low} to {high}", hint=f"widen them, or change {given}")


def check_acts(space: SearchSpace, name: str) -> None:
    """Refuse a hyperparameter whose condition no trial fulfils."""
    for other, levels in PARAMETERS[name].meaning.when:
        if other in space.bounds:
            continue
        values = [PARAMETERS[other].value(text) for text in space.levels.get(other, [])] or [space.others[other]]
        if not set(values) & set(levels):
            texts = " or ".join(map(str, levels))
            what = f"it acts only where {other} is {texts}, and that is {', '.join(map(str, values))}"
            raise InputError(what, hint=f"remove it, or let {other} be {texts} in some trials")


def _check_arm(arm: str, dimensions: dict[str, list[str]]) -> None:
    """Whether an arm is one that there is, and fixes something that varies."""
    if arm == LIAO2022:
        return
    names = [name for members in dimensions.values() for name in members]
    known = [ALL, AGAIN, *(f"{FIX}{name}" for name in names), *(f"{FIX_DIMENSION}{name}" for name in dimensions)]
    try:
        fixed_by(arm, dimensions)
    except KeyError:
        prefix = next((start for start in (FIX_DIMENSION, FIX) if arm.startswith(start)), "")
        what = f"{arm} fixes what does not vary" if prefix else f'there is no arm "{arm}"'
        name = arm.removeprefix(prefix)
        hint = f"add {name} to the space, or leave the arm out" if name in PARAMETERS else nearest(arm, known)
        raise InputError(what, allowed=", ".join(known), hint=hint) from None


def _check_trials(experiment: Experiment, place: str) -> None:
    """Whether every arm has as many different settings as trials are asked for, and as many as are chosen of them."""
    design, space = experiment.design, experiment.search_space
    if design.kind != "random" and space.bounds:
        name = min(space.bounds)
        what = f"a {design.kind} design needs levels, and {name} has bounds"
        raise InputError(what, where=f"{place}.space.{name}", allowed="a list of levels")
    if design.kind == "factorial":
        trials = sum(1 for _ in islice(space.settings(), MOST_SETTINGS + 1))
        if trials > MOST_SETTINGS:
            what, allowed = "there are too many combinations", f"up to {MOST_SETTINGS} settings"
            raise InputError(what, where=f"{place}.space", allowed=allowed, hint="kind: random or balanced")
    else:
        trials = _checked_trials(experiment, place)
    _check_chosen(design, trials, place)


def _checked_trials(experiment: Experiment, place: str) -> int:
    trials = experiment.design.trials
    if trials is None:
        raise InputError("this key is missing", where=f"{place}.trials", hint="how many settings each arm trains")
    if experiment.design.kind == "balanced" and trials > MOST_BALANCED:
        what, allowed = f"{trials} trials are too many to balance", f"1 to {MOST_BALANCED}"
        raise InputError(what, where=f"{place}.trials", allowed=allowed, hint="kind: random")
    for arm, fixed in experiment.trial_terms["arms"].items():
        space = experiment.search_space.fixed(fixed).countable(trials)
        found = sum(1 for _ in islice(space.settings(), trials))
        if found < trials:
            what = f"{trials} trials are asked for, and arm {arm} has {found} different settings"
            hint = "ask for fewer, add levels, or leave the arm out"
            raise InputError(what, where=f"{place}.trials", allowed=f"1 to {found}", hint=hint)
    return trials


def _check_chosen(design: DesignTerms, trials: int, place: str) -> None:
    if design.best > trials:
        what, allowed = f"best, {design.best}, is more than the {trials} trials", f"1 to {trials}"
        raise InputError(what, where=f"{place}.best", allowed=allowed)
    if design.confirm and design.confirm.first > trials:
        what, allowed = f"first, {design.confirm.first}, is more than the {trials} trials", f"1 to {trials}"
        raise InputError(what, where=f"{place}.confirm.first", allowed=allowed)
