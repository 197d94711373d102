"""Gather the epochs of every training into one table."""

from collections.abc import Mapping
from typing import Any

from prunescape.running.warm import load_analysis, run_job


def collect_curves(records: list[str], *, out: str) -> None:
    """As `write_curves`; the warm process of a run imports it once."""
    from prunescape.analysis.efficiency.curves import write_curves

    write_curves(records, out)


def preload(arguments: Mapping[str, Any]) -> None:
    """Load what other jobs need too, in the process that will fork them."""
    load_analysis("prunescape.analysis.efficiency.curves")


if __name__ == "__main__" and "snakemake" in globals():
    run_job(
        collect_curves,
        log=snakemake.log[0],
        records=list(snakemake.input.records),
        out=snakemake.output.curves,
    )
