"""Fresh seeds: at the prior to learn the seed noise, then at the points that the first seeds cannot rule out."""

from __future__ import annotations

from prunescape.designs.plan import Addition, Plan, Progress
from prunescape.space.cells import Cell
from prunescape.space.settings import Setting
from prunescape.store.records import REPLICATE

STAGE = REPLICATE
NAME = "replicates"


def first_cells(plan: Plan) -> list[Cell]:
    """The pilot: every variant at the prior with every fresh seed, unless the noise is given."""
    if plan.verdict["sigma"] is not None:
        return []
    return plan.grid({name: [text] for name, text in plan.prior.items()}, plan.fresh_seeds)


def has_rounds(plan: Plan) -> bool:
    """Whether fresh seeds are asked for at all."""
    return bool(plan.fresh_seeds)


def next_cells(plan: Plan, progress: Progress, cells) -> Addition:
    """Every fresh seed at every point that the screening keeps, of each pruned variant, in one round."""
    from prunescape.analysis.axes import Axes
    from prunescape.analysis.verdict.study_verdicts import points_to_replicate

    if NAME in progress.rounds:
        return Addition([], progress.axes, done=True)
    rows = cells[cells["experiment"] == plan.experiment]
    terms = {plan.experiment: plan.verdict}
    points = points_to_replicate(rows, Axes.of(plan.axes), terms, plan.risk_threshold, plan.claims)
    added = [
        cell
        for row in points.to_dict("records")
        for cell in plan.at(row["variant"], Setting.of({name: row[name] for name in plan.axes}), plan.fresh_seeds)
    ]
    return Addition(added, progress.axes, done=True)
