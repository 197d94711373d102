"""What a surface says of settings whether they were trained or not: regions, their ellipses, the best, the risk.

These stand beside the estimators of `regions` and `risk`, which speak of trained cells only, and do not replace them.
Each function takes the surface of one experiment and metric, the settings of the grid, and `key`, which names them:
experiment, model, dataset and metric. Variants that fail `Surface.coverage` have no rows.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from prunescape.analysis.axes import BASE, LANDSCAPE, VARIANT_KEY, VARIANT_KEY_COLUMNS, Axes
from prunescape.analysis.landscape.regions import ellipse_columns, ellipses, gap_to_best, regions, tolerance
from prunescape.analysis.surface.process import Surface
from prunescape.store.tables import Columns

DRAWS = 4000  # a probability's Monte Carlo error is at most 0.5 / sqrt(DRAWS) = 0.008
QUANTILES = (0.5, 0.025, 0.975)


def inferred_roi_columns(axes: Axes) -> Columns:
    """The columns of `inferred_roi`."""
    return {
        **VARIANT_KEY_COLUMNS,
        "threshold": ("float64", "x of the x-ROI, percentage points under the best inferred score"),
        **{axis.name: ("float64", axis.value) for axis in axes.x_first},
        "inferred": ("float64", "posterior median of the mean over seeds of what settings are chosen by, percent"),
        "low": ("float64", "lower end of its 95 % interval, percent"),
        "high": ("float64", "upper end of its 95 % interval, percent"),
        "member": ("bool", "whether `inferred` is within the threshold of the best inferred score"),
        "probability": ("float64", "posterior probability that the setting belongs to the x-ROI"),
        "trained": ("bool", "whether the variant was trained at this setting"),
    }


def inferred_roi(
    surface: Surface, candidates: pd.DataFrame, thresholds: tuple[float, ...], key: Mapping[str, str]
) -> pd.DataFrame:
    """Every setting of `candidates` for every variant and threshold, as `inferred_roi_columns`.

    probability is the share of joint posterior draws f in which f(setting) >= max f - x, over all `candidates`.
    """
    surface.check_thresholds(thresholds)
    landscapes = _landscapes(surface, candidates, key)
    gap, parts = gap_to_best(landscapes), []
    drawn = [surface.draws(variant, candidates, DRAWS) for variant in landscapes["variant"].unique()]
    under_best = [each.max(axis=1, keepdims=True) - each for each in drawn]
    for x in thresholds:
        inside = [(gaps <= x).mean(axis=0) for gaps in under_best]
        part = landscapes.assign(threshold=float(x), member=gap <= x + tolerance(landscapes, x))
        parts.append(part.assign(probability=np.concatenate(inside) if inside else 0.0))
    order = [*VARIANT_KEY, "threshold", *(axis.name for axis in surface.axes.x_first)]
    return pd.concat(parts).sort_values(order, ignore_index=True)[list(inferred_roi_columns(surface.axes))]


def inferred_ellipse_columns(axes: Axes) -> Columns:
    """The columns of `inferred_ellipses`: those of `ellipses`, of all seeds together."""
    return {name: column for name, column in ellipse_columns(axes).items() if name != "seed"}


def inferred_ellipses(
    surface: Surface, candidates: pd.DataFrame, thresholds: tuple[float, ...], key: Mapping[str, str]
) -> pd.DataFrame:
    """The confidence ellipse of the members of every inferred x-ROI, as `inferred_ellipse_columns`."""
    surface.check_thresholds(thresholds)
    landscapes = _landscapes(surface, candidates, key)
    found = ellipses(regions(landscapes, surface.axes, thresholds), landscapes, surface.axes)
    return found[list(inferred_ellipse_columns(surface.axes))]


def inferred_risk_columns(axes: Axes, risk_threshold: float) -> Columns:
    """The columns of `inferred_risk`."""
    return {
        **VARIANT_KEY_COLUMNS,
        "n": ("int64", f"settings of the base's inferred {risk_threshold:g}-ROI, trained or not"),
        "best": ("float64", "inferred score of the best inferred setting, percent"),
        **{f"best_{axis.name}": ("float64", f"{axis.value} of that setting") for axis in axes},
        "best_trained": ("bool", "whether the variant was trained there"),
        "d_mean": ("float64", "posterior median of: best mean score - mean over the n settings, percentage points"),
        "d_low": ("float64", "lower end of its 95 % interval, percentage points"),
        "d_high": ("float64", "upper end of its 95 % interval, percentage points"),
    }


def inferred_risk(
    surface: Surface, candidates: pd.DataFrame, risk_threshold: float, key: Mapping[str, str]
) -> pd.DataFrame:
    """Each variant's risk at the settings carried over from the base, without the bias of a maximum of noisy cells.

    d = best of f - mean of f over the base's inferred x-ROI, x the `risk_threshold`, of each joint posterior draw f of
    the variant; its median and quantiles are given. (The same of the posterior medians is lower: they are smoother than
    any draw, so their best is too low.) As `inferred_risk_columns`; no rows where nothing is inferred of the base. Of
    equally good settings the first in the order of `candidates` is the best.
    """
    surface.check_thresholds((risk_threshold,))
    axes, columns = surface.axes, list(inferred_risk_columns(surface.axes, risk_threshold))
    landscapes = _landscapes(surface, candidates, key)
    base = landscapes["variant"] == BASE
    if not base.any():
        return pd.DataFrame(columns=columns)
    carried = (gap_to_best(landscapes) <= risk_threshold + tolerance(landscapes, risk_threshold))[base].to_numpy()
    rows = []
    for variant, own in landscapes.groupby("variant", sort=False):
        best = own.loc[own["inferred"].idxmax()]
        drawn = surface.draws(str(variant), candidates, DRAWS)
        middle, low, high = np.quantile(drawn.max(axis=1) - drawn[:, carried].mean(axis=1), QUANTILES)
        row = {name: best[name] for name in VARIANT_KEY} | {f"best_{name}": best[name] for name in axes.names}
        row |= {"n": int(carried.sum()), "best": best["inferred"], "best_trained": best["trained"]}
        rows.append(row | {"d_mean": middle, "d_low": low, "d_high": high})
    return pd.DataFrame(rows)[columns]


def _landscapes(surface: Surface, candidates: pd.DataFrame, key: Mapping[str, str]) -> pd.DataFrame:
    """The candidates of each variant that is shown, in their order, with the columns that `regions` reads."""
    names, parts = surface.axes.names, []
    for variant in surface.coverage().query("passed")["variant"]:
        own = surface.trained.loc[surface.trained["variant"] == variant, names].drop_duplicates()
        part = candidates[names].merge(own, how="left", indicator="trained")
        part = part.assign(trained=part["trained"] == "both", variant=variant, seed=0, **key)
        parts.append(part.join(surface.at(variant, part).drop(columns=["z_mean", "z_sd"])))
    if not parts:
        blank = [*LANDSCAPE, *names, "trained", "inferred", "low", "high"]
        parts = [pd.DataFrame(columns=blank).astype({"inferred": float, **dict.fromkeys(names, float)})]
    rows = pd.concat(parts, ignore_index=True)
    return rows.assign(score=rows["inferred"], chosen_on=rows["inferred"])
