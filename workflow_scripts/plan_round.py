"""Decide from the cells so far which ones the next round adds. Needs their records and the earlier rounds."""

from pathlib import Path

from prunescape.designs.next_round import next_round
from prunescape.running.job_log import job_log
from prunescape.space.rounds import read_round
from prunescape.store.files import write_json


def plan_round(plans: dict[str, dict], *, number: int, records: list[Path], earlier: list[Path], out: Path) -> None:
    """Write round `number` to `out` (JSON, see rounds.Round).

    `plans` holds for each name what decides its rounds (see Study.round_plan); `records` are those of all cells
    so far, `earlier` the rounds before. Raises InputError that names a damaged input.
    """
    planned = next_round(plans, number=number, records=records, earlier=[read_round(path) for path in earlier])
    write_json(out, planned.content())


if __name__ == "__main__" and "snakemake" in globals():
    with job_log(snakemake.log[0]):
        plan_round(
            snakemake.params.experiments,
            number=int(snakemake.wildcards.round),
            records=[Path(path) for path in snakemake.input.records],
            earlier=[Path(path) for path in snakemake.input.earlier],
            out=Path(snakemake.output.plan),
        )
