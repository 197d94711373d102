"""Decide from the cells so far which ones the next round adds."""

from pathlib import Path

import pandas as pd

from prunescape.analysis.axes import Axes
from prunescape.analysis.read_cells import checked_study_cells
from prunescape.analysis.study_tables import cells_frame
from prunescape.designs.plan import Plan
from prunescape.designs.rounds import Places, next_round, read_round
from prunescape.running.job_log import job_log
from prunescape.store.files import write_json
from prunescape.store.records import OF_TRIALS


def plan_round(plans: dict[str, Plan], *, number: int, records: list[Path], earlier: list[Path], out: Path) -> None:
    """Write round `number` to `out` (JSON, see designs/rounds.py).

    `plans` holds each experiment's; `records` are those of all cells so far, `earlier` the rounds before. Raises
    InputError that names a damaged input.
    """
    rounds = [read_round(path) for path in earlier]
    axes = {name: Axes.of(plan.axes) for name, plan in plans.items() if plan.axes}
    cells = cells_frame(records, Places(plans, rounds))
    trials = cells[cells["stage"].isin(OF_TRIALS)]
    known = pd.concat([checked_study_cells(cells, "records", axes), trials]) if axes else trials
    write_json(out, next_round(plans, number=number, cells=known, earlier=rounds).content())


if __name__ == "__main__" and "snakemake" in globals():
    with job_log(snakemake.log[0]):
        plan_round(
            {name: Plan(**plan) for name, plan in snakemake.params.plans.items()},
            number=int(snakemake.wildcards.round),
            records=[Path(path) for path in snakemake.input.records],
            earlier=[Path(path) for path in snakemake.input.earlier],
            out=Path(snakemake.output.plan),
        )
