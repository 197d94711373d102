"""Measure one untrained variant on one target."""

from pathlib import Path

from prunescape.measure.architecture import measure_architecture
from prunescape.running.job_log import job_log

if __name__ == "__main__" and "snakemake" in globals():
    with job_log(snakemake.log[0]):
        measure_architecture(
            snakemake.params.target | snakemake.params.reached_by,
            snakemake.params.architecture,
            export=Path(snakemake.input.exported),
            identity=Path(snakemake.input.identity),
            data=Path(snakemake.input.data),
            kept=Path(snakemake.params.kept),
            code=snakemake.params.code,
            out=Path(snakemake.output.measured),
        )
