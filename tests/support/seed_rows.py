"""Long tables of cells with seeds and stages."""

import numpy as np
import pandas as pd


def rows(variant, scores, *, lr=None, seed=0, stage="grid", **more) -> pd.DataFrame:
    """One seed's rows of the long table, at log10_lr 0, 1, 2, ... unless said."""
    key = {"experiment": "e", "model": "m", "dataset": "d", "metric": "top1", "log10_wd": -4.0, "status": "ok"}
    where = np.arange(len(scores), dtype=float) if lr is None else lr
    frame = pd.DataFrame({"variant": variant, "log10_lr": where, "score": scores, "seed": seed, "stage": stage})
    return frame.assign(**(key | more))


def study(*parts) -> pd.DataFrame:
    return pd.concat(parts, ignore_index=True)


def pilot(variant, scores, lr=0.0) -> pd.DataFrame:
    return study(*(rows(variant, [score], lr=[lr], seed=100 + i, stage="pilot") for i, score in enumerate(scores)))
