"""Regions of interest: the settings that train a variant to within x points of its best."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prunescape.analysis.axes import DEFAULT_METRIC, KEY_COLUMNS, LANDSCAPE, Axes, Metric

if TYPE_CHECKING:
    import pandas as pd

# floating percent loses exact ties; one image of any test set is far more than this. Other metrics: see `tolerance`
TOLERANCE = 1e-9


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
    `cells_table.scores` gives it.
    """
    import pandas as pd

    gap = gap_to_best(scores)
    members = pd.concat([scores[gap <= x + tolerance(scores, x)].assign(threshold=float(x)) for x in thresholds])
    order = [*LANDSCAPE, "threshold", *(axis.name for axis in axes.x_first)]
    return members.sort_values(order, ignore_index=True)[[*order, "score", "chosen_on"]]
