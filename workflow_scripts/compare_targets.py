"""Compare the exported models on their targets: recommendations, fronts, scenarios, speed-ups, properties."""

from pathlib import Path

from prunescape.analysis import analyse
from prunescape.running.job_log import job_log


def compare_targets(
    cells: Path,
    benchmarks: Path,
    objectives: dict,
    *,
    risk_threshold: float,
    out: Path,
    architectures: Path | None = None,
) -> None:
    """Write every target table into the folder `out`, as Parquet and CSV.

    `objectives` holds the limits and the load as a study dumps them; regions of properties have the `risk_threshold`,
    percentage points or percent; `architectures` is what was measured before
    training, if anything was. Raises InputError for a table that cannot be used.
    """
    given = {"cells": cells, "benchmarks": benchmarks, "architectures": architectures}
    analyse.compare_targets(objectives, **given, risk_threshold=risk_threshold, out=out)


if __name__ == "__main__" and "snakemake" in globals():
    with job_log(snakemake.log[0]):
        compare_targets(
            Path(snakemake.input.cells),
            Path(snakemake.input.benchmarks),
            snakemake.params.objectives,
            risk_threshold=snakemake.params.risk_threshold,
            out=Path(snakemake.output.tables[0]).parent,
            architectures=next(map(Path, snakemake.input.architectures), None),
        )
