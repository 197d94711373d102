"""Write the tables of a paper, with published values where the study follows one. Needs the study's tables."""

from pathlib import Path

from prunescape.present.tables.folder import write_tables
from prunescape.running.job_log import job_log

if __name__ == "__main__" and "snakemake" in globals():
    with job_log(snakemake.log[0]):
        write_tables(
            cells=snakemake.input.cells,
            ellipses=snakemake.input.ellipses,
            risk=snakemake.input.risk,
            out=Path(snakemake.output[0]).parent,
            reference=snakemake.params.reference,
            priors=snakemake.params.priors,
        )
