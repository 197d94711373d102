"""Gather every measurement of a study into one table."""

from collections.abc import Mapping
from typing import Any

from prunescape.running.warm import load_analysis, run_job


def collect_benchmarks(benchmarks: list[str], *, cells: str, out: str) -> None:
    """As `write_benchmarks`; the warm process of a run imports it once."""
    from prunescape.analysis.study_tables import write_benchmarks

    write_benchmarks(benchmarks, out, cells=cells)


def preload(arguments: Mapping[str, Any]) -> None:
    """Load what other jobs need too, in the process that will fork them."""
    load_analysis("prunescape.analysis.study_tables")


if __name__ == "__main__" and "snakemake" in globals():
    run_job(
        collect_benchmarks,
        log=snakemake.log[0],
        benchmarks=list(snakemake.input.benchmarks),
        cells=snakemake.input.cells,
        out=snakemake.output.benchmarks,
    )
