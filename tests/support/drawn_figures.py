"""Figures drawn from a table of cells."""

from prunescape.analysis.analyse import analyse
from prunescape.present.figures.folder import draw_figures

AXIS = [-5.0, -4.0, -3.0, -2.0, -1.0]
PLAN = {"prior": {"log10_lr": "-1.0", "log10_wd": -3.0}, "grid": {"log10_lr": AXIS, "log10_wd": AXIS}}
STUDY = {"experiments": {"d-m": PLAN}}


def draw(folder, frame):
    """Analyse the cells `frame` and draw their figures; gives the folder of the figures."""
    folder.mkdir()
    cells, out = folder / "cells.parquet", folder / "figures"
    frame.assign(experiment="d-m").to_parquet(cells)
    analyse(cells, folder, partial=True)
    draw_figures(STUDY, cells=cells, roi=folder / "roi.parquet", ellipses=folder / "ellipses.parquet", out=out)
    return out
