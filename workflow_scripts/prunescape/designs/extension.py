"""A grid that is extended until it holds the optimal area (matthiesen2023, 3.3)."""

from decimal import Decimal

import pandas as pd

from prunescape.designs.plan import Axes, Plan
from prunescape.errors import InputError
from prunescape.space.cells import Cell
from prunescape.space.recipe import PARAMETERS
from prunescape.store.records import GRID, OK

STAGE = GRID
STEPS = 2  # that an edge moves out in one round
METRIC = "top1"


def first_cells(plan: Plan) -> list[Cell]:
    """The whole grid, on which no result decides, unless the design is adaptive or has none."""
    return plan.grid(plan.axes, plan.seeds) if plan.axes and plan.most_settings is None else []


def most_rounds(plan: Plan) -> int:
    """How often the grid may grow."""
    return plan.max_rounds


def next_cells(plan: Plan, axes: Axes, cells: pd.DataFrame) -> tuple[list[Cell], Axes]:
    """The settings of the wider grid that the present one does not have, for every variant and seed."""
    from prunescape.analysis import axes as analysis_axes
    from prunescape.analysis.read_cells import scores

    named = analysis_axes.Axes.of(plan.axes)
    landscapes = scores(cells[cells["experiment"] == plan.experiment], named)
    wider = extended_axes(axes, good_points(landscapes, named, max(plan.thresholds)))
    there = set(plan.grid(axes, plan.seeds))
    return [cell for cell in plan.grid(wider, plan.seeds) if cell not in there], wider


def extended_axes(axes: Axes, points: pd.DataFrame) -> Axes:
    """The axes of the next round as texts by name, equal to `axes` when nothing moves.

    While a point of the largest ROI of any variant and seed lies on an edge of the grid, that edge moves out STEPS
    steps, for all variants (the rule is decided), never past the bounds of its hyperparameter. `points` as
    `good_points` gives them, `axes` equally spaced.
    """
    return {name: _extended(name, values, set(points[name])) for name, values in axes.items()}


def good_points(scores: pd.DataFrame, axes, threshold: float) -> pd.DataFrame:
    """The converged settings of every x-ROI in top-1, x the `threshold`: diverged ones draw no edge outwards."""
    from prunescape.analysis.landscape.regions import regions
    from prunescape.analysis.read_cells import LANDSCAPE

    own = scores[scores["metric"] == METRIC]
    converged = own.loc[own["status"] == OK, [*LANDSCAPE, *axes.names]]
    return regions(own, axes, (threshold,)).merge(converged, on=[*LANDSCAPE, *axes.names])


def _extended(name: str, texts: list[str], good: set[float]) -> list[str]:
    """One axis, lowest value first, with up to STEPS more values at each end that holds a good point."""
    if len(texts) < 2:
        return texts
    numbers = [Decimal(text) for text in texts]
    step = numbers[1] - numbers[0]
    outwards = [(numbers[0], -step), (numbers[-1], step)]
    added = [edge + k * way for edge, way in outwards if float(edge) in good for k in range(1, STEPS + 1)]
    known = {*numbers, *(new for new in added if _possible(name, new))}
    return [PARAMETERS[name].text(str(number)) for number in sorted(known)]


def _possible(name: str, value: Decimal) -> bool:
    try:
        PARAMETERS[name].value(str(value))
    except InputError:
        return False
    return True
