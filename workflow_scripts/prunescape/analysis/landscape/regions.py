"""Regions of interest, the settings that train a variant to within x points of its best, and their ellipses."""

import numpy as np
import pandas as pd

from prunescape.analysis.axes import DEFAULT_METRIC, KEY_COLUMNS, LANDSCAPE, Axes, Metric

# floating percent loses exact ties; one image of any test set is far more than this. Other metrics: see `tolerance`
TOLERANCE = 1e-9
K = 2.0  # standard deviations: the contour holds 1 - exp(-K**2 / 2) = 86.47 % of a Gaussian (Table 3.5)
FEWEST_POINTS = 5
# 1 - r^2 this small is rounding: the points lie on a line; so are variances that differ this little: no direction
NEGLIGIBLE = 1e-12


def roi_columns(axes: Axes, metric: Metric = DEFAULT_METRIC) -> dict[str, tuple[str, str]]:
    """The columns of `regions`."""
    chosen_on = f"{metric.value} by which members are chosen: on the validation split, if any, else the score"
    return {
        **KEY_COLUMNS,
        "threshold": ("float64", f"x of the x-ROI, {metric.distance} under the variant's best score"),
        **{axis.name: ("float64", f"{axis.value} of this member") for axis in axes.x_first},
        "score": ("float64", metric.score),
        "chosen_on": ("float64", chosen_on),
    }


def gap_to_best(scores: pd.DataFrame) -> pd.Series:
    """How far each row of `scores` stays under its landscape's best, percentage points, on what settings are chosen by.

    Same index as `scores`.
    """
    return scores.groupby(LANDSCAPE, sort=False)["chosen_on"].transform("max") - scores["chosen_on"]


def tolerance(scores: pd.DataFrame, x: float = 0.0) -> pd.Series:
    """What a gap may exceed x by and still be a tie: `TOLERANCE` at 100 %, and that share of any other metric's best.

    Same index as `scores`.
    """
    best = scores.groupby(LANDSCAPE, sort=False)["chosen_on"].transform("max")
    return TOLERANCE * (best.abs() + x) / 100


def best_cells(scores: pd.DataFrame, axes: Axes) -> pd.DataFrame:
    """theta* of each landscape, one row: its key, setting, score, `chosen_on` and status.

    Of tied cells a converged one comes first, then the one with the lowest value of the first axis, and so on.
    """
    tied = scores[gap_to_best(scores) <= tolerance(scores)]
    tied = tied.assign(diverged=tied["status"] != "ok").sort_values(["diverged", *axes.names], kind="stable")
    return tied.drop_duplicates(LANDSCAPE).drop(columns="diverged").sort_values(LANDSCAPE, ignore_index=True)


def regions(scores: pd.DataFrame, axes: Axes, thresholds: tuple[float, ...]) -> pd.DataFrame:
    """The x-ROI of every landscape and threshold x, one row per member, with the columns of `roi_columns`.

    x-ROI = { theta : f(theta) >= f(theta*) - x }, theta* the best point of that variant and seed, x in percentage
    points (matthiesen2023, 3.3, Eq 3.3). Decided: f is the accuracy that settings are chosen on. `scores` as
    `read_cells.scores` gives it.
    """
    gap = gap_to_best(scores)
    members = pd.concat([scores[gap <= x + tolerance(scores, x)].assign(threshold=float(x)) for x in thresholds])
    order = [*LANDSCAPE, "threshold", *(axis.name for axis in axes.x_first)]
    return members.sort_values(order, ignore_index=True)[[*order, "score", "chosen_on"]]


def ellipse_columns(axes: Axes, metric: Metric = DEFAULT_METRIC) -> dict[str, tuple[str, str]]:
    """The columns of `ellipses`."""
    unit = axes.unit
    edge = "a point of the ROI lies on the edge of the landscape's grid" + ", on any axis" * bool(axes.others)
    return {
        **KEY_COLUMNS,
        "threshold": ("float64", f"x of the x-ROI, {metric.distance} under the variant's best score"),
        "n": ("int64", "points of the ROI; the ellipse is null under 5"),
        "length": ("float64", f"longest diameter, {unit}"),
        "width": ("float64", f"shortest diameter, {unit}; 0 when the points lie on a line"),
        **{f"centre_{axis.name}": ("float64", f"mean {axis.value} of the ROI") for axis in (axes.x, axes.y)},
        "angle_deg": ("float64", f"long axis against the {axes.x.name} axis, degrees in (-90, 90]; 0 for a circle"),
        "collinear": ("bool", "the points lie on a line: width 0"),
        "truncated": ("bool", edge),
    }


def shape_columns(axes: Axes) -> list[str]:
    """The columns of `ellipses` that are null under 5 points."""
    return ["length", "width", f"centre_{axes.x.name}", f"centre_{axes.y.name}", "angle_deg"]


def ellipses(roi: pd.DataFrame, scores: pd.DataFrame, axes: Axes) -> pd.DataFrame:
    """The confidence ellipse of every ROI, one row each, with the columns of `ellipse_columns`.

    A Gaussian with the sample covariance (ddof 1) is fitted to the ROI's points; length and width are the diameters
    2 k sqrt(eigenvalue) of its contour at k = 2 (matthiesen2023, 3.3.1, Table 3.5). Under 5 points the shape is null.
    With more than two axes the points are projected on the plane: the marginal of their Gaussian. `roi` as
    `regions` gives it for `scores`, from which the grid's edges are taken.
    """
    keys = [*LANDSCAPE, "threshold"]
    grouped = roi.groupby(keys, sort=False)
    x, y = (_from_mean(grouped[axis.name], roi[axis.name]) for axis in (axes.x, axes.y))
    sums = roi[keys].assign(n=1, xx=x * x, xy=x * y, yy=y * y, truncated=_on_edge(roi, scores, axes))
    table = sums.groupby(keys, sort=False).agg({"n": "sum", "xx": "sum", "xy": "sum", "yy": "sum", "truncated": "any"})
    freedom = (table["n"] - 1).clip(lower=1)
    shape = contour(*(table[name].to_numpy() / freedom.to_numpy() for name in ("xx", "xy", "yy")))
    table["length"], table["width"], table["angle_deg"] = shape
    for axis in (axes.x, axes.y):
        table[f"centre_{axis.name}"] = grouped[axis.name].mean()
    few = table["n"] < FEWEST_POINTS
    table["collinear"] = (table["width"] == 0) & ~few
    table.loc[few, shape_columns(axes)] = np.nan
    return table.reset_index()[list(ellipse_columns(axes))]


def contour(xx: np.ndarray, xy: np.ndarray, yy: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Length, width and angle (degrees) of the k = 2 contours of Gaussians with covariances [[xx, xy], [xy, yy]]."""
    middle, half = (xx + yy) / 2, np.hypot((xx - yy) / 2, xy)
    # the product of both eigenvalues; unlike their difference it stays exact where the axes' units are far apart
    product, long = xx * yy - xy * xy, middle + half
    short = np.divide(product, long, out=np.zeros_like(long), where=product > NEGLIGIBLE * xx * yy)
    angle = np.degrees(np.arctan2(2 * xy + 0.0, xx - yy)) / 2
    angle = np.where(angle <= -90, angle + 180, angle)
    angle = np.where(half <= NEGLIGIBLE * middle, 0.0, angle)
    return 2 * K * np.sqrt(long), 2 * K * np.sqrt(short), angle


def outline(ellipse, axes: Axes, points: int = 145) -> tuple[np.ndarray, np.ndarray]:
    """The closed curve (x, y), each (points,), of a row of `ellipses`, as a tuple; nan where it has no shape."""
    turn = np.linspace(0, 2 * np.pi, points)
    along, across = ellipse.length / 2 * np.cos(turn), ellipse.width / 2 * np.sin(turn)
    angle = np.radians(ellipse.angle_deg)
    x = getattr(ellipse, f"centre_{axes.x.name}") + along * np.cos(angle) - across * np.sin(angle)
    y = getattr(ellipse, f"centre_{axes.y.name}") + along * np.sin(angle) + across * np.cos(angle)
    return x, y


def _from_mean(grouped, values: pd.Series) -> pd.Series:
    """Each value's distance from its group's mean; exactly 0 in a group of one value, whatever its mean rounds to."""
    one_value = grouped.transform("min") == grouped.transform("max")
    return (values - grouped.transform("mean")).mask(one_value, 0.0)


def _on_edge(roi: pd.DataFrame, scores: pd.DataFrame, axes: Axes) -> np.ndarray:
    """For each row of `roi`: has it the lowest or highest value of an axis that was trained in its landscape?"""
    grouped = scores.groupby(LANDSCAPE, sort=False)[axes.names]
    edges = grouped.min().add_suffix("_min").join(grouped.max().add_suffix("_max")).reset_index()
    joined = roi[[*LANDSCAPE, *axes.names]].merge(edges, on=LANDSCAPE, how="left", validate="m:1")
    sides = [joined[name] == joined[f"{name}_{side}"] for name in axes.names for side in ("min", "max")]
    return np.logical_or.reduce(sides)
