"""Projects a landscape onto the two axes of its figure, and interpolates scores between the cells."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from prunescape.analysis.axes import Axes
from prunescape.present.labels import setting
from prunescape.store.records import OK

SURFACE_POINTS = 101


@dataclass(frozen=True)
class Point:
    """A setting: its place in the plane, and its values on all axes as `text`."""

    x: float
    y: float
    text: str


def point(axes: Axes, row: Mapping[str, Any]) -> Point:
    """The point of a row that has a column for every axis."""
    return Point(float(row[axes.x.name]), float(row[axes.y.name]), setting(axes, row))


def setting_texts(axes: Axes, rows: pd.DataFrame) -> np.ndarray:
    """(n,) the settings of all rows as text."""
    return np.array([setting(axes, row) for row in rows[axes.names].to_dict("records")], dtype=object)


def profile(scores: pd.DataFrame, axes: Axes) -> pd.DataFrame:
    """The cells of ONE landscape, or of several variants, that are best over the axes beyond the plane.

    One row per variant, metric and point of the plane, in the order of `scores`. Of ties the one that `best_cells`
    takes. With two axes every cell stays.
    """
    if not axes.others:
        return scores
    ranked = scores.assign(loss=-scores["chosen_on"].round(9), diverged=scores["status"] != OK)
    ranked = ranked.sort_values(["loss", "diverged", *axes.names], kind="stable")
    first = ranked.drop_duplicates(["variant", "metric", axes.y.name, axes.x.name])
    return scores.loc[first.index.sort_values()]


def surface(kept: pd.DataFrame, axes: Axes, x: np.ndarray, y: np.ndarray) -> np.ndarray | None:
    """Percent at every (y, x): linear between the `kept` cells, nan outside their hull; None when they span no area."""
    from scipy.interpolate import LinearNDInterpolator
    from scipy.spatial import QhullError

    if len(kept) < 3:
        return None
    try:
        between = LinearNDInterpolator(kept[[axes.x.name, axes.y.name]].to_numpy(), kept["score"], rescale=True)
    except QhullError:
        return None
    return between(*np.meshgrid(x, y)).astype(np.float32)
