"""Measure the exported models of one experiment on one target."""

from pathlib import Path

from prunescape.measure.benchmark import benchmark_target
from prunescape.running.job_log import job_log

if __name__ == "__main__" and "snakemake" in globals():
    with job_log(snakemake.log[0]):
        benchmark_target(
            snakemake.params.target | snakemake.params.reached_by,
            exports=[Path(path).parent for path in snakemake.input.exports],
            identity=Path(snakemake.input.identity),
            data=Path(snakemake.input.data),
            out=Path(snakemake.output.benchmark),
        )
