"""Which way a grid has to grow until it holds the optimal area, and how far it may. Needs pandas for what it reads."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from prunescape.analysis.cells_table import LANDSCAPE, SETTING
from prunescape.analysis.landscape.regions import regions
from prunescape.config.types import LOG10_BOUNDS
from prunescape.space.cells import canonical
from prunescape.store.records import OK

if TYPE_CHECKING:
    import pandas as pd

STEPS = 2  # that an edge moves out in one round
THRESHOLD = 1.0
METRIC = "top1"
Axes = dict[str, list[str]]


def extended_axes(axes: Axes, scores: pd.DataFrame) -> Axes:
    """The axes of the next round for one experiment: canonical text by axis, equal to `axes` when nothing moves.

    While a point of the 1.0-ROI of any variant and seed lies on an edge of the grid, that edge moves out 2 steps, for
    all variants (matthiesen2023, 3.3; the rule is decided), never past `LOG10_BOUNDS`. Diverged cells draw no edge
    outwards. `scores` as `table.scores` gives it, `axes` equally spaced.
    """
    points = good_points(scores)
    return {name: _extended(name, values, set(points[name])) for name, values in axes.items()}


def good_points(scores: pd.DataFrame) -> pd.DataFrame:
    """The settings of every 1.0-ROI in top-1 whose training converged."""
    converged = scores.loc[(scores["status"] == OK) & (scores["metric"] == METRIC), [*LANDSCAPE, *SETTING]]
    return regions(scores[scores["metric"] == METRIC], (THRESHOLD,)).merge(converged, on=[*LANDSCAPE, *SETTING])


def _extended(name: str, values: list[str], good: set[float]) -> list[str]:
    """One axis, lowest value first, with up to `STEPS` more values at each end that holds a good point."""
    if len(values) < 2:
        return values
    numbers, (low, high) = [Decimal(value) for value in values], LOG10_BOUNDS[name]
    step = numbers[1] - numbers[0]
    outwards = [(numbers[0], -step), (numbers[-1], step)]
    added = [edge + k * way for edge, way in outwards if float(edge) in good for k in range(1, STEPS + 1)]
    return [canonical(number) for number in sorted({*numbers, *(new for new in added if low <= new <= high)})]
