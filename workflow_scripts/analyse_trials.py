"""Analyse the trials of designs with a space: the best settings of each arm and variant, and their confirmation."""

from pathlib import Path

from prunescape.analysis.analyse import analyse_trials
from prunescape.running.job_log import job_log

if __name__ == "__main__" and "snakemake" in globals():
    with job_log(snakemake.log[0]):
        analyse_trials(
            snakemake.params.terms,
            cells=Path(snakemake.input.cells),
            trials=Path(snakemake.input.trials),
            benchmarks=Path(snakemake.input.benchmarks),
            out=Path(snakemake.output.tables[0]).parent,
        )
