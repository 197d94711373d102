"""Performance risk: what a variant loses when the base's good settings are carried over to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prunescape.analysis.axes import DEFAULT_METRIC, KEY_COLUMNS, LANDSCAPE, Axes, Metric
from prunescape.analysis.landscape.regions import TOLERANCE, best_cells

if TYPE_CHECKING:
    import pandas as pd


def risk_columns(axes: Axes, risk_threshold: float, metric: Metric = DEFAULT_METRIC) -> dict[str, tuple[str, str]]:
    """The columns of `risk`."""
    unit, region = metric.distance, f"base's {risk_threshold:g}-ROI"
    return {
        **KEY_COLUMNS,
        "n": ("int64", f"settings of the {region} that this variant was trained at"),
        "best": ("float64", f"f(theta*): score of the variant's best cell, {metric.score}"),
        "best_chosen_on": (
            "float64",
            f"{metric.value} by which theta* was chosen: on the validation split, else the score",
        ),
        **{f"best_{axis.name}": ("float64", f"{axis.value} of theta*") for axis in axes},
        "d_mean": ("float64", f"mean risk over the n settings, {unit}"),
        "d_std": ("float64", f"its standard deviation in the 1/n form, {unit}: descriptive only"),
        "d_median": ("float64", f"median risk, {unit}"),
        "d_rel_mean": ("float64", "mean of risk / best, a share"),
        "d_rel_std": ("float64", "its standard deviation in the 1/n form, a share"),
        "d_rel_within_2": ("float64", "share of the n settings whose risk / best is at most twice the base's largest"),
        "d_mean_converged": ("float64", f"d_mean without diverged cells, {unit}"),
        "d_mean_chosen_on": ("float64", f"d_mean of the {metric.value} by which settings are chosen, {unit}"),
        "n_diverged": ("int64", "how many of the n settings diverged"),
    }


def risk_points(scores: pd.DataFrame, roi: pd.DataFrame, axes: Axes, risk_threshold: float) -> pd.DataFrame:
    """The risk at every setting of the base's x-ROI, for every variant (the base too), one row per setting.

    d = f_v(theta*) - f_v(theta), d_rel = d / |f_v(theta*)| (matthiesen2023, 3.3.2, Eq 3.4 and 3.6), variant and base
    matched on seed, metric and setting; x is the `risk_threshold`, one of those of `roi`. Decided: with a validation
    split theta* and the ROI are chosen on it, and f is the score on the test split, so that d may be negative;
    `d_chosen_on` is the same on the validation split.
    Columns: a landscape's key, setting, status, score, chosen_on, best, d, d_rel, d_chosen_on; d_rel is null where the
    best score is 0. An experiment without cells of its base has no rows.
    """
    shared = [name for name in LANDSCAPE if name != "variant"] + axes.names
    carried = roi[(roi["variant"] == "base") & (roi["threshold"] == risk_threshold)][shared]
    names = {"score": "best", "chosen_on": "best_chosen_on"}
    best = best_cells(scores, axes).rename(columns=names)[[*LANDSCAPE, *names.values()]]
    points = scores.merge(best, on=LANDSCAPE, validate="m:1").merge(carried, on=shared, validate="m:1")
    points["d"] = points["best"] - points["score"]
    points["d_rel"] = points["d"] / points["best"].abs().where(points["best"] != 0)
    points["d_chosen_on"] = points["best_chosen_on"] - points["chosen_on"]
    return points.sort_values([*LANDSCAPE, *axes.names], ignore_index=True)


def risk(scores: pd.DataFrame, points: pd.DataFrame, axes: Axes) -> pd.DataFrame:
    """The performance risk of every variant and seed of the experiments that have a base, as `risk_columns`.

    Mean and standard deviation over the base's good settings in the 1/n form (matthiesen2023, 3.3.2, Eq 3.5), computed
    per seed. `points` as `risk_points` gives them for `scores`. n = 0, with null values, where a variant was trained at
    none of the base's good settings, or the base not with its seed.
    """
    grouped = points.groupby(LANDSCAPE, sort=False)
    summary = grouped["d"].agg(n="count", d_mean="mean", d_median="median")
    summary["d_std"] = grouped["d"].std(ddof=0)
    summary["d_rel_mean"], summary["d_rel_std"] = grouped["d_rel"].mean(), grouped["d_rel"].std(ddof=0)
    summary["d_rel_within_2"] = _within_twice_the_base(points)
    summary["d_mean_chosen_on"] = grouped["d_chosen_on"].mean()
    converged = points["status"] == "ok"
    summary["d_mean_converged"] = points[converged].groupby(LANDSCAPE, sort=False)["d"].mean()
    summary["n_diverged"] = (~converged).groupby([points[name] for name in LANDSCAPE], sort=False).sum()
    names = {name: f"best_{name}" for name in ("chosen_on", *axes.names)} | {"score": "best"}
    table = _with_base(best_cells(scores, axes)).rename(columns=names)
    table = table.merge(summary.reset_index(), on=LANDSCAPE, how="left")
    table[["n", "n_diverged"]] = table[["n", "n_diverged"]].fillna(0).astype("int64")
    return table[list(risk_columns(axes, 0))]


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
