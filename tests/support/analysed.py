"""A study's table of cells with its landscape tables, as a run leaves them in a folder."""

from prunescape.analysis.analyse import analyse_study
from prunescape.analysis.axes import DEFAULT_AXES


def analysed(folder, frame):
    """Write `frame` as cells.parquet and every landscape table of it into `folder`; gives the path of the cells."""
    if "experiment" not in frame:
        frame = frame.assign(experiment=frame["dataset"] + "-" + frame["model"])
    folder.mkdir(exist_ok=True)
    cells, plan = folder / "cells.parquet", {"axes": DEFAULT_AXES.names, "recipe": [None, None], "verdict": {}}
    frame.to_parquet(cells)
    experiments = dict.fromkeys(sorted({"d-m", *frame["experiment"]}), plan)
    analyse_study(cells, {"experiments": experiments, "thresholds": [0.5, 1.0], "risk_threshold": 0.5}, folder)
    return cells
