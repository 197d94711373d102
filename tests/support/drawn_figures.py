"""Figures drawn from a table of cells."""

from draw_figures import draw_figures
from estimate_risk import estimate_risk
from map_landscapes import map_landscapes

STUDY = {"experiments": {"d-m": {"prior": {"log10_lr": "-1.0", "log10_wd": -3.0}}}}


def draw(folder, frame):
    folder.mkdir()
    frame.to_parquet(folder / "cells.parquet")
    tables = {name: folder / f"{name}.parquet" for name in ("roi", "ellipses", "risk")}
    map_landscapes(
        folder / "cells.parquet",
        roi=tables["roi"],
        roi_csv=folder / "roi.csv",
        ellipses_parquet=tables["ellipses"],
        ellipses_csv=folder / "ellipses.csv",
    )
    estimate_risk(folder / "cells.parquet", parquet=tables["risk"], csv=folder / "risk.csv")
    out = folder / "figures"
    draw_figures(STUDY, cells=folder / "cells.parquet", roi=tables["roi"], ellipses=tables["ellipses"], out=out)
    return out
