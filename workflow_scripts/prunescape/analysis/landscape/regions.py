"""Regions of interest: the settings that train a variant to within x points of its best. Needs pandas."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prunescape.analysis.cells_table import KEY_COLUMNS, LANDSCAPE, SETTING

if TYPE_CHECKING:
    import pandas as pd

THRESHOLDS = (0.5, 1.0)
# floating percent loses exact ties; one image of any test set is far more than this. Other metrics: see `tolerance`
TOLERANCE = 1e-9

ROI_COLUMNS: dict[str, tuple[str, str]] = {
    **KEY_COLUMNS,
    "threshold": ("float64", "x of the x-ROI, percentage points under the variant's best score"),
    "log10_wd": ("float64", "log10 of the weight decay of this member"),
    "log10_lr": ("float64", "log10 of the learning rate of this member"),
    "score": ("float64", "percent on the test split"),
    "chosen_on": ("float64", "percent by which members are chosen: on the validation split, if any, else the score"),
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


def best_cells(scores: pd.DataFrame) -> pd.DataFrame:
    """theta* of each landscape, one row: its key, setting, score, `chosen_on` and status.

    Of tied cells a converged one comes first, then the one with the lowest log10_lr, then with the lowest log10_wd.
    """
    tied = scores[gap_to_best(scores) <= tolerance(scores)]
    tied = tied.assign(diverged=tied["status"] != "ok").sort_values(["diverged", *SETTING], kind="stable")
    return tied.drop_duplicates(LANDSCAPE).drop(columns="diverged").sort_values(LANDSCAPE, ignore_index=True)


def regions(scores: pd.DataFrame, thresholds: tuple[float, ...] = THRESHOLDS) -> pd.DataFrame:
    """The x-ROI of every landscape and threshold x, one row per member, with the columns of `ROI_COLUMNS`.

    x-ROI = { theta : f(theta) >= f(theta*) - x }, theta* the best point of that variant and seed, x in percentage
    points (matthiesen2023, 3.3, Eq 3.3). Decided: f is the accuracy that settings are chosen on. `scores` as
    `table.scores` gives it.
    """
    import pandas as pd

    gap = gap_to_best(scores)
    members = pd.concat([scores[gap <= x + tolerance(scores, x)].assign(threshold=float(x)) for x in thresholds])
    order = [*LANDSCAPE, "threshold", "log10_wd", "log10_lr"]
    return members.sort_values(order, ignore_index=True)[list(ROI_COLUMNS)]
