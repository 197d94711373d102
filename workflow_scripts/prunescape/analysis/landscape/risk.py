"""Performance risk: what a variant loses when the base's good settings are carried over to it. Needs pandas."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prunescape.analysis.cells_table import KEY_COLUMNS, LANDSCAPE, SETTING
from prunescape.analysis.landscape.regions import TOLERANCE, best_cells

if TYPE_CHECKING:
    import pandas as pd

BASE_THRESHOLD = 0.5

RISK_COLUMNS: dict[str, tuple[str, str]] = {
    **KEY_COLUMNS,
    "n": ("int64", "settings of the base's 0.5-ROI that this variant was trained at"),
    "best": ("float64", "f(theta*): score of the variant's best cell, percent on the test split"),
    "best_chosen_on": (
        "float64",
        "percent by which theta* was chosen: on the validation split, else the score",
    ),
    "best_log10_lr": ("float64", "log10 of the learning rate of theta*"),
    "best_log10_wd": ("float64", "log10 of the weight decay of theta*"),
    "d_mean": ("float64", "mean risk over the n settings, percentage points"),
    "d_std": ("float64", "its standard deviation in the 1/n form, percentage points: descriptive only"),
    "d_median": ("float64", "median risk, percentage points"),
    "d_rel_mean": ("float64", "mean of risk / best, a share"),
    "d_rel_std": ("float64", "its standard deviation in the 1/n form, a share"),
    "d_rel_within_2": ("float64", "share of the n settings whose risk / best is at most twice the base's largest one"),
    "d_mean_converged": ("float64", "d_mean without diverged cells, percentage points"),
    "d_mean_chosen_on": ("float64", "d_mean of the percent by which settings are chosen, percentage points"),
    "n_diverged": ("int64", "how many of the n settings diverged"),
}


def risk_points(scores: pd.DataFrame, roi: pd.DataFrame, *, base_threshold: float = BASE_THRESHOLD) -> pd.DataFrame:
    """The risk at every setting of the base's 0.5-ROI, for every variant (the base too), one row per setting.

    d = f_v(theta*) - f_v(theta), d_rel = d / |f_v(theta*)| (matthiesen2023, 3.3.2, Eq 3.4 and 3.6), variant and base
    matched on seed, metric and setting. Decided: with a validation split theta* and the ROI are chosen on it, and f is
    the score on the test split, so that d may be negative; `d_chosen_on` is the same on the validation split.
    `base_threshold` names another of the base's regions in `roi` than the 0.5-ROI.
    Columns: a landscape's key, setting, status, score, chosen_on, best, d, d_rel, d_chosen_on; d_rel is null where the
    best score is 0. An experiment without cells of its base has no rows.
    """
    shared = [name for name in LANDSCAPE if name != "variant"] + SETTING
    carried = roi[(roi["variant"] == "base") & (roi["threshold"] == base_threshold)][shared]
    names = {"score": "best", "chosen_on": "best_chosen_on"}
    best = best_cells(scores).rename(columns=names)[[*LANDSCAPE, *names.values()]]
    points = scores.merge(best, on=LANDSCAPE, validate="m:1").merge(carried, on=shared, validate="m:1")
    points["d"] = points["best"] - points["score"]
    points["d_rel"] = points["d"] / points["best"].abs().where(points["best"] != 0)
    points["d_chosen_on"] = points["best_chosen_on"] - points["chosen_on"]
    return points.sort_values([*LANDSCAPE, *SETTING], ignore_index=True)


def risk(scores: pd.DataFrame, roi: pd.DataFrame, *, base_threshold: float = BASE_THRESHOLD) -> pd.DataFrame:
    """The performance risk of every variant and seed of the experiments that have a base, as `RISK_COLUMNS`.

    Mean and standard deviation over the base's 0.5-ROI in the 1/n form (matthiesen2023, 3.3.2, Eq 3.5), computed per
    seed. n = 0, with null values, where a variant was trained at none of the base's good settings, or the
    base not with its seed.
    """
    points = risk_points(scores, roi, base_threshold=base_threshold)
    grouped = points.groupby(LANDSCAPE, sort=False)
    summary = grouped["d"].agg(n="count", d_mean="mean", d_median="median")
    summary["d_std"] = grouped["d"].std(ddof=0)
    summary["d_rel_mean"], summary["d_rel_std"] = grouped["d_rel"].mean(), grouped["d_rel"].std(ddof=0)
    summary["d_rel_within_2"] = _within_twice_the_base(points)
    summary["d_mean_chosen_on"] = grouped["d_chosen_on"].mean()
    converged = points["status"] == "ok"
    summary["d_mean_converged"] = points[converged].groupby(LANDSCAPE, sort=False)["d"].mean()
    summary["n_diverged"] = (~converged).groupby([points[name] for name in LANDSCAPE], sort=False).sum()
    names = {"score": "best", "chosen_on": "best_chosen_on", "log10_lr": "best_log10_lr", "log10_wd": "best_log10_wd"}
    table = _with_base(best_cells(scores)).rename(columns=names).merge(summary.reset_index(), on=LANDSCAPE, how="left")
    table[["n", "n_diverged"]] = table[["n", "n_diverged"]].fillna(0).astype("int64")
    return table[list(RISK_COLUMNS)]


def _within_twice_the_base(points: pd.DataFrame) -> pd.Series:
    """By landscape: the share of settings with d_rel <= 2 max d_rel of the base (matthiesen2023, 4.2, "within 2x")."""
    shared = [name for name in LANDSCAPE if name != "variant"]
    largest = points["d_rel"].where(points["variant"] == "base").groupby([points[name] for name in shared])
    within = (points["d_rel"] <= 2 * largest.transform("max") + TOLERANCE).where(points["d_rel"].notna())
    return within.astype("float64").groupby([points[name] for name in LANDSCAPE], sort=False).mean()


def _with_base(best: pd.DataFrame) -> pd.DataFrame:
    """The rows of `best` whose experiment has a base in the same metric, in whatever seed."""
    shared = [name for name in LANDSCAPE if name not in ("variant", "seed")]
    return best.merge(best.loc[best["variant"] == "base", shared].drop_duplicates(), on=shared)
