"""Write the tables of a paper, with published values where the study follows a published one."""

from pathlib import Path

from prunescape.present.tables.folder import write_tables
from prunescape.running.job_log import job_log

if __name__ == "__main__" and "snakemake" in globals():
    with job_log(snakemake.log[0]):
        write_tables(
            snakemake.params.study,
            cells=snakemake.input.cells,
            ellipses=snakemake.input.ellipses,
            risk=snakemake.input.risk,
            out=Path(snakemake.output[0]).parent,
        )
