"""Gather the epochs of every training into one table."""

from prunescape.analysis.efficiency.curves import write_curves
from prunescape.running.job_log import job_log

if __name__ == "__main__" and "snakemake" in globals():
    with job_log(snakemake.log[0]):
        write_curves(snakemake.input.records, snakemake.output.curves)
