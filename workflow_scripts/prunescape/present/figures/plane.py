"""A landscape on the two axes of its figure: its cells, the surface between them, and lines of equal score."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from prunescape.analysis.axes import Axes
from prunescape.present.labels import setting
from prunescape.store.records import OK

SURFACE_POINTS = 61
Curve = tuple[np.ndarray, np.ndarray]


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


def surface(rows: pd.DataFrame, values: np.ndarray, axes: Axes, x: np.ndarray, y: np.ndarray) -> np.ndarray | None:
    """`values` (n,) of the `rows` at every (y, x): smooth on a whole grid, else linear and nan outside their hull.

    On a whole grid it is Fritsch and Carlson's monotone cubic along y and then along x, which passes through every cell
    and never beyond the cells around it. None where the rows span no area.
    """
    from scipy.interpolate import LinearNDInterpolator, PchipInterpolator
    from scipy.spatial import QhullError

    columns, lines = (np.unique(rows[axis.name]) for axis in (axes.x, axes.y))
    if min(len(columns), len(lines)) < 2:
        return None
    if len(rows) == len(columns) * len(lines):
        order = np.lexsort((rows[axes.x.name], rows[axes.y.name]))
        matrix = np.asarray(values)[order].reshape(len(lines), len(columns))
        along_y = PchipInterpolator(lines, matrix, axis=0, extrapolate=False)(y)
        return PchipInterpolator(columns, along_y, axis=1, extrapolate=False)(x).astype(np.float32)
    try:
        between = LinearNDInterpolator(rows[[axes.x.name, axes.y.name]].to_numpy(), values, rescale=True)
    except QhullError:
        return None
    return between(*np.meshgrid(x, y)).astype(np.float32)


def contour_line(height: np.ndarray, level: float, x: np.ndarray, y: np.ndarray) -> Curve:
    """Where a surface (y, x) crosses the level: (x, y) of all its lines as one, with nan between them."""
    from contourpy import contour_generator

    lines = contour_generator(x, y, np.ma.masked_invalid(height)).lines(level)
    gap = np.full((1, 2), np.nan)
    joined = np.concatenate([part for line in lines for part in (line, gap)]) if lines else gap
    return joined[:, 0], joined[:, 1]
