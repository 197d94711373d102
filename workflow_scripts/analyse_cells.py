"""Analyse the cells of a study: regions, ellipses, risk, verdicts, and what several seeds tell."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from prunescape.running.warm import load_analysis, run_job


def analyse_cells(cells: Path | str, terms: dict, *, out: Path | str) -> None:
    """Write every landscape table of whatever cells exist into the folder `out`, as Parquet and CSV.

    `terms` as `Study.analysis_terms` gives them. Raises InputError for a table of cells that cannot be used.
    """
    from prunescape.analysis.analyse import analyse_study

    analyse_study(cells, terms, out)


def preload(arguments: Mapping[str, Any]) -> None:
    """Load what other jobs need too, in the process that will fork them."""
    load_analysis("prunescape.analysis.analyse")


if __name__ == "__main__" and "snakemake" in globals():
    run_job(
        analyse_cells,
        log=snakemake.log[0],
        cells=snakemake.input.cells,
        terms=snakemake.params.terms,
        out=str(Path(snakemake.output.tables[0]).parent),
    )
