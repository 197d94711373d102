"""The paper's estimators, one per seed: how far they spread, and how far pruning moves the optimum."""

import numpy as np
import pandas as pd

from prunescape.analysis.axes import DEFAULT_METRIC, LANDSCAPE, VARIANT_KEY, VARIANT_KEY_COLUMNS, Axes, Metric
from prunescape.analysis.landscape.regions import NEGLIGIBLE, shape_columns

LEVEL = 0.95
ANGLE = "angle_deg"
RISKS = ["d_mean", "d_rel_mean"]


def spread_columns(metric: Metric = DEFAULT_METRIC) -> dict[str, tuple[str, str]]:
    """The columns of `spread`."""
    return {
        **VARIANT_KEY_COLUMNS,
        "quantity": ("string", "column of the ellipses or of the risk that is meant, in its unit"),
        "threshold": ("float64", f"x of the x-ROI whose ellipse it is, {metric.distance}; null for a risk"),
        "n_seeds": ("int64", "seeds of the landscape"),
        "n": ("int64", "seeds in which the quantity exists: the rest is over these; 0 where their angles cancel out"),
        "mean": ("float64", "mean over seeds; of angles, as undirected lines, in (-90, 90]"),
        "std": ("float64", "standard deviation between seeds in the 1/(n - 1) form; null with one seed"),
        "low": ("float64", "lower end of the 95 % t-interval of the mean; null with one seed and for the shape"),
        "high": ("float64", "upper end of that interval"),
    }


def spread(ellipses: pd.DataFrame, risk: pd.DataFrame, axes: Axes) -> pd.DataFrame:
    """Mean and spread over seeds of every ellipse and risk, as `spread_columns`, one row per quantity.

    The paper's estimators (matthiesen2023, 3.3) are computed per seed and then averaged; averaging landscapes first
    would be another estimator. The t-interval, of centres and risks only, is that of the estimator's mean: for a risk
    whose best cell is a maximum over noisy cells, without a validation split, that mean lies above what tuning could
    gain. An ellipse under 5 points has no shape, and a circle no angle. `ellipses` and `risk` as the functions of these
    names give them.
    """
    keys = [*VARIANT_KEY, "seed", "threshold"]
    circles = ellipses["length"] - ellipses["width"] <= NEGLIGIBLE * ellipses["length"]
    angles = ellipses[ANGLE].mask(circles)
    shapes = ellipses.assign(angle_deg=unwrapped(angles, [ellipses[name] for name in (*VARIANT_KEY, "threshold")]))
    parts = [
        frame.melt(keys, names, var_name="quantity", value_name="value")
        for frame, names in ((shapes, shape_columns(axes)), (risk.assign(threshold=np.nan), RISKS))
    ]
    groups = [*VARIANT_KEY, "quantity", "threshold"]
    grouped = pd.concat(parts).groupby(groups, sort=True, dropna=False)["value"]
    table = grouped.agg(n_seeds="size", n="count", mean="mean", std="std").reset_index()
    turned = table["quantity"].eq(ANGLE) & ((table["mean"] > 90) | (table["mean"] <= -90))
    table["mean"] = table["mean"].mask(turned, 90 - (90 - table["mean"]) % 180)
    table["low"], table["high"] = t_interval(table["mean"], table["std"], table["n"])
    with_interval = [f"centre_{axes.x.name}", f"centre_{axes.y.name}", *RISKS]
    table.loc[~table["quantity"].isin(with_interval), ["low", "high"]] = np.nan
    return table[list(spread_columns())]


def t_interval(mean: pd.Series, std: pd.Series, n: pd.Series) -> tuple[pd.Series, pd.Series]:
    """Both ends of the 95 % interval mean ∓ t(n - 1) std / √n; null where n is under 2."""
    from scipy.stats import t

    half = t.ppf((1 + LEVEL) / 2, n - 1) * std / n**0.5
    return mean - half, mean + half


def unwrapped(angles: pd.Series, groups: list[pd.Series]) -> pd.Series:
    """Angles of undirected lines, degrees, each turned by 180 as often as brings it within 90 of its group's direction.

    That direction is half the one of the mean of (cos 2a, sin 2a): lines at 89 and -89 become 89 and 91, whose mean is
    90, not 0. Null in groups whose lines cancel out, as those at 45 and -45 do.
    """
    double = np.radians(2 * angles)
    sine, cosine = (part.groupby(groups, sort=False).transform("mean") for part in (np.sin(double), np.cos(double)))
    direction = np.degrees(np.arctan2(sine, cosine)) / 2
    near = direction + (angles - direction + 90) % 180 - 90
    return near.mask(np.hypot(sine, cosine) <= NEGLIGIBLE)


def shift_columns(axes: Axes, metric: Metric = DEFAULT_METRIC) -> dict[str, tuple[str, str]]:
    """The columns of `shift`."""
    columns = {
        **VARIANT_KEY_COLUMNS,
        "threshold": ("float64", f"x of the x-ROIs whose centres are compared, {metric.distance}"),
        "n": ("int64", "seeds that both the variant and the base have"),
        "n_truncated": ("int64", "how many of them have either region on the edge of its grid: its centre is cut"),
    }
    for axis in axes.x_first:
        columns |= {
            f"shift_{axis.name}": ("float64", f"mean over seeds of the variant's centre - the base's, {axis.distance}"),
            f"std_{axis.name}": ("float64", "its standard deviation between seeds (n - 1); null with one seed"),
            f"low_{axis.name}": (
                "float64",
                "lower end of the 95 % t-interval of the mean shift that seeds like these give, not of the shift of "
                "the regions without noise; null with one seed",
            ),
            f"high_{axis.name}": ("float64", "upper end of that interval"),
        }
    return columns


def shift(roi: pd.DataFrame, ellipses: pd.DataFrame, axes: Axes) -> pd.DataFrame:
    """The shift of the optimum of every variant of an experiment that has a base, as `shift_columns`.

    One centre per seed, the mean of its x-ROI's points (with fewer points than an ellipse needs, too), and the
    difference variant - base of the same seed; the interval is over seeds. It is that of the estimator's mean: with
    more seeds it closes around the mean shift of regions that are each cut from noisy scores, not around the shift of
    the regions without noise. The two agree where the variant's landscape is the base's moved; they do not where the
    shapes differ or a region is cut. Centres lie on a grid, so equal ones in all
    seeds give an interval of width 0. n = 0, with null values, where variant and base share no seed. `roi` and
    `ellipses` as `regions.regions` and `regions.ellipses` give them.
    """
    moved = _moves(roi, ellipses, axes)
    keys = [*VARIANT_KEY, "threshold"]
    table = moved.groupby(keys, sort=True).agg(n=(axes.y.name, "count"), n_truncated=("truncated", "sum"))
    grouped = moved.groupby(keys, sort=True)
    for name in axes.names:
        mean, std = grouped[name].mean(), grouped[name].std()
        table[f"shift_{name}"], table[f"std_{name}"] = mean, std
        table[f"low_{name}"], table[f"high_{name}"] = t_interval(mean, std, table["n"])
    return table.reset_index()[list(shift_columns(axes))]


def _moves(roi: pd.DataFrame, ellipses: pd.DataFrame, axes: Axes) -> pd.DataFrame:
    """One row per variant, seed and threshold: the difference of the centres in each axis, null without the base's."""
    keys = [*LANDSCAPE, "threshold"]
    centres = roi.groupby(keys, sort=False)[axes.names].mean().reset_index()
    centres = centres.merge(ellipses[[*keys, "truncated"]], on=keys, validate="1:1")
    shared = [name for name in keys if name != "variant"]
    base = centres[centres["variant"] == "base"].drop(columns="variant")
    with_base = base[[name for name in shared if name != "seed"]].drop_duplicates()
    pruned = centres[centres["variant"] != "base"].merge(with_base)
    both = pruned.merge(base, on=shared, how="left", suffixes=("", "_base"), validate="m:1")
    for name in axes.names:
        both[name] -= both[f"{name}_base"]
    matched = both[axes.y.name].notna()
    both["truncated"] = matched & (both["truncated"] | both["truncated_base"].eq(True))
    return both
