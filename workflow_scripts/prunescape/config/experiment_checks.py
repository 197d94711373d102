"""What must fit together in one experiment of a config, and with its data set."""

import math
from typing import Any

from prunescape.config.design_checks import check_kind, check_space_design
from prunescape.config.designs import Bounds
from prunescape.config.experiment import Experiment, axis_texts
from prunescape.config.factories import check_factory
from prunescape.config.messages import level_value
from prunescape.config.models import (
    FACTORIES,
    OF_BATCH_NORM,
    SCORES,
    WITHOUT_BATCH_NORM,
    network_parameter,
    network_values,
)
from prunescape.config.recipe_checks import check_recipe
from prunescape.config.retraining_checks import check_retraining
from prunescape.config.starting_weights import check_weights
from prunescape.config.system_checks import check_system
from prunescape.config.task_checks import check_data
from prunescape.config.tuning_checks import check_search_space
from prunescape.config.verdict import check_verdict
from prunescape.errors import InputError, located
from prunescape.space.networks import NETWORK
from prunescape.space.parameters import canonical, equally_spaced
from prunescape.space.recipe import PARAMETERS

SMALLEST_LOG10 = 0.5  # of a grid that lies above 0 as a whole: a lower one holds rates, not logarithms
NEEDED = ("log10_lr", "log10_wd")  # hyperparameters without a default


def check_experiment(experiment: Experiment, options: dict[str, Any], where: str) -> None:
    """Raise InputError, below the key `where`, for parts that do not fit together or the data set's `options`."""
    if experiment.architecture == FACTORIES:
        located(f"{where}.model", check_factory, experiment.model)
    if experiment.weights is not None:
        located(f"{where}.weights", check_weights, experiment.model, experiment.weights)
    check_kind(experiment, where)
    for name, value in experiment.network.items():
        located(f"{where}.network", network_parameter, experiment.model, name)
        located(f"{where}.network.{name}", level_value, name, value)
    located(f"{where}.network", network_values, experiment.model, experiment.network)
    for name in NEEDED:
        _refuse_raw_values(experiment, name, where)
    _check_prior(experiment, where)
    _check_settings(experiment, options, where)
    for name in NEEDED:
        if experiment.values_of(name) == [None]:
            hint = "give it here, or as an axis of the grid or the space"
            raise InputError("this key is missing", where=f"{where}.prior.{name}", hint=hint)
    check_data(experiment, options, where)
    _check_ratios(experiment, where)
    check_retraining(experiment, where)
    _check_score(experiment, where)
    check_recipe(experiment, where)
    check_verdict(experiment.verdict, f"{where}.verdict")
    check_system(experiment.system, options, f"{where}.system")
    if experiment.design.kind == "adaptive":
        _check_adaptive(experiment, where)


def _check_settings(experiment: Experiment, options: dict[str, Any], where: str) -> None:
    """Whether the settings that are trained, of a search, a design or a grid, can be."""
    if experiment.tune:
        check_search_space(experiment, f"{where}.tune.space")
    elif experiment.design.has_space:
        check_space_design(experiment, options, where)
    else:
        _check_grid(experiment, where)


def _check_prior(experiment: Experiment, where: str) -> None:
    for name, value in experiment.prior.items():
        located(f"{where}.prior.{name}", level_value, name, value)
        if name in NETWORK:
            hint = f"give it in network.{name}"
            raise InputError(f"{name} belongs to the network", where=f"{where}.prior.{name}", hint=hint)


def _refuse_raw_values(experiment: Experiment, name: str, where: str) -> None:
    """Refuse rates where their logarithms belong: all values above 0, and some so low that a rate is meant.

    A grid of learning rates above 1 that reaches down to 1 is none, nor is one of 10^0.5 and more.
    """
    values, place = experiment.grid.get(name), f"{where}.grid.{name}"
    if name in experiment.space:
        values, place = experiment.space[name], f"{where}.{experiment.section_of(name)}.{name}"
    if isinstance(values, Bounds):
        values = [values.low, values.high]
    if not isinstance(values, list):
        values, place = [experiment.prior.get(name, getattr(experiment.recipe, name))], f"{where}.prior.{name}"
    rates = [float(value) for value in values if not isinstance(value, bool) and _is_number(value)]
    if len(rates) == len(values) and min(rates) > 0 and min(rates) < SMALLEST_LOG10:
        texts = ", ".join(f"{rate:g}" for rate in rates)
        meant = ", ".join(f"{math.log10(rate):.4g}" for rate in rates)
        label = PARAMETERS[name].meaning.label
        what = f"{texts} would be a {label} of 10^{min(rates):g} = {10 ** min(rates):.3g}: the key takes log10"
        raise InputError(what, where=place, allowed=PARAMETERS[name].allowed, hint=f"did you mean {meant}?")


def _is_number(value: Any) -> bool:
    try:
        canonical(value)
    except InputError:
        return False
    return True


def _check_grid(experiment: Experiment, where: str) -> None:
    for name, values in experiment.grid.items():
        place = f"{where}.grid.{name}"
        if name in NETWORK:
            _check_network_axis(experiment, name, f"{where}.grid")
        prior = located(place, experiment.prior_text, name)
        texts = located(place, axis_texts, name, values, prior)
        if prior not in texts:
            what = f"{prior} is not on the grid" if prior else "this key is missing"
            section = "network" if name in NETWORK else "prior"
            raise InputError(what, where=f"{where}.{section}.{name}", allowed=", ".join(texts))
        if experiment.extension.max_rounds:
            located(place, check_extension, texts)


def _check_network_axis(experiment: Experiment, name: str, where: str) -> None:
    """Whether the model's network has this hyperparameter, and the grid needs no further networks."""
    located(where, network_parameter, experiment.model, name)
    if experiment.extension.max_rounds:
        what = "a grid does not extend along a hyperparameter of the network: networks are planned before any training"
        hint = "set extension.max_rounds to 0, or leave this axis out"
        raise InputError(what, where=f"{where}.{name}", hint=hint)


def _check_adaptive(experiment: Experiment, where: str) -> None:
    """Whether a share of the grid can tell the whole of it."""
    if experiment.extension.max_rounds:
        what = "an adaptive design trains a share of the grid as configured, and this grid extends"
        raise InputError(what, where=f"{where}.extension.max_rounds", allowed="0", hint="widen the grid itself")
    for name, texts in experiment.axes.items():
        if len(texts) < 2:
            what, hint = f"nothing can be inferred along an axis of one value, {texts[0]}", f"move it to prior.{name}"
            raise InputError(what, where=f"{where}.grid.{name}", allowed="two values or more", hint=hint)


def _check_ratios(experiment: Experiment, where: str) -> None:
    """Refuse what no network can reach; planning a variant knows what its own network can.

    Every layer keeps at least the share `min_keep` of what comes in and of what goes out, so it keeps at least the
    square of it of its FLOPs. A plan may be off by 1 %.
    """
    least = experiment.pruning.min_keep**2
    for method, ratios in experiment.variants.items():
        for ratio in ratios:
            if 1.01 * float(ratio) < least:
                what = (
                    f"{ratio} cannot be reached: every layer keeps the share min_keep, {experiment.pruning.min_keep:g}"
                )
                hint = "ask for a larger ratio or a smaller pruning.min_keep"
                raise InputError(what, where=f"{where}.variants.{method}", allowed=f"above {least:g}", hint=hint)


def _check_score(experiment: Experiment, where: str) -> None:
    """Whether the network has the scales of batch norm that rank its filters, and training made them differ."""
    if experiment.pruning.score != OF_BATCH_NORM or not any(each.ranks_filters for each in experiment.all_variants):
        return
    if experiment.model in WITHOUT_BATCH_NORM:
        what = f"{experiment.model} has no batch norm, whose scales rank filters"
        allowed = ", ".join(name for name in SCORES if name != OF_BATCH_NORM)
        raise InputError(what, where=f"{where}.pruning.score", allowed=allowed)
    if experiment.pruning.ranking != "trained":
        what = "all scales of batch norm are 1 before any training, so they rank nothing"
        hint = "remove this key, or take another score"
        raise InputError(what, where=f"{where}.pruning.ranking", allowed="trained", hint=hint)
    ranking = [each for each in experiment.all_variants if each.ranks_filters]
    if early := next((each.pipeline for each in ranking if not each.ranks_trained_filters), None):
        what = f"{early} ranks before any training, when all scales of batch norm are 1"
        raise InputError(what, where=f"{where}.retraining.pipelines", hint=f"leave {early} out, or take another score")


def check_extension(texts: list[str]) -> None:
    """Raise InputError for an axis that cannot grow by steps."""
    if not equally_spaced(texts):
        hint = "give the axis as {step, size}, or set extension.max_rounds to 0"
        what = f"{', '.join(texts)} are not equally spaced"
        raise InputError(what, allowed="equal steps where a grid extends", hint=hint)
