"""The standard deviation between seeds, pooled over settings."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from prunescape.analysis.axes import Axes
from prunescape.analysis.keys import VARIANT_KEY
from prunescape.store.records import OK

if TYPE_CHECKING:
    import pandas as pd


def pooled_noise(rows: pd.DataFrame, axes: Axes, column: str, by: list[str]) -> pd.DataFrame:
    """sigma, in the unit of `column`, and freedom for each group of `by`, which are columns of a variant's key.

    sigma² = Σ (y − mean of its variant and setting)² / freedom, freedom = Σ (seeds − 1); sigma is null without two
    seeds anywhere. Cells that diverged are left out: they tell of the chance to diverge, not of the noise of a training
    that works.
    """
    converged = rows[rows["status"] == OK]
    points = converged.groupby([*VARIANT_KEY, *axes.names], sort=False)[column].agg(["var", "count"])
    points["freedom"] = points["count"] - 1
    points["squares"] = points["var"].fillna(0) * points["freedom"]
    pooled = points.groupby(by)[["squares", "freedom"]].sum()
    pooled["sigma"] = np.sqrt(pooled["squares"] / pooled["freedom"].where(pooled["freedom"] > 0))
    return pooled.reset_index()[[*by, "sigma", "freedom"]]
