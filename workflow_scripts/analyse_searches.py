"""Analyse the searches of a study: every trial on every rung, what rungs cost, and what was found."""

from pathlib import Path

from prunescape.designs.searched import write_search_tables
from prunescape.running.job_log import job_log

if __name__ == "__main__" and "snakemake" in globals():
    with job_log(snakemake.log[0]):
        write_search_tables(
            snakemake.params.terms,
            cells=Path(snakemake.input.cells),
            rounds=[Path(path) for path in snakemake.input.rounds],
            widths=[Path(path) for path in snakemake.input.widths],
            measured=[Path(path) for path in snakemake.input.measured],
            trained=[Path(path) for path in snakemake.input.trained],
            precisions=snakemake.params.precisions,
            out=Path(snakemake.output.tables[0]).parent,
        )
