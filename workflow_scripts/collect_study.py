"""Gather every record and measurement of a study into two tables."""

from pathlib import Path

from prunescape.analysis.collect import check_records, write_benchmarks, write_cells
from prunescape.designs.rounds import Places, read_round
from prunescape.running.job_log import job_log


def collect_study(
    records: list[Path],
    benchmarks: list[Path],
    rounds: list[Path],
    *,
    experiments: dict[str, dict],
    design: dict[str, dict],
    cells_out: Path,
    benchmarks_out: Path,
) -> None:
    """Write `cells_out` and `benchmarks_out` (Parquet).

    `experiments` names each one's declaration `shared` and its `widths` by variant, `design` holds the seeds of its
    grid and the split it is to select_on. Raises InputError that names a damaged input, or a record that was trained by
    something else than its experiment declares.
    """
    check_records(records, experiments)
    write_cells(records, cells_out, places=Places(design, [read_round(path) for path in rounds]))
    write_benchmarks(benchmarks, benchmarks_out)


if __name__ == "__main__" and "snakemake" in globals():
    with job_log(snakemake.log[0]):
        collect_study(
            [Path(path) for path in snakemake.input.records],
            [Path(path) for path in snakemake.input.benchmarks],
            [Path(path) for path in snakemake.input.rounds],
            experiments=snakemake.params.experiments,
            design=snakemake.params.design,
            cells_out=Path(snakemake.output.cells),
            benchmarks_out=Path(snakemake.output.benchmarks),
        )
