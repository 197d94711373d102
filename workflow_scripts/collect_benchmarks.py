"""Gather every measurement of a study into one table."""

from pathlib import Path

from prunescape.analysis.study_tables import write_benchmarks
from prunescape.running.job_log import job_log

if __name__ == "__main__" and "snakemake" in globals():
    with job_log(snakemake.log[0]):
        write_benchmarks(
            [Path(path) for path in snakemake.input.benchmarks],
            Path(snakemake.output.benchmarks),
            cells=Path(snakemake.input.cells),
        )
