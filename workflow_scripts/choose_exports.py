"""Choose from all trials of a study which cells are exported."""

from pathlib import Path

from prunescape.analysis.study_tables import cells_frame
from prunescape.designs.exports import study_exports
from prunescape.designs.plan import Plan
from prunescape.designs.rounds import Places
from prunescape.running.job_log import job_log
from prunescape.store.files import write_json


def choose_exports(plans: dict[str, Plan], *, records: list[Path], out: Path) -> None:
    """Write the chosen cells to `out` (JSON, see designs/exports.py).

    `plans` holds each experiment's with trials; `records` are those of all their trials. Raises InputError that names a
    damaged input.
    """
    write_json(out, {"experiments": study_exports(plans, cells_frame(records, Places(plans, [])))})


if __name__ == "__main__" and "snakemake" in globals():
    with job_log(snakemake.log[0]):
        choose_exports(
            {name: Plan(**plan) for name, plan in snakemake.params.plans.items()},
            records=[Path(path) for path in snakemake.input.records],
            out=Path(snakemake.output.chosen),
        )
