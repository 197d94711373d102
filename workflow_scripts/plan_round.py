"""Decide from the cells so far which ones the next round adds."""

from collections.abc import Mapping
from typing import Any

from prunescape.running.warm import load_analysis, run_job


def plan_round(
    plans: dict[str, dict[str, Any]], *, number: int, records: list[str], earlier: list[str], out: str
) -> None:
    """Write round `number` to `out` (JSON, see designs/rounds.py).

    `plans` holds each experiment's; `records` are those of all cells so far, `earlier` the rounds before. Raises
    InputError that names a damaged input.
    """
    import pandas as pd

    from prunescape.analysis.axes import Axes
    from prunescape.analysis.read_cells import checked_study_cells
    from prunescape.analysis.study_tables import cells_frame
    from prunescape.designs.plan import Plan
    from prunescape.designs.rounds import Places, next_round, read_round
    from prunescape.store.files import write_json
    from prunescape.store.records import OF_TRIALS

    known = {name: Plan(**plan) for name, plan in plans.items()}
    rounds = [read_round(path) for path in earlier]
    axes = {name: Axes.of(plan.axes) for name, plan in known.items() if plan.axes}
    cells = cells_frame(records, Places(known, rounds))
    trials = cells[cells["stage"].isin(OF_TRIALS)]
    cells = pd.concat([checked_study_cells(cells, "records", axes), trials]) if axes else trials
    write_json(out, next_round(known, number=number, cells=cells, earlier=rounds).content())


def preload(arguments: Mapping[str, Any]) -> None:
    """Load what other jobs need too, in the process that will fork them."""
    load_analysis("prunescape.analysis.study_tables", "prunescape.designs.rounds")


if __name__ == "__main__" and "snakemake" in globals():
    run_job(
        plan_round,
        log=snakemake.log[0],
        plans=snakemake.params.plans,
        number=int(snakemake.wildcards.round),
        records=list(snakemake.input.records),
        earlier=list(snakemake.input.earlier),
        out=snakemake.output.plan,
    )
