"""How a variant's network starts and is trained: one entry per pipeline, which its plan (widths.json) holds.

A pipeline is JSON: its `name`, where the weights `start`, and the `segments` of its schedule in their order, each the
name of one or {"name": …, options}. Names stand in space/variants.py; docs/pipelines.md says what each is for.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from torch import nn

from prunescape.models.build import initialise
from prunescape.models.weights import load_weights
from prunescape.space.recipe import Recipe

INITIALISED, INHERITED = "initialised", "inherited"
Segment = str | dict[str, Any]


@dataclass(frozen=True)
class Pipeline:
    """Where the weights start, and the one segment of the schedule, from E and the share of FLOPs that is kept."""

    start: str
    segment: Callable[[int | None, float], Segment]


PIPELINES = {
    "scratch": Pipeline(INITIALISED, lambda epochs, share: "recipe"),
    "scratch_b": Pipeline(INITIALISED, lambda epochs, share: {"name": "stretched", "factor": 1 / share}),
    "fine_tune": Pipeline(INHERITED, lambda epochs, share: {"name": "last_rate", "epochs": epochs}),
    "rewind_rate": Pipeline(INHERITED, lambda epochs, share: {"name": "last_epochs", "epochs": epochs}),
    "restart": Pipeline(INHERITED, lambda epochs, share: {"name": "linear", "epochs": epochs}),
}


def plan_pipeline(name: str, *, epochs: int | None = None, share: float = 1.0) -> dict[str, Any]:
    """The pipeline called `name` as its plan holds it: `epochs` is E, `share` that of the FLOPs that are kept."""
    pipeline = PIPELINES[name]
    return {"name": name, "start": pipeline.start, "segments": [pipeline.segment(epochs, share)]}


def inherits(pipeline: dict[str, Any]) -> bool:
    """Whether the weights start as those of the trained base."""
    return pipeline["start"] == INHERITED


def start_network(network: nn.Module, pipeline: dict[str, Any], seed: int, weights: str | None = None) -> nn.Module:
    """`network` as the pipeline starts: He-initialised with `seed`, or with the inherited `weights` of that file."""
    if not inherits(pipeline):
        return initialise(network, seed)
    load_weights(network, weights)
    return network


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


SEGMENTS: dict[str, Callable[..., list[float]]] = {
    "recipe": whole_recipe,
    "stretched": stretched,
    "last_rate": last_rate,
    "last_epochs": last_epochs,
    "linear": linear,
}


def rate_factors(pipeline: dict[str, Any], recipe: Recipe) -> list[float]:
    """What the learning rate is multiplied by during each epoch."""
    return [factor for segment in pipeline["segments"] for factor in _factors(segment, recipe)]


def _factors(segment: Segment, recipe: Recipe) -> list[float]:
    options = {"name": segment} if isinstance(segment, str) else dict(segment)
    return SEGMENTS[options.pop("name")](recipe, **options)


def retraining_recipe(pipeline: dict[str, Any], recipe: Recipe) -> Recipe:
    """The recipe as the pipeline trains by it: weights that are trained already need no warm-up."""
    return replace(recipe, warmup_epochs=0) if inherits(pipeline) else recipe
