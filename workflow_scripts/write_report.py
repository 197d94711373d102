"""Write the report of a study: one page that opens without a network."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from prunescape.running.warm import load_analysis, run_job


def write_report(study: dict[str, Any], results: str, *, figures: str, out: str) -> None:
    """As `write_report` of the package, of a study that is whole; the warm process of a run imports it once."""
    from prunescape.present.report import page

    page.write_report(study, Path(results), figures=Path(figures), missing=[], unmeasured=[], out=out)


def preload(arguments: Mapping[str, Any]) -> None:
    """Load what other jobs need too, in the process that will fork them."""
    load_analysis("prunescape.present.report.page")


if __name__ == "__main__" and "snakemake" in globals():
    run_job(
        write_report,
        log=snakemake.log[0],
        study=snakemake.params.study,
        results=str(Path(snakemake.input.cells).parent),
        figures=str(Path(snakemake.input.figures).parent),
        out=snakemake.output.report,
    )
