"""How far pruning moves the optimum: the region's centre against the base's, seed by seed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prunescape.analysis.axes import Axes
from prunescape.analysis.keys import LANDSCAPE, VARIANT_KEY, VARIANT_KEY_COLUMNS
from prunescape.analysis.metric import DEFAULT_METRIC, Metric
from prunescape.analysis.seeds.spread import t_interval

if TYPE_CHECKING:
    import pandas as pd


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
            f"low_{axis.name}": ("float64", "lower end of the 95 % t-interval of the shift; null with one seed"),
            f"high_{axis.name}": ("float64", "upper end of that interval"),
        }
    return columns


def shift(roi: pd.DataFrame, ellipses: pd.DataFrame, axes: Axes) -> pd.DataFrame:
    """The shift of the optimum of every variant of an experiment that has a base, as `shift_columns`.

    One centre per seed, the mean of its x-ROI's points (with fewer points than an ellipse needs, too), and the
    difference variant - base of the same seed; the interval is over seeds. Centres lie on a grid, so equal ones in all
    seeds give an interval of width 0. n = 0, with null values, where variant and base share no seed. `roi` as
    `regions.regions` and `ellipses` as `ellipse.ellipses` gives it.
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
