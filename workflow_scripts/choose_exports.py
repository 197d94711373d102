"""Choose from all trials of a study which cells are exported."""

from collections.abc import Mapping
from typing import Any

from prunescape.running.warm import load_analysis, run_job


def choose_exports(plans: dict[str, dict[str, Any]], *, records: list[str], out: str) -> None:
    """Write the chosen cells to `out` (JSON, see designs/exports.py).

    `plans` holds each experiment's with trials; `records` are those of all their trials. Raises InputError that names a
    damaged input.
    """
    from prunescape.analysis.study_tables import cells_frame
    from prunescape.designs.exports import study_exports
    from prunescape.designs.plan import Plan
    from prunescape.designs.rounds import Places
    from prunescape.store.files import write_json

    known = {name: Plan(**plan) for name, plan in plans.items()}
    write_json(out, {"experiments": study_exports(known, cells_frame(records, Places(known, [])))})


def preload(arguments: Mapping[str, Any]) -> None:
    """Load what other jobs need too, in the process that will fork them."""
    load_analysis("prunescape.analysis.study_tables", "prunescape.designs.rounds")


if __name__ == "__main__" and "snakemake" in globals():
    run_job(
        choose_exports,
        log=snakemake.log[0],
        plans=snakemake.params.plans,
        records=list(snakemake.input.records),
        out=snakemake.output.chosen,
    )
