"""Gather what int8 costs exported models into tables."""

from pathlib import Path

from prunescape.analysis.analyse import collect_int8
from prunescape.running.job_log import job_log

if __name__ == "__main__" and "snakemake" in globals():
    with job_log(snakemake.log[0]):
        collect_int8(list(snakemake.input.explained), out=Path(snakemake.output.tables[0]).parent)
