"""Which settings belong to a variant's region of interest once noise between seeds is counted."""

import numpy as np
import pandas as pd

from prunescape.analysis.axes import VARIANT_KEY, VARIANT_KEY_COLUMNS, Axes
from prunescape.analysis.landscape.regions import TOLERANCE
from prunescape.analysis.verdict.screening import pooled_noise
from prunescape.store.records import OK

DRAWS = 4000  # a probability's Monte Carlo error is at most 0.5 / sqrt(DRAWS) = 0.008
RANDOM_SEED = 0
DRAWN_AT_ONCE = 2**22  # numbers, 32 MiB: a grid of any size fits in memory
NEGLIGIBLE = 8.0  # standard deviations: what needs a larger error to be a member has a probability under 1e-15


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
        "probability": ("float64", "that the setting belongs to the x-ROI of the mean landscape; null without sigma"),
    }


def membership(scores: pd.DataFrame, roi: pd.DataFrame, axes: Axes, thresholds: tuple[float, ...]) -> pd.DataFrame:
    """How surely each setting belongs to the x-ROI of its variant, as `membership_columns`, one row per setting and x.

    Decided: the true mean of setting j is taken as normal, μ_j ~ N(ȳ_j, s² / n_j), independent between settings: the
    posterior under a flat prior with s, the standard deviation between seeds pooled within the landscape's settings,
    taken as known. The probability is that of μ_j >= max μ - x. It leans low where many settings lie near the best,
    since the best of noisy means is high by chance: on a plateau, what was given 0.5 was true 7 times in 10. Diverged
    cells score chance level without noise, so they are left out of s and stay in the mean. Only landscapes with two
    seeds or more have rows. `scores` as `read_cells.scores` gives it, `roi` as `regions.regions` with `thresholds`.
    """
    several = scores.groupby(VARIANT_KEY, sort=False)["seed"].transform("nunique") >= 2
    points = _points(scores[several], axes)
    probability = _probabilities(points, thresholds)
    keys = [*VARIANT_KEY, *axes.names]
    parts = []
    for column, x in enumerate(thresholds):
        members = roi[roi["threshold"] == x].groupby(keys, sort=False).size().rename("members").reset_index()
        part = points.merge(members, on=keys, how="left", validate="1:1")
        share = part["members"].fillna(0) / part["n"]
        parts.append(part.assign(threshold=x, share=share, probability=probability[:, column]))
    order = [*VARIANT_KEY, "threshold", *(axis.name for axis in axes.x_first)]
    return pd.concat(parts).sort_values(order, ignore_index=True)[list(membership_columns(axes))]


def membership_probability(mean: np.ndarray, error: np.ndarray, thresholds: tuple[float, ...]) -> np.ndarray:
    """P(μ_j >= max μ - x) for independent μ_j ~ N(mean_j, error_j²): (points, thresholds).

    `mean` and `error` are (points,) in percentage points; error 0 is allowed. Monte Carlo with a fixed seed: the same
    landscape has the same probabilities wherever it stands.
    """
    best = mean.argmax()
    room = mean - mean[best] + max(thresholds) + TOLERANCE + NEGLIGIBLE * np.hypot(error, error[best])
    near = np.flatnonzero(room >= 0)
    inside = np.zeros((len(mean), len(thresholds)))
    random = np.random.default_rng(RANDOM_SEED)
    at_once = max(1, DRAWN_AT_ONCE // len(near))
    for start in range(0, DRAWS, at_once):
        noise = random.standard_normal((min(at_once, DRAWS - start), len(near)))
        drawn = mean[near] + error[near] * noise
        gap = drawn.max(axis=1, keepdims=True) - drawn
        inside[near] += np.column_stack([(gap <= x + TOLERANCE).sum(axis=0) for x in thresholds])
    return inside / DRAWS


def _points(scores: pd.DataFrame, axes: Axes) -> pd.DataFrame:
    """One row per setting of each variant and metric: means, numbers of seeds, its landscape's pooled sigma."""
    keys = [*VARIANT_KEY, *axes.names]
    marked = scores.assign(diverged=scores["status"] != OK)
    how = {"score": "mean", "chosen_on": "mean", "seed": "size", "diverged": "sum"}
    names = {"seed": "n", "diverged": "n_diverged"}
    points = marked.groupby(keys, sort=True).agg(how).rename(columns=names).reset_index()
    noise = pooled_noise(scores, axes, "chosen_on", VARIANT_KEY).drop(columns="freedom")
    return points.merge(noise, on=VARIANT_KEY, how="left", validate="m:1")


def _probabilities(points: pd.DataFrame, thresholds: tuple[float, ...]) -> np.ndarray:
    """`membership_probability` of every row of `points`, which stand together by landscape; nan without a sigma."""
    mean, error = points["chosen_on"].to_numpy(), (points["sigma"] / points["n"] ** 0.5).to_numpy()
    probability = np.full((len(points), len(thresholds)), np.nan)
    for rows in points.groupby(VARIANT_KEY, sort=False).indices.values():
        if not np.isnan(error[rows[0]]):
            probability[rows] = membership_probability(mean[rows], error[rows], thresholds)
    return probability
