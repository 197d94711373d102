"""The next round of a study: grids that reach too short grow; then points are kept for fresh seeds. Needs pandas."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prunescape.analysis.cells_table import checked_cells, scores
from prunescape.analysis.collect import cell_rows
from prunescape.analysis.verdict.study_verdicts import points_to_replicate
from prunescape.designs.extension import extended_axes
from prunescape.space.cells import Cell, Variant, canonical, grid_cells
from prunescape.space.rounds import Places, Round
from prunescape.store.records import GRID, REPLICATE

if TYPE_CHECKING:
    import pandas as pd

Plans = dict[str, dict[str, Any]]


def next_round(plans: Plans, *, number: int, records: Iterable[Path | str], earlier: list[Round]) -> Round:
    """Round `number` of a study: the grid's next extension while one is due, else the replicates, which are the last.

    `plans` holds for each experiment what `Study.round_plan` gives, `records` those of all cells so far. Raises
    InputError that names a damaged record.
    """
    cells = study_cells(plans, records, earlier)
    axes = earlier[-1].axes if earlier else {name: plan["axes"] for name, plan in plans.items()}
    landscapes = scores(cells)
    wider = {
        name: extended_axes(axes[name], landscapes[landscapes["experiment"] == name])
        if number <= plan["extension"]
        else axes[name]
        for name, plan in plans.items()
    }
    if wider != axes:
        replicates_follow = any(plan["fresh_seeds"] for plan in plans.values())
        last = number == max(plan["extension"] for plan in plans.values()) and not replicates_follow
        return Round(number, last, wider, {GRID: added_cells(plans, axes, wider)})
    return Round(number, True, axes, {REPLICATE: replicates(plans, cells)})


def study_cells(plans: Plans, records: Iterable[Path | str], earlier: list[Round]) -> pd.DataFrame:
    """The cells so far as `read_cells` would give them."""
    import pandas as pd

    places = Places(plans, earlier)
    return checked_cells(pd.DataFrame(cell_rows(records, places)), "records", partial=True)


def added_cells(plans: Plans, axes: dict, wider: dict) -> list[Cell]:
    """The cells of the grids `wider` that those of `axes` do not have."""
    return [
        cell
        for name, plan in plans.items()
        for cell in grid_cells(name, map(Variant.parse, plan["variants"]), *wider[name].values(), plan["seeds"])
        if cell.log10_lr not in axes[name]["log10_lr"] or cell.log10_wd not in axes[name]["log10_wd"]
    ]


def replicates(plans: Plans, cells: pd.DataFrame) -> list[Cell]:
    """Every fresh seed at every point of each pruned variant that the screening keeps."""
    points = points_to_replicate(cells, {name: plan["verdict"] for name, plan in plans.items()})
    return [
        Cell(row.experiment, Variant.parse(row.variant), canonical(row.log10_lr), canonical(row.log10_wd), seed)
        for row in points.itertuples()
        for seed in plans[row.experiment]["fresh_seeds"]
    ]
