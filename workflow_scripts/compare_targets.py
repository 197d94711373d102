"""Compare the exported models on their targets: recommendations, fronts, scenarios, speed-ups, properties."""

from pathlib import Path

from prunescape.analysis.cost.compare import compare_targets
from prunescape.running.job_log import job_log

if __name__ == "__main__" and "snakemake" in globals():
    with job_log(snakemake.log[0]):
        compare_targets(
            snakemake.params.objectives,
            cells=snakemake.input.cells,
            benchmarks=snakemake.input.benchmarks,
            out=Path(snakemake.output.tables[0]).parent,
        )
