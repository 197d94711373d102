"""Fresh seeds: at the prior to learn the seed noise, then where the verdicts need them, look by look."""

import pandas as pd

from prunescape.designs.plan import Axes, Plan
from prunescape.space.cells import Cell
from prunescape.space.settings import Setting
from prunescape.store.records import REPLICATE

STAGE = REPLICATE
METRIC = "top1"  # the metric whose verdict decides where fresh seeds go
# every round adds seeds of finitely many: those of a look, one at each doubted point, all at those that it opens, and
# again where these are noisier and put more points in doubt
ENOUGH_ROUNDS = 10_000


def first_cells(plan: Plan) -> list[Cell]:
    """The pilot: every variant at the prior with the seeds of the first look, unless the noise is given."""
    if plan.verdict["sigma"] is not None or not plan.fresh_seeds:
        return []
    seeds = plan.fresh_seeds[: plan.verdict["looks"][0]]
    return plan.grid({name: [text] for name, text in plan.prior.items()}, seeds)


def most_rounds(plan: Plan) -> int:
    """More than any verdict needs: a design that asks for no more cells is done."""
    return ENOUGH_ROUNDS if plan.fresh_seeds else 0


def next_cells(plan: Plan, axes: Axes, cells: pd.DataFrame) -> tuple[list[Cell], Axes]:
    """What the next step of each pruned variant's verdict needs: see `analysis.verdict.looks`."""
    from prunescape.analysis import axes as analysis_axes
    from prunescape.analysis.read_cells import long_scores
    from prunescape.analysis.verdict.planning import wanted_cells
    from prunescape.analysis.verdict.stage_two import Design

    named = analysis_axes.Axes.of(plan.axes)
    rows = long_scores(cells[cells["experiment"] == plan.experiment], named)
    rows = rows[rows["metric"] == METRIC]
    wanted = wanted_cells(rows, named, plan.risk_threshold, Design.of(plan.verdict), plan.claims)
    added = [
        cell
        for row in wanted.to_dict("records")
        for cell in plan.at(row["variant"], Setting.of({name: row[name] for name in plan.axes}), [int(row["seed"])])
    ]
    return added, axes
