"""How far pruning moves the optimum: the region's centre against the base's, seed by seed. Needs pandas and scipy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prunescape.analysis.cells_table import LANDSCAPE, SETTING, VARIANT_KEY, VARIANT_KEY_COLUMNS
from prunescape.analysis.seeds.spread import t_interval

if TYPE_CHECKING:
    import pandas as pd

SHIFT_COLUMNS: dict[str, tuple[str, str]] = {
    **VARIANT_KEY_COLUMNS,
    "threshold": ("float64", "x of the x-ROIs whose centres are compared, percentage points"),
    "n": ("int64", "seeds that both the variant and the base have"),
    "n_truncated": ("int64", "how many of them have either region on the edge of its grid, so that its centre is cut"),
    "shift_log10_wd": ("float64", "mean over seeds of the variant's centre minus the base's, decades of weight decay"),
    "std_log10_wd": ("float64", "its standard deviation between seeds in the 1/(n - 1) form; null with one seed"),
    "low_log10_wd": ("float64", "lower end of the 95 % t-interval of the shift; null with one seed"),
    "high_log10_wd": ("float64", "upper end of that interval"),
    "shift_log10_lr": ("float64", "the same in decades of learning rate"),
    "std_log10_lr": ("float64", "its standard deviation between seeds; null with one seed"),
    "low_log10_lr": ("float64", "lower end of the 95 % t-interval of the shift; null with one seed"),
    "high_log10_lr": ("float64", "upper end of that interval"),
}


def shift(roi: pd.DataFrame, ellipses: pd.DataFrame) -> pd.DataFrame:
    """The shift of the optimum of every variant of an experiment that has a base, as `SHIFT_COLUMNS`.

    One centre per seed, the mean of its x-ROI's points (with fewer points than an ellipse needs, too), and the
    difference variant - base of the same seed; the interval is over seeds. Centres lie on a grid, so equal ones in all
    seeds give an interval of width 0. n = 0, with null values, where variant and base share no seed. `roi` as
    `roi.regions` and `ellipses` as `ellipse.ellipses` gives it.
    """
    moved = _moves(roi, ellipses)
    keys = [*VARIANT_KEY, "threshold"]
    table = moved.groupby(keys, sort=True).agg(n=(SETTING[0], "count"), n_truncated=("truncated", "sum"))
    grouped = moved.groupby(keys, sort=True)
    for name in SETTING:
        mean, std = grouped[name].mean(), grouped[name].std()
        table[f"shift_{name}"], table[f"std_{name}"] = mean, std
        table[f"low_{name}"], table[f"high_{name}"] = t_interval(mean, std, table["n"])
    return table.reset_index()[list(SHIFT_COLUMNS)]


def _moves(roi: pd.DataFrame, ellipses: pd.DataFrame) -> pd.DataFrame:
    """One row per variant, seed and threshold: the difference of the centres in both axes, null without the base's."""
    keys = [*LANDSCAPE, "threshold"]
    centres = roi.groupby(keys, sort=False)[SETTING].mean().reset_index()
    centres = centres.merge(ellipses[[*keys, "truncated"]], on=keys, validate="1:1")
    shared = [name for name in keys if name != "variant"]
    base = centres[centres["variant"] == "base"].drop(columns="variant")
    with_base = base[[name for name in shared if name != "seed"]].drop_duplicates()
    pruned = centres[centres["variant"] != "base"].merge(with_base)
    both = pruned.merge(base, on=shared, how="left", suffixes=("", "_base"), validate="m:1")
    for name in SETTING:
        both[name] -= both[f"{name}_base"]
    matched = both[SETTING[0]].notna()
    both["truncated"] = matched & (both["truncated"] | both["truncated_base"].eq(True))
    return both
