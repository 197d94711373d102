"""Write the report of a study: one page that opens without a network. Needs the study's tables and figures."""

from pathlib import Path
from typing import Any

from prunescape.joblog import job_log
from prunescape.report.page import write_page


def write_report(
    study: dict[str, Any],
    *,
    cells: Path | str,
    ellipses: Path | str,
    risk: Path | str,
    benchmarks: Path | str | None,
    figures: Path | str,
    missing: list[dict[str, str]],
    out: Path | str,
) -> None:
    """Write `out`; the arguments are those of `write_page`. Raises InputError for tables that cannot be used."""
    tables = {"cells": cells, "ellipses": ellipses, "risk": risk, "benchmarks": benchmarks}
    write_page(study, **tables, figures=figures, missing=missing, out=out)


if __name__ == "__main__" and "snakemake" in globals():
    with job_log(snakemake.log[0]):
        write_report(
            snakemake.params.study,
            cells=snakemake.input.cells,
            ellipses=snakemake.input.ellipses,
            risk=snakemake.input.risk,
            benchmarks=snakemake.input.benchmarks,
            figures=snakemake.input.figures,
            missing=[],
            out=snakemake.output.report,
        )
