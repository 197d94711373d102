"""Find each landscape's regions of interest and fit their confidence ellipses. Needs cells.parquet of the study."""

from pathlib import Path

from prunescape.analysis.cells_table import read_cells, scores
from prunescape.analysis.landscape.ellipse import ELLIPSE_COLUMNS, ellipses
from prunescape.analysis.landscape.regions import ROI_COLUMNS, regions
from prunescape.running.job_log import job_log
from prunescape.store.tables import write_result


def map_landscapes(
    cells: Path | str, *, roi: Path | str, roi_csv: Path | str, ellipses_parquet: Path | str, ellipses_csv: Path | str
) -> None:
    """Write the regions and ellipses of whatever cells exist; raises InputError for a table that cannot be used."""
    landscapes = scores(read_cells(cells, partial=True))
    members = regions(landscapes)
    write_result(members, ROI_COLUMNS, parquet=roi, csv=roi_csv)
    write_result(ellipses(members, landscapes), ELLIPSE_COLUMNS, parquet=ellipses_parquet, csv=ellipses_csv)


if __name__ == "__main__" and "snakemake" in globals():
    with job_log(snakemake.log[0]):
        map_landscapes(
            snakemake.input.cells,
            roi=snakemake.output.roi,
            roi_csv=snakemake.output.roi_csv,
            ellipses_parquet=snakemake.output.ellipses,
            ellipses_csv=snakemake.output.ellipses_csv,
        )
