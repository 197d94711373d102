"""Confidence ellipses of regions of interest in the (log10 weight decay, log10 learning rate) plane. Needs pandas."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from prunescape.analysis.cells_table import KEY_COLUMNS, LANDSCAPE

if TYPE_CHECKING:
    import pandas as pd

K = 2.0  # standard deviations: the contour holds 1 - exp(-K**2 / 2) = 86.47 % of a Gaussian (Table 3.5)
FEWEST_POINTS = 5
# 1 - r^2 this small is rounding: the points lie on a line; so are variances that differ this little: no direction
NEGLIGIBLE = 1e-12

ELLIPSE_COLUMNS: dict[str, tuple[str, str]] = {
    **KEY_COLUMNS,
    "threshold": ("float64", "x of the x-ROI, percentage points under the variant's best score"),
    "n": ("int64", "points of the ROI; the ellipse is null under 5"),
    "length": ("float64", "longest diameter, decades (log10 units)"),
    "width": ("float64", "shortest diameter, decades; 0 when the points lie on a line"),
    "centre_log10_wd": ("float64", "mean log10 weight decay of the ROI"),
    "centre_log10_lr": ("float64", "mean log10 learning rate of the ROI"),
    "angle_deg": ("float64", "long axis against the log10_wd axis, degrees in (-90, 90]; 0 for a circle"),
    "collinear": ("bool", "the points lie on a line: width 0"),
    "truncated": ("bool", "a point of the ROI lies on the edge of the landscape's grid"),
}
SHAPE = ["length", "width", "centre_log10_wd", "centre_log10_lr", "angle_deg"]


def ellipses(roi: pd.DataFrame, scores: pd.DataFrame) -> pd.DataFrame:
    """The confidence ellipse of every ROI, one row each, with the columns of `ELLIPSE_COLUMNS`.

    A Gaussian with the sample covariance (ddof 1) is fitted to the ROI's points; length and width are the diameters
    2 k sqrt(eigenvalue) of its contour at k = 2 (matthiesen2023, 3.3.1, Table 3.5). Under 5 points the shape is null.
    `roi` as `roi.regions` gives it for `scores`, from which the grid's edges are taken.
    """
    keys = [*LANDSCAPE, "threshold"]
    grouped = roi.groupby(keys, sort=False)
    x, y = (_from_mean(grouped[name], roi[name]) for name in ("log10_wd", "log10_lr"))
    sums = roi[keys].assign(n=1, xx=x * x, xy=x * y, yy=y * y, truncated=_on_edge(roi, scores))
    table = sums.groupby(keys, sort=False).agg({"n": "sum", "xx": "sum", "xy": "sum", "yy": "sum", "truncated": "any"})
    centre = grouped[["log10_wd", "log10_lr"]].mean()
    freedom = (table["n"] - 1).clip(lower=1)
    shape = axes(*(table[name].to_numpy() / freedom.to_numpy() for name in ("xx", "xy", "yy")))
    table["length"], table["width"], table["angle_deg"] = shape
    table["centre_log10_wd"], table["centre_log10_lr"] = centre["log10_wd"], centre["log10_lr"]
    few = table["n"] < FEWEST_POINTS
    table["collinear"] = (table["width"] == 0) & ~few
    table.loc[few, SHAPE] = np.nan
    return table.reset_index()[list(ELLIPSE_COLUMNS)]


def axes(xx: np.ndarray, xy: np.ndarray, yy: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Length, width and angle (degrees) of the k = 2 contours of Gaussians with covariances [[xx, xy], [xy, yy]]."""
    middle, half = (xx + yy) / 2, np.hypot((xx - yy) / 2, xy)
    # the product of both eigenvalues; unlike their difference it stays exact where the axes' units are far apart
    product, long = xx * yy - xy * xy, middle + half
    short = np.divide(product, long, out=np.zeros_like(long), where=product > NEGLIGIBLE * xx * yy)
    angle = np.degrees(np.arctan2(2 * xy + 0.0, xx - yy)) / 2
    angle = np.where(angle <= -90, angle + 180, angle)
    angle = np.where(half <= NEGLIGIBLE * middle, 0.0, angle)
    return 2 * K * np.sqrt(long), 2 * K * np.sqrt(short), angle


def outline(ellipse, points: int = 145) -> tuple[np.ndarray, np.ndarray]:
    """The closed curve (log10_wd, log10_lr), each (points,), of a row of `ellipses`; nan where it has no shape."""
    turn = np.linspace(0, 2 * np.pi, points)
    along, across = ellipse.length / 2 * np.cos(turn), ellipse.width / 2 * np.sin(turn)
    angle = np.radians(ellipse.angle_deg)
    wd = ellipse.centre_log10_wd + along * np.cos(angle) - across * np.sin(angle)
    lr = ellipse.centre_log10_lr + along * np.sin(angle) + across * np.cos(angle)
    return wd, lr


def _from_mean(grouped, values: pd.Series) -> pd.Series:
    """Each value's distance from its group's mean; exactly 0 in a group of one value, whatever its mean rounds to."""
    one_value = grouped.transform("min") == grouped.transform("max")
    return (values - grouped.transform("mean")).mask(one_value, 0.0)


def _on_edge(roi: pd.DataFrame, scores: pd.DataFrame) -> np.ndarray:
    """For each row of `roi`: is it on the outermost row or column that was trained in its landscape?"""
    grouped = scores.groupby(LANDSCAPE, sort=False)[["log10_wd", "log10_lr"]]
    edges = grouped.min().add_suffix("_min").join(grouped.max().add_suffix("_max")).reset_index()
    joined = roi[[*LANDSCAPE, "log10_wd", "log10_lr"]].merge(edges, on=LANDSCAPE, how="left", validate="m:1")
    sides = [joined[name] == joined[f"{name}_{side}"] for name in ("log10_wd", "log10_lr") for side in ("min", "max")]
    return np.logical_or.reduce(sides)
