"""Describe what the seeds tell: membership, spread, shift, similarity, tests. Needs cells.parquet of the study."""

from collections.abc import Mapping
from pathlib import Path

from prunescape.joblog import job_log
from prunescape.landscape.ellipse import ellipses
from prunescape.landscape.result import write_result
from prunescape.landscape.risk import risk
from prunescape.landscape.roi import regions
from prunescape.landscape.seeds import SEED_TABLES, seed_tables
from prunescape.landscape.table import read_cells, scores


def describe_seeds(cells: Path | str, out: Mapping[str, Path | str]) -> None:
    """Write each of `SEED_TABLES` to out[NAME] and out[NAME_csv]; raises InputError for a table that cannot be used."""
    landscapes = scores(read_cells(cells, partial=True))
    roi = regions(landscapes)
    found = seed_tables(landscapes, roi, ellipses(roi, landscapes), risk(landscapes, roi))
    for name, frame in found.items():
        write_result(frame, SEED_TABLES[name], parquet=out[name], csv=out[f"{name}_csv"])


if __name__ == "__main__" and "snakemake" in globals():
    with job_log(snakemake.log[0]):
        describe_seeds(snakemake.input.cells, dict(snakemake.output.items()))
