"""Scores between the cells of a landscape. Needs scipy and pandas."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

SURFACE_POINTS = 101


def surface(kept: pd.DataFrame, x: np.ndarray, y: np.ndarray) -> np.ndarray | None:
    """Percent at every (y, x): linear between the `kept` cells, nan outside their hull; None when they span no area."""
    from scipy.interpolate import LinearNDInterpolator
    from scipy.spatial import QhullError

    if len(kept) < 3:
        return None
    try:
        between = LinearNDInterpolator(kept[["log10_wd", "log10_lr"]].to_numpy(), kept["score"], rescale=True)
    except QhullError:
        return None
    return between(*np.meshgrid(x, y)).astype(np.float32)
