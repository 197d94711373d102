"""How a cell starts and is trained by its variant's pipeline: JSON that the plan (widths.json) holds.

A pipeline has its `name`, where the weights `start`, and the `segments` of its schedule in their order, each the name
of one or {"name": …, options}. Which pipelines there are stands in pipelines.py: a new one leaves this module alone,
so no cell of another is trained again.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from torch import nn

from prunescape.models.build import initialise
from prunescape.models.weights import load_weights
from prunescape.space.recipe import Recipe

INITIALISED = "initialised"  # with the cell's seed
INHERITED = "inherited"  # trained weights of the base
INITIAL = "initial"  # the base's weights before any training
Segment = str | dict[str, Any]


def start_network(network: nn.Module, pipeline: dict[str, Any], seed: int, weights: str | None = None) -> nn.Module:
    """`network` as the pipeline starts: He-initialised with `seed`, or with the inherited `weights` of that file."""
    if pipeline["start"] == INITIALISED:
        return initialise(network, seed)
    load_weights(network, weights)
    return network


def cut_short(pipeline: dict[str, Any], values: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """A cell's pipeline, and the values of its setting that are its recipe's, on the budget of a search.

    Where weights are inherited its `epochs` are those after pruning: the plan has the pipeline's "shorter" segments for
    each number of them, and the recipe, whose schedule they look at, keeps its own.
    """
    if "shorter" not in pipeline or "epochs" not in values:
        return pipeline, dict(values)
    shared = {name: value for name, value in values.items() if name != "epochs"}
    return pipeline | {"segments": pipeline["shorter"][values["epochs"] - 1]}, shared


def retraining_recipe(pipeline: dict[str, Any], recipe: Recipe) -> Recipe:
    """The recipe as the pipeline trains by it: weights that are trained already need no warm-up."""
    return replace(recipe, warmup_epochs=0) if pipeline["start"] == INHERITED else recipe


def whole_recipe(recipe: Recipe) -> list[float]:
    """The recipe's schedule from its first epoch to its last."""
    return [recipe.rate_factor(epoch) for epoch in range(recipe.epochs)]


def stretched(recipe: Recipe, factor: float) -> list[float]:
    """The recipe's schedule over `factor` times its epochs, at least one; its milestones move along."""
    epochs = max(1, round(factor * recipe.epochs))
    milestones = tuple(round(factor * milestone) for milestone in recipe.milestones)
    return whole_recipe(replace(recipe, epochs=epochs, milestones=milestones))


def last_rate(recipe: Recipe, epochs: int) -> list[float]:
    """The rate of the schedule's last epoch, for all `epochs`."""
    return epochs * [recipe.rate_factor(recipe.epochs - 1)]


def last_epochs(recipe: Recipe, epochs: int) -> list[float]:
    """The last `epochs` of the schedule again; all of it where it has no more."""
    return whole_recipe(recipe)[-epochs:]


def linear(recipe: Recipe, epochs: int) -> list[float]:
    """From the full rate down to zero, which it would reach after the last of `epochs`."""
    return [1 - epoch / epochs for epoch in range(epochs)]


def listed(recipe: Recipe, factors: Sequence[float]) -> list[float]:
    """These factors, one per epoch: of a schedule that does not depend on the recipe's."""
    return list(factors)


SEGMENTS: dict[str, Callable[..., list[float]]] = {
    "recipe": whole_recipe,
    "stretched": stretched,
    "last_rate": last_rate,
    "last_epochs": last_epochs,
    "linear": linear,
    "listed": listed,
}


def rate_factors(pipeline: dict[str, Any], recipe: Recipe) -> list[float]:
    """What the learning rate is multiplied by during each epoch."""
    return [factor for segment in pipeline["segments"] for factor in _factors(segment, recipe)]


def _factors(segment: Segment, recipe: Recipe) -> list[float]:
    options = {"name": segment} if isinstance(segment, str) else dict(segment)
    return SEGMENTS[options.pop("name")](recipe, **options)
