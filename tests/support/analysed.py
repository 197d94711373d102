"""A study's table of cells with its landscape tables, as a run leaves them in a folder."""

from prunescape.analysis.analyse import analyse_study
from prunescape.analysis.axes import DEFAULT_AXES


def study_terms(recipe=(64, 0.9), **experiments) -> dict:
    """What the analysis of a study takes, for `experiments` with these axes."""
    shared = {"recipe": list(recipe), "verdict": {"noise": "pooled"}}
    plans = {name: {"axes": axes} | shared for name, axes in experiments.items()}
    return {"thresholds": [0.5, 1.0], "risk_threshold": 0.5, "experiments": plans}


def analysed(folder, frame):
    """Write `frame` as cells.parquet and every landscape table of it into `folder`; gives the path of the cells."""
    if "experiment" not in frame:
        frame = frame.assign(experiment=frame["dataset"] + "-" + frame["model"])
    folder.mkdir(exist_ok=True)
    cells = folder / "cells.parquet"
    frame.to_parquet(cells)
    experiments = dict.fromkeys(sorted({"d-m", *frame["experiment"]}), DEFAULT_AXES.names)
    analyse_study(cells, study_terms((None, None), **experiments), folder)
    return cells
