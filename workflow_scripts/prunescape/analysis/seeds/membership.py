"""Which settings belong to a variant's region of interest once noise between seeds is counted."""

import pandas as pd

from prunescape.analysis.axes import VARIANT_KEY, VARIANT_KEY_COLUMNS, Axes
from prunescape.analysis.surface.inference import setting_means
from prunescape.analysis.verdict.screening import pooled_noise

NOT_INFERRED = "nothing is inferred of this metric"


def membership_columns(axes: Axes) -> dict[str, tuple[str, str]]:
    """The columns of `membership`."""
    return {
        **VARIANT_KEY_COLUMNS,
        "threshold": ("float64", "x of the x-ROI, percentage points under the best"),
        **{axis.name: ("float64", axis.value) for axis in axes.x_first},
        "score": ("float64", "mean over seeds, percent on the test split"),
        "chosen_on": ("float64", "mean over seeds of the percent by which members are chosen, diverged cells counted"),
        "n": ("int64", "seeds trained at this setting"),
        "n_diverged": ("int64", "how many of them diverged"),
        "share": ("float64", "share of these seeds in whose own x-ROI the setting lies"),
        "sigma": ("float64", "standard deviation between seeds, pooled over settings without diverged cells, points"),
        "probability": ("float64", "that it belongs to the x-ROI, by the inferred surface; null where none is shown"),
        "reason": ("string", "why there is no probability; null where there is one"),
    }


def membership(
    scores: pd.DataFrame,
    roi: pd.DataFrame,
    axes: Axes,
    thresholds: tuple[float, ...],
    inferred_roi: pd.DataFrame,
    surface_checks: pd.DataFrame,
) -> pd.DataFrame:
    """How surely each setting belongs to the x-ROI of its variant, as `membership_columns`, one row per setting and x.

    The probability is that of `inferred_roi`. Decided: no other is given. The means over seeds as such, each normal
    around its setting's score, say too little of most members: the best of noisy means is high by chance, and a region
    under it is small. Only landscapes with two seeds or more have rows. `scores` as `read_cells.scores` gives it, `roi`
    as `regions.regions` with `thresholds`.
    """
    several = scores.groupby(VARIANT_KEY, sort=False)["seed"].transform("nunique") >= 2
    keys = [*VARIANT_KEY, *axes.names]
    noise = pooled_noise(scores[several], axes, "chosen_on", VARIANT_KEY).drop(columns="freedom")
    points = setting_means(scores[several], axes).merge(noise, on=VARIANT_KEY, how="left", validate="m:1")
    points = points.merge(surface_checks[[*VARIANT_KEY, "reason"]], on=VARIANT_KEY, how="left", indicator="checked")
    points["reason"] = points["reason"].mask(points["checked"] == "left_only", NOT_INFERRED)
    parts = []
    for x in thresholds:
        members = roi[roi["threshold"] == x].groupby(keys, sort=False).size().rename("members").reset_index()
        known = inferred_roi.loc[inferred_roi["threshold"] == x, [*keys, "probability"]]
        part = points.merge(members, on=keys, how="left", validate="1:1").merge(known, on=keys, how="left")
        parts.append(part.assign(threshold=x, share=part["members"].fillna(0) / part["n"]))
    order = [*VARIANT_KEY, "threshold", *(axis.name for axis in axes.x_first)]
    return pd.concat(parts).sort_values(order, ignore_index=True)[list(membership_columns(axes))]
