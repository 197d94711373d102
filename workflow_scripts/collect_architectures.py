"""Gather what was measured of untrained variants into tables."""

from pathlib import Path

from prunescape.analysis.analyse import collect_architectures
from prunescape.running.job_log import job_log

if __name__ == "__main__" and "snakemake" in globals():
    with job_log(snakemake.log[0]):
        collect_architectures(
            snakemake.params.objectives,
            measured=list(snakemake.input.measured),
            out=Path(snakemake.output.tables[0]).parent,
        )
