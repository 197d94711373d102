"""The pipelines by which a variant's network starts and is trained: one entry each, as its plan (widths.json) holds it.

Names stand in space/variants.py; retraining.py trains by what the plan says; docs/pipelines.md says what each is for.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from prunescape.pruning.retraining import INHERITED, INITIAL, INITIALISED, Segment


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
    "rewind_weights": Pipeline(INHERITED, lambda epochs, share: {"name": "last_epochs", "epochs": epochs}),
    "restart": Pipeline(INHERITED, lambda epochs, share: {"name": "linear", "epochs": epochs}),
}


def plan_pipeline(
    name: str, *, epochs: int | None = None, share: float = 1.0, rewound_to: int | None = None
) -> dict[str, Any]:
    """The pipeline called `name` as its plan holds it: `epochs` is E, `share` that of the FLOPs that are kept.

    Weights that were `rewound_to` epoch 0 are the initial ones.
    """
    pipeline = PIPELINES[name]
    start = INITIAL if rewound_to == 0 else pipeline.start
    return {"name": name, "start": start, "segments": [pipeline.segment(epochs, share)]}
