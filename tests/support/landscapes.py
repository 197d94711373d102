"""Landscapes as long tables, over full grids."""

import numpy as np
import pandas as pd

from prunescape.analysis.axes import BASE, DEFAULT_AXES, LANDSCAPE, Axes, Axis, Metric

AXES = DEFAULT_AXES
THRESHOLDS = (0.5, 1.0)


def landscape(wd, lr, score, **key) -> pd.DataFrame:
    """The long table of one landscape, as `read_cells.scores` gives it."""
    key = {"experiment": "e", "model": "m", "dataset": "d", "variant": "base", "seed": 0, "metric": "top1"} | key
    frame = pd.DataFrame({"log10_wd": wd, "log10_lr": lr, "score": score, "chosen_on": score, "status": "ok"})
    return frame.assign(**key)[[*LANDSCAPE, "log10_lr", "log10_wd", "status", "score", "chosen_on"]]


def columns(x="log10_wd", y="log10_lr", metric=None, minimise=False, base=BASE) -> dict:
    """The columns of a table as the analysis takes them, and as the command line names them."""
    return {"axes": Axes((Axis.parse(y), Axis.parse(x))), "metric": Metric(metric, minimise), "base": base}


def full_grid(size: int = 9, step: float = 0.2):
    axis = step * (np.arange(size) - size // 2)
    wd, lr = np.meshgrid(axis, axis)
    return wd.ravel(), lr.ravel()
