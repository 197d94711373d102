"""Describe what the seeds tell: membership, spread, shift, similarity, tests. Needs cells.parquet of the study."""

from collections.abc import Mapping
from pathlib import Path

from prunescape.analysis.cells_table import read_cells, scores
from prunescape.analysis.landscape.ellipse import ellipses
from prunescape.analysis.landscape.regions import regions
from prunescape.analysis.landscape.risk import risk
from prunescape.analysis.seeds.seed_tables import SEED_TABLES, seed_tables
from prunescape.running.job_log import job_log
from prunescape.store.tables import write_result


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
