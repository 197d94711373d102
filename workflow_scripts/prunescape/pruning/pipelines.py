"""How a variant's network starts and is trained: one function per pipeline, which its plan (widths.json) holds.

A pipeline is JSON: its `name`, where the weights `start`, and the `segments` of its schedule in their order.
"""

from typing import Any

from torch import nn

from prunescape.models.build import initialise
from prunescape.space.recipe import Recipe


def scratch() -> dict[str, Any]:
    """He-initialised weights and the whole recipe: no weight that ranked filters stays (matthiesen2023, 3.1.3)."""
    return {"name": "scratch", "start": "initialised", "segments": ["recipe"]}


def whole_recipe(recipe: Recipe) -> list[float]:
    """The recipe's schedule from its first epoch to its last."""
    return [recipe.rate_factor(epoch) for epoch in range(recipe.epochs)]


PIPELINES = {"scratch": scratch}
STARTS = {"initialised": initialise}
SEGMENTS = {"recipe": whole_recipe}


def start_network(network: nn.Module, pipeline: dict[str, Any], seed: int) -> nn.Module:
    """`network` with the weights that the pipeline starts from."""
    return STARTS[pipeline["start"]](network, seed)


def rate_factors(pipeline: dict[str, Any], recipe: Recipe) -> list[float]:
    """What the learning rate is multiplied by during each epoch."""
    return [factor for segment in pipeline["segments"] for factor in SEGMENTS[segment](recipe)]
