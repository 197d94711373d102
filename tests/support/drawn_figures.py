"""Figures drawn from a table of cells."""

from prunescape.present.figures.folder import draw_figures
from support.analysed import analysed

AXIS = [-5.0, -4.0, -3.0, -2.0, -1.0]
PLAN = {"prior": {"log10_lr": "-1.0", "log10_wd": -3.0}, "grid": {"log10_lr": AXIS, "log10_wd": AXIS}}
STUDY = {"experiments": {"d-m": PLAN}}


def draw(folder, frame):
    """Analyse the cells `frame` and draw their figures; gives the folder of the figures."""
    cells, out = analysed(folder, frame), folder / "figures"
    draw_figures(STUDY, cells=cells, roi=folder / "roi.parquet", ellipses=folder / "ellipses.parquet", out=out)
    return out
