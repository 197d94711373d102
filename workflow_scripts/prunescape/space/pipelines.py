"""The pipelines by which a pruned network starts and is trained: one entry each, and what its plan holds of it.

The plan (widths.json) names where the weights start and the segments of the schedule; pruning/retraining.py trains by
that alone, so no result follows from this file (running/code_digest.py). docs/pipelines.md says what each is for.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

ONE, PER_SEED = BASES = (
    "one",
    "per_seed",
)  # the base that is inherited from: with seed 0 by all, or with a cell's own seed
Segment = str | dict[str, Any]


def one_cycle(epochs: int) -> list[float]:
    """The rate's factors of one cycle over E `epochs` (Le and Hua, 2021, CLR; Smith and Topin, 2019).

    Up to the full rate in W = min(⌈E / 10⌉, E − 1) equal steps, (e + 1) / (W + 1), then a cosine towards zero,
    (1 + cos(π (e − W) / (E − W))) / 2.
    """
    rising = min(math.ceil(epochs / 10), epochs - 1)
    falling = epochs - rising
    up = [(epoch + 1) / (rising + 1) for epoch in range(rising)]
    return up + [0.5 * (1 + math.cos(math.pi * epoch / falling)) for epoch in range(falling)]


@dataclass(frozen=True)
class Pipeline:
    """One segment of the schedule, from E, and where the weights `start`.

    They are initialised with the cell's seed, or inherited: trained ones of the base, and E epochs follow, or its
    initial ones. `earlier`: the inherited weights are those of an earlier epoch.
    """

    segment: Callable[[int], Segment]
    start: Literal["initialised", "inherited", "initial"] = "inherited"
    earlier: bool = False


PIPELINES = {
    "scratch": Pipeline(lambda _: "recipe", "initialised"),
    "scratch_b": Pipeline(lambda _: {"name": "stretched"}, "initialised"),
    "init": Pipeline(lambda _: "recipe", "initial"),
    "fine_tune": Pipeline(lambda epochs: {"name": "last_rate", "epochs": epochs}),
    "rewind_rate": Pipeline(lambda epochs: {"name": "last_epochs", "epochs": epochs}),
    "rewind_weights": Pipeline(lambda epochs: {"name": "last_epochs", "epochs": epochs}, earlier=True),
    "restart": Pipeline(lambda epochs: {"name": "linear", "epochs": epochs}),
    "cyclic": Pipeline(lambda epochs: {"name": "listed", "factors": one_cycle(epochs)}),
}


def plan_pipeline(
    name: str, *, epochs: int | None = None, rewound_to: int | None = None, cut: bool = False
) -> dict[str, Any]:
    """What the plan of a variant holds of its pipeline, as JSON values: `epochs` is E.

    Weights that were `rewound_to` epoch 0 are the initial ones. What is stretched gets its factor when the share of
    FLOPs is known. Where a search has `cut` budgets, "shorter" are the segments with 1, 2, …, E − 1 epochs.
    """
    pipeline = PIPELINES[name]
    start = "initial" if pipeline.earlier and rewound_to == 0 else pipeline.start
    plan = {"name": name, "start": start, "segments": [pipeline.segment(epochs)]}
    if cut and pipeline.start == "inherited":
        plan["shorter"] = [[pipeline.segment(fewer)] for fewer in range(1, epochs)]
    return plan
