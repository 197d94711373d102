"""The good band's shape: how much learning rate a smaller weight decay allows."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from prunescape.analysis.axes import DEFAULT_AXES, KEY_COLUMNS, LANDSCAPE
from prunescape.analysis.landscape.regions import FEWEST_POINTS, NEGLIGIBLE
from prunescape.errors import InputError
from prunescape.store.records import OK

PUBLISHED_RATIO = 1e-6  # matthiesen2023, Eq 2.2
FIT = ["slope", "slope_low", "slope_high", "r2"]
# that forbid a slope, the first that holds; in the order of `cases` in `band`
REASONS = (
    f"fewer than {FEWEST_POINTS} points",
    "a point diverged: the best is near chance level",
    "one learning rate only",
    "one weight decay only",
)


def band_columns(thresholds: tuple[float, ...]) -> dict[str, tuple[str, str]]:
    """The columns of `band`."""
    return {
        **KEY_COLUMNS,
        "n": ("int64", f"points of the {max(thresholds):g}-ROI"),
        "slope": ("float64", "decades of learning rate per decade of weight decay, least squares; null for a reason"),
        "slope_low": ("float64", "lower end of its 95 % interval: descriptive, points are no independent sample"),
        "slope_high": ("float64", "upper end of that interval"),
        "r2": ("float64", "share of the variance of log10_lr over these points that the line explains"),
        "reason": ("string", "why there is no slope; null where there is one"),
        "ellipse_slope": (
            "float64",
            "slope of the ellipse's long axis; null without ellipse, for a circle, if vertical",
        ),
        "truncated": (
            "bool",
            "a point lies on the edge of the landscape's grid, which cuts the band and bends its slope",
        ),
        "batch_size": ("float64", "beta of the experiment, samples; null where not known"),
        "momentum": ("float64", "mu of the experiment; null where not known"),
        "ratio_median": ("float64", "median over the points of rate x decay / (batch size x (1 - momentum))"),
        "ratio_low": ("float64", "its lowest value over the points"),
        "ratio_high": ("float64", "its highest value over the points"),
        "ratio_published": ("float64", "the value that the ratio has been reported near (matthiesen2023, Eq 2.2)"),
    }


def band(
    scores: pd.DataFrame,
    roi: pd.DataFrame,
    ellipses: pd.DataFrame,
    recipes: Mapping[str, Sequence[float]],
    thresholds: tuple[float, ...],
) -> pd.DataFrame:
    """The slope of every landscape's widest ROI in the log-log plane and its γλ / (β(1 - μ)), as `band_columns`.

    The slope is pingouin's linear regression of log10 γ on log10 λ over the ROI's points. At fixed batch size β and
    momentum μ, γλ / (β(1 - μ)) ≃ 1e-6 (matthiesen2023, Eq 2.2) means a slope of -1. Grid points are no independent
    sample, so the interval describes the fit and no more; least squares flatten the slope of a wide band, the more the
    wider it is, which the long axis of the ellipse does not. `recipes` has (batch size, momentum) by experiment;
    without it the ratio is null. `roi` and `ellipses` as `regions.regions` and `regions.ellipses` give them for
    `scores` with these `thresholds` and the default axes, for which alone Eq 2.2 is known. Raises InputError for a
    batch size or momentum that cannot be.
    """
    points = _members(scores, roi[roi["threshold"] == max(thresholds)], recipes)
    grouped = points.groupby(LANDSCAPE, sort=True)
    table = grouped.agg(
        n=("seed", "size"),
        converged=("converged", "all"),
        rates=("log10_lr", "nunique"),
        decays=("log10_wd", "nunique"),
        batch_size=("batch_size", "first"),
        momentum=("momentum", "first"),
        ratio_median=("ratio", "median"),
        ratio_low=("ratio", "min"),
        ratio_high=("ratio", "max"),
    ).reset_index()
    cases = [table["n"] < FEWEST_POINTS, ~table["converged"], table["rates"] == 1, table["decays"] == 1]
    table["reason"] = np.select(cases, REASONS, default=None)
    table[FIT] = np.nan
    plane = points[["log10_wd", "log10_lr"]].to_numpy()
    groups = np.split(plane, table["n"].cumsum()[:-1])
    fitted = table.index[table["reason"].isna()]
    if len(fitted):
        table.loc[fitted, FIT] = [regression(*groups[row].T) for row in fitted]
    table = table.merge(_long_axes(ellipses[ellipses["threshold"] == max(thresholds)]), on=LANDSCAPE, validate="1:1")
    return table.assign(ratio_published=PUBLISHED_RATIO)[list(band_columns(thresholds))]


def regression(x: np.ndarray, y: np.ndarray) -> tuple[float, float, float, float]:
    """Slope of y on x, both (n,), the ends of its 95 % interval, and r²."""
    from pingouin import linear_regression

    fit = linear_regression(x, y, as_dataframe=False)
    return fit["coef"][1], fit["CI2.5"][1], fit["CI97.5"][1], fit["r2"]


def _members(scores: pd.DataFrame, roi: pd.DataFrame, recipes: Mapping[str, Sequence[float]]) -> pd.DataFrame:
    """The points of `roi` in the order of their landscapes: did they converge, and their ratio."""
    for name, (batch_size, momentum) in recipes.items():
        if not (batch_size > 0 and 0 <= momentum < 1):
            what = f"batch size {batch_size}, momentum {momentum}"
            raise InputError(what, where=f"recipe of {name}", allowed="batch size above 0, momentum from 0 to below 1")
    keys = [*LANDSCAPE, *DEFAULT_AXES.names]
    status = scores[keys].assign(converged=scores["status"] == OK)
    points = roi.merge(status, on=keys, validate="1:1")
    points = points.sort_values(LANDSCAPE, ignore_index=True)
    for column, name in enumerate(("batch_size", "momentum")):
        points[name] = points["experiment"].map({key: float(recipe[column]) for key, recipe in recipes.items()})
    points[["batch_size", "momentum"]] = points[["batch_size", "momentum"]].astype("float64")
    product = 10.0 ** (points["log10_lr"] + points["log10_wd"])
    return points.assign(ratio=product / (points["batch_size"] * (1 - points["momentum"])))


def _long_axes(ellipses: pd.DataFrame) -> pd.DataFrame:
    """The slope of the long axis of every ellipse, null where it points nowhere or straight up; is the region cut?"""
    circular = ellipses["length"] - ellipses["width"] <= NEGLIGIBLE * ellipses["length"]
    angle = ellipses["angle_deg"]
    slope = np.tan(np.radians(angle)).mask(circular | (angle == 90))
    return ellipses[[*LANDSCAPE, "truncated"]].assign(ellipse_slope=slope)
