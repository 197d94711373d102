"""Draw the landscapes and the risk of a study, for the browser and for print. Needs the study's tables."""

from pathlib import Path

from prunescape.figures.folder import study_figures, write_figures
from prunescape.joblog import job_log
from prunescape.landscape.ellipse import ELLIPSE_COLUMNS
from prunescape.landscape.result import read_result
from prunescape.landscape.risk import risk_points
from prunescape.landscape.roi import ROI_COLUMNS
from prunescape.landscape.table import read_cells, scores


def draw_figures(study: dict, *, cells: Path | str, roi: Path | str, ellipses: Path | str, out: Path | str) -> None:
    """Write every figure of whatever cells exist into the folder `out`; raises InputError for unusable tables."""
    landscapes = scores(read_cells(cells, partial=True))
    points = risk_points(landscapes, read_result(roi, ROI_COLUMNS))
    write_figures(study_figures(landscapes, read_result(ellipses, ELLIPSE_COLUMNS), points, study), out)


if __name__ == "__main__" and "snakemake" in globals():
    with job_log(snakemake.log[0]):
        draw_figures(
            snakemake.params.study,
            cells=snakemake.input.cells,
            roi=snakemake.input.roi,
            ellipses=snakemake.input.ellipses,
            out=snakemake.output.figures,
        )
