"""Fresh seeds: at the prior to learn the seed noise, then at the points that the first seeds cannot rule out."""

import pandas as pd

from prunescape.designs.plan import Axes, Plan
from prunescape.space.cells import Cell
from prunescape.space.settings import Setting
from prunescape.store.records import REPLICATE

STAGE = REPLICATE
METRIC = "top1"  # the metric whose verdict decides where fresh seeds go


def first_cells(plan: Plan) -> list[Cell]:
    """The pilot: every variant at the prior with every fresh seed, unless the noise is given."""
    if plan.verdict["sigma"] is not None:
        return []
    return plan.grid({name: [text] for name, text in plan.prior.items()}, plan.fresh_seeds)


def most_rounds(plan: Plan) -> int:
    """One, if fresh seeds are asked for at all."""
    return int(bool(plan.fresh_seeds))


def next_cells(plan: Plan, axes: Axes, cells: pd.DataFrame) -> tuple[list[Cell], Axes]:
    """Every fresh seed at every point that the screening keeps, of each pruned variant."""
    from prunescape.analysis import axes as analysis_axes
    from prunescape.analysis.read_cells import long_scores
    from prunescape.analysis.verdict.screening import kept_points

    named = analysis_axes.Axes.of(plan.axes)
    rows = long_scores(cells[cells["experiment"] == plan.experiment], named)
    levels = {name: plan.verdict[name] for name in ("margin", "alpha_screen", "sigma")}
    points = kept_points(rows[rows["metric"] == METRIC], named, plan.risk_threshold, claims=plan.claims, **levels)
    added = [
        cell
        for row in points.to_dict("records")
        for cell in plan.at(row["variant"], Setting.of({name: row[name] for name in plan.axes}), plan.fresh_seeds)
    ]
    return added, axes
