"""Landscapes as long tables, over full grids."""

import numpy as np
import pandas as pd

from prunescape.analysis.cells_table import LANDSCAPE


def landscape(wd, lr, score, **key) -> pd.DataFrame:
    """The long table of one landscape, as `table.scores` gives it."""
    key = {"experiment": "e", "model": "m", "dataset": "d", "variant": "base", "seed": 0, "metric": "top1"} | key
    frame = pd.DataFrame({"log10_wd": wd, "log10_lr": lr, "score": score, "chosen_on": score, "status": "ok"})
    return frame.assign(**key)[[*LANDSCAPE, "log10_lr", "log10_wd", "status", "score", "chosen_on"]]


def full_grid(size: int = 9, step: float = 0.2):
    axis = step * (np.arange(size) - size // 2)
    wd, lr = np.meshgrid(axis, axis)
    return wd.ravel(), lr.ravel()
