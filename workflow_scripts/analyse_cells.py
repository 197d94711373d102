"""Analyse the cells of a study: regions, ellipses, risk, verdicts, and what several seeds tell."""

from pathlib import Path

from prunescape.analysis.analyse import analyse_study
from prunescape.running.job_log import job_log


def analyse_cells(cells: Path, terms: dict, *, out: Path) -> None:
    """Write every landscape table of whatever cells exist into the folder `out`, as Parquet and CSV.

    `terms` as `Study.analysis_terms` gives them. Raises InputError for a table of cells that cannot be used.
    """
    analyse_study(cells, terms, out)


if __name__ == "__main__" and "snakemake" in globals():
    with job_log(snakemake.log[0]):
        analyse_cells(Path(snakemake.input.cells), snakemake.params.terms, out=Path(snakemake.output.tables[0]).parent)
