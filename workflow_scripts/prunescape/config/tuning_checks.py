"""What must fit together in a search with budgets: its space, its budget, its target."""

from collections.abc import Mapping
from typing import Any

from prunescape.config import speech
from prunescape.config.datasets import SIZES, task_of
from prunescape.config.design_checks import check_acts, check_range
from prunescape.config.designs import Bounds
from prunescape.config.experiment import Experiment
from prunescape.config.recipe_checks import hold_out_hint
from prunescape.config.system_checks import check_decoded, check_values
from prunescape.config.texts import SIZES as TEXT_SIZES
from prunescape.config.tuning import CUT, DATASET, GRID, OF_WHOLE, RATIOS, TUNE_V2, VARIANT
from prunescape.errors import InputError, located, nearest
from prunescape.space.networks import NETWORK
from prunescape.space.recipe import PARAMETERS
from prunescape.space.system_parameters import NEUTRAL, SYSTEM
from prunescape.space.variants import Variant


def check_search_space(experiment: Experiment, where: str) -> None:
    """Raise InputError, below the key `where`, for a space of a search that cannot be."""
    tune = experiment.tune
    assert tune is not None
    for name, values in tune.hyperparameters.items():
        _refuse_unsearched(name, f"{where}.{name}")
        located(f"{where}.{name}", check_range, name, values)
    for name in tune.hyperparameters:
        located(f"{where}.{name}", check_acts, experiment.search_space, name)
    _check_variants(experiment, f"{where}.{VARIANT}")
    if len(experiment.searched_variants) < 2 and not tune.hyperparameters and not tune.system:
        what, hint = "nothing in this space varies", "give levels or bounds of a hyperparameter, or two variants"
        raise InputError(what, where=where, hint=hint)
    bounded = [name for name, values in tune.hyperparameters.items() if isinstance(values, Bounds)]
    if tune.sampler == GRID and bounded:
        what = "a grid needs levels, and these are bounds"
        raise InputError(what, where=f"{where}.{bounded[0]}", allowed="a list of levels")
    if tune.objective in RATIOS and "batch_size" in bounded:
        what = f"{tune.objective} measures the training at each batch size, and these are bounds"
        raise InputError(what, where=f"{where}.batch_size", allowed="a list of levels")
    if experiment.tuning_terms["ranked"]:
        _check_ranking(experiment, where)


def _refuse_unsearched(name: str, where: str) -> None:
    """Refuse what no search varies, at the place `where`."""
    if name in CUT:
        hint = "recipe.epochs and recipe.data_share are the whole training; tune.budget says how little may do"
        raise InputError("the budget of a search decides it", where=where, hint=hint)
    if name in SYSTEM and name not in (*NEUTRAL, *PARAMETERS):
        what, hint = f"{name} changes how sums are rounded, and is settled once for all cells", "system.parameters"
        raise InputError(what, where=where, allowed=", ".join(NEUTRAL), hint=hint)
    if name in NETWORK:
        what, hint = "networks are planned before any training, and a search chooses as it goes", "list variants"
        raise InputError(what, where=where, hint=hint)
    if name == f"{VARIANT}s":
        what = f'no hyperparameter is called "{name}"'
        raise InputError(what, where=where, hint=f'did you mean "{VARIANT}"?')


def _check_variants(experiment: Experiment, where: str) -> None:
    """Whether the listed variants are those of the experiment, each once."""
    known = [variant.name for variant in experiment.all_variants]
    if isinstance(experiment.tune.space.get(VARIANT, []), Bounds):
        raise InputError("variants have no bounds", where=where, allowed="a list of variants")
    for name in experiment.searched_variants:
        if name not in known:
            hint = nearest(name, known) or "add its ratio to `variants` of the experiment"
            raise InputError(f'there is no variant "{name}"', where=where, allowed=", ".join(known), hint=hint)


def _check_ranking(experiment: Experiment, where: str) -> None:
    """Whether the base can be trained at a default setting, whose weights variants inherit or rank filters by."""
    variants = map(Variant.parse, experiment.searched_variants)
    first = next(each for each in variants if each.ranks_trained_filters)
    for name in experiment.tune.hyperparameters:
        if experiment.prior_text(name) is None:
            what = f"{first.name} needs the weights of a trained base, and {name} has no default to train it with"
            hint = f"give prior.{name}" + (", or set pruning.ranking: initial" if not first.inherits else "")
            raise InputError(what, where=f"{where}.{name}", hint=hint)


def _check_pipelines(experiment: Experiment, where: str) -> None:
    """Whether budgets can cut what the variants train, and an objective knows how much that is."""
    tune, variants = experiment.tune, [Variant.parse(name) for name in experiment.searched_variants]
    rewinding = next((each.name for each in variants if each.rewinds), None)
    if experiment.cuts_epochs and rewinding:
        what = f"with fewer epochs {rewinding} would start from the weights of another epoch"
        hint = f"schedule: {OF_WHOLE}, kind: {DATASET}, or leave it out of {VARIANT}"
        raise InputError(what, where=f"{where}.budget", hint=hint)
    after, recipe = experiment.retraining.epochs or 0, experiment.declared_recipe["epochs"]
    if experiment.cuts_epochs and after > recipe:
        what = f"a budget cuts epochs, and {after} after pruning are more than the {recipe} of the recipe"
        place = where.removesuffix(".tune") + ".retraining.epochs"
        raise InputError(what, where=place, allowed=f"1 to {recipe}", hint=f"or tune.budget.schedule: {OF_WHOLE}")
    stretched = next((each.name for each in variants if each.pipeline == "scratch_b"), None)
    if tune.objective in RATIOS and stretched:
        what = f"{tune.objective} takes the epochs of a training, and those of {stretched} are known when it is planned"
        raise InputError(what, where=f"{where}.space.{VARIANT}", hint=f"leave it out of {VARIANT}")


def check_search(experiment: Experiment, options: dict[str, Any], targets: Mapping[str, Any], where: str) -> None:
    """Raise InputError, below the key `where`, for a search that does not fit its data of these `options` or target."""
    tune = experiment.tune
    assert tune is not None
    if tune.target not in targets:
        hint = nearest(tune.target, list(targets)) or "add it to `targets` of the study"
        raise InputError(
            f'there is no target "{tune.target}"', where=f"{where}.target", allowed=", ".join(targets), hint=hint
        )
    if not options["validation"] and "none" in experiment.values_of("partition"):
        what, hint = (
            "a search promotes by validation accuracy, and nothing is held out",
            hold_out_hint(experiment, options),
        )
        raise InputError(what, where=where, hint=hint)
    _check_pipelines(experiment, where)
    _check_budget(experiment, options, f"{where}.budget")
    _check_system(experiment, options, f"{where}.space")


def _check_system(experiment: Experiment, options: dict[str, Any], where: str) -> None:
    """Whether system parameters decide something, and act on the data set."""
    tune = experiment.tune
    if tune.strategy == TUNE_V2 and not tune.system:
        what = "tune_v2 takes system parameters for hyperparameters, and none is here"
        raise InputError(what, where=where, allowed=", ".join(NEUTRAL), hint="workers: [0, 2]")
    for name, values in tune.system.items():
        place = f"{where}.{name}"
        if tune.strategy != TUNE_V2:
            what = f"{name} changes no accuracy, and {tune.strategy} takes no system parameters for hyperparameters"
            raise InputError(what, where=place, hint="strategy: tune_v2, or leave it out")
        located(place, check_values, SYSTEM[name], values)
        check_decoded(name, options, place)


def _check_budget(experiment: Experiment, options: dict[str, Any], where: str) -> None:
    """Whether the first rung is part of a whole training, and has one batch at least."""
    tune = experiment.tune
    budget, longest = tune.budget, max(experiment.whole_epochs.values())
    whole = {"epochs": longest, "data_share": experiment.declared_recipe["data_share"]}
    unused = {"epochs": {"min_share"}, "dataset": {"min_epochs"}}.get(budget.kind, set()) & budget.model_fields_set
    if unused:
        name = unused.pop()
        raise InputError(
            f"a budget of {budget.kind} has no {name}", where=f"{where}.{name}", hint="remove it, or set kind: multi"
        )
    for key, name in (("min_epochs", "epochs"), ("min_share", "data_share")):
        least = budget.least.get(name)
        if least is not None and least > whole[name]:
            what = f"the first rung, {least:g}, is more than a whole training, {whole[name]:g}"
            raise InputError(what, where=f"{where}.{key}", allowed=f"up to {whole[name]:g}")
    if all(least >= whole[name] for name, least in budget.least.items()):
        what, hint = "the first rung is a whole training already, so there is nothing to cut", "choose less of it"
        raise InputError(what, where=where, hint=hint)
    share, largest = budget.least.get("data_share"), max(experiment.values_of("batch_size"))
    images = _training_examples(options)
    if share is not None and images and share * images < largest:
        what = f"{share:g} of {images} examples are less than one batch of {largest}"
        raise InputError(what, where=f"{where}.min_share", allowed=f"{largest / images:.3g} or more")


def _training_examples(options: dict[str, Any]) -> int:
    """How many examples there are to train on, at most; 0 where only preparing the data can tell."""
    if options["train"]:
        return options["train"]
    if task_of(options) == speech.TASK:
        return speech.SPLITS["train"]
    _, train, test, _ = {**SIZES, **TEXT_SIZES}.get(options["name"], (0, 0, 0, 0))
    held_out = options["validation"] or 0
    return max(0, (train if test is not None else train - (options["test"] or 0)) - held_out)
