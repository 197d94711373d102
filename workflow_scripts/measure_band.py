"""Measure the slope of each landscape's good band and its ratio of Eq 2.2. Needs cells.parquet of the study."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from prunescape.analysis.cells_table import read_cells, scores
from prunescape.analysis.landscape.band import BAND_COLUMNS, band
from prunescape.analysis.landscape.ellipse import ellipses
from prunescape.analysis.landscape.regions import regions
from prunescape.running.job_log import job_log
from prunescape.store.tables import write_result


def measure_band(
    cells: Path | str, recipes: Mapping[str, Sequence[float]], *, parquet: Path | str, csv: Path | str
) -> None:
    """Write the bands of whatever cells exist; `recipes` as in `band`; raises InputError for an unusable table."""
    landscapes = scores(read_cells(cells, partial=True))
    roi = regions(landscapes)
    write_result(band(landscapes, roi, ellipses(roi, landscapes), recipes), BAND_COLUMNS, parquet=parquet, csv=csv)


if __name__ == "__main__" and "snakemake" in globals():
    with job_log(snakemake.log[0]):
        measure_band(
            snakemake.input.cells,
            snakemake.params.recipes,
            parquet=snakemake.output.band,
            csv=snakemake.output.band_csv,
        )
