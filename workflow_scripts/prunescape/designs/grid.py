"""The grid as configured: every setting of it, for every variant and seed (matthiesen2023, 3.3)."""

from __future__ import annotations

from prunescape.designs.plan import Addition, Plan, Progress
from prunescape.space.cells import Cell
from prunescape.store.records import GRID

STAGE = GRID


def first_cells(plan: Plan) -> list[Cell]:
    """The whole grid: no result decides on it."""
    return plan.grid(plan.axes, plan.seeds)


def has_rounds(plan: Plan) -> bool:
    """Never: extension.py lets it grow."""
    return False


def next_cells(plan: Plan, progress: Progress, cells) -> Addition:
    """Nothing."""
    return Addition([], progress.axes, done=True)
