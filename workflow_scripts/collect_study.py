"""Gather every record and measurement of a study into two tables."""

from pathlib import Path

from prunescape.analysis.study_tables import check_records, write_benchmarks, write_cells
from prunescape.designs.plan import Plan
from prunescape.designs.rounds import Places, read_round
from prunescape.running.job_log import job_log


def collect_study(
    records: list[Path],
    benchmarks: list[Path],
    rounds: list[Path],
    *,
    declared: dict[str, dict],
    plans: dict[str, Plan],
    cells_out: Path,
    benchmarks_out: Path,
) -> None:
    """Write `cells_out` and `benchmarks_out` (Parquet).

    `declared` names each experiment's declaration `shared` and its `widths` by variant. Raises InputError that names a
    damaged input, or a record that was trained by something else than its experiment declares.
    """
    check_records(records, declared)
    names = write_cells(records, cells_out, places=Places(plans, [read_round(path) for path in rounds]))
    write_benchmarks(benchmarks, benchmarks_out, hyperparameters=names)


if __name__ == "__main__" and "snakemake" in globals():
    with job_log(snakemake.log[0]):
        collect_study(
            [Path(path) for path in snakemake.input.records],
            [Path(path) for path in snakemake.input.benchmarks],
            [Path(path) for path in snakemake.input.rounds],
            declared=snakemake.params.declared,
            plans={name: Plan(**plan) for name, plan in snakemake.params.plans.items()},
            cells_out=Path(snakemake.output.cells),
            benchmarks_out=Path(snakemake.output.benchmarks),
        )
