"""Which grid points of each variant deserve fresh seeds: the seed noise from a pilot, and the keep rule on stage 1.

All functions take a long table with one row per cell and metric: experiment, model, dataset, variant, seed, metric,
the axes, status, score (percent) and stage: `grid` (stage 1), `pilot` (fresh seeds at the prior, for the noise only) or
`replicate` (fresh seeds at kept points).
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from prunescape.analysis.axes import GROUP, VARIANT_KEY, Axes
from prunescape.analysis.landscape.image_errors import gain_variances, image_shares
from prunescape.analysis.landscape.regions import TOLERANCE
from prunescape.analysis.verdict.doubts import screening_bounds
from prunescape.errors import InputError
from prunescape.store.records import GRID, OK, PILOT, REPLICATE

MARGIN, ALPHA, ALPHA_SCREEN = 0.5, 0.05, 0.01
SCOPE = [*GROUP, "metric"]
SURFACE = VARIANT_KEY


def kept_points(points: pd.DataFrame, margin: float, level: float) -> np.ndarray:
    """Which rows of `screen` need fresh seeds: those of Θ_b, and those whose bound reaches the margin.

    Point j stays unless Y1_j + q σ √((1 + 1/K)/S) < mean over Θ_b of Y1 + margin: K = |Θ_b|, Y1 the mean of the S
    seeds of stage 1, q the 1 − `level` quantile, normal for a given σ, Student's for one from the pilot. Without either
    nothing can be dropped. A variant without a base, or trained at none of Θ_b, keeps none.
    """
    inside = points["in_base_roi"].to_numpy()
    return (inside | (point_bounds(points, level) >= margin)) & (points["k"].to_numpy() > 0)


def screen(
    rows: pd.DataFrame, axes: Axes, risk_threshold: float, *, sigma: float | None = None, seeds: Sequence[int] = ()
) -> pd.DataFrame:
    """What stage 1 says of every point of every pruned variant, in the order of its key and setting.

    Beside key and setting: first (Y1, percent), chosen_on (its counterpart by which settings are chosen: on a
    validation split, or Y1 itself), seeds (of stage 1), diverged (all of them did), in_base_roi, k (|Θ_b|
    as far as this variant was trained there, 0 without a base), points, excess (Y1 − mean over Θ_b), spread (error of
    excess / σ), sigma, freedom (infinite when given), sigma_source. The noise of replicates is that of these `seeds`,
    by default of all there are: the screen of a design must not change while it goes on.
    """
    stage1 = _mean_landscapes(rows[rows["stage"] == GRID], axes)
    members = base_region(stage1, axes, risk_threshold)
    points = stage1[stage1["variant"] != "base"]
    points = points.merge(members.assign(in_base_roi=True), on=[*SCOPE, *axes.names], how="left")
    points["in_base_roi"] = points["in_base_roi"].notna()
    points = points.sort_values([*SURFACE, *axes.names], ignore_index=True)
    inside = points["in_base_roi"]
    grouped = points.assign(
        carried=points["first"].where(inside), share=(1 / points["seeds"]).where(inside), one=1, inside=inside
    ).groupby(SURFACE, sort=False)
    points["k"], points["points"] = grouped["inside"].transform("sum"), grouped["one"].transform("sum")
    points["excess"] = points["first"] - grouped["carried"].transform("mean")
    points["spread"] = np.sqrt(1 / points["seeds"] + grouped["share"].transform("sum") / points["k"].clip(lower=1) ** 2)
    return points.merge(_noise(rows, axes, members, sigma, points, seeds), on=SCOPE, how="left")


def split_seeds(rows: pd.DataFrame, axes: Axes) -> pd.DataFrame:
    """The rows, where the further seeds of each grid point are replicates in an experiment that has none."""
    planned = (rows["stage"] == REPLICATE).groupby([rows[name] for name in GROUP]).transform("any")
    grid = rows["stage"] == GRID
    lowest = (
        rows["seed"].where(grid).groupby([rows[name] for name in [*GROUP, "variant", *axes.names]]).transform("min")
    )
    return rows.assign(stage=rows["stage"].mask(grid & ~planned & (rows["seed"] > lowest), REPLICATE))


def base_region(stage1: pd.DataFrame, axes: Axes, risk_threshold: float) -> pd.DataFrame:
    """Θ_b: the settings of the base's x-ROI on its mean landscape, by experiment and metric; none if all diverged.

    x is the `risk_threshold`. With a validation split it is chosen there, as the ROI is.
    """
    base = stage1[stage1["variant"] == "base"]
    grouped = base.groupby(SCOPE)
    good = base["chosen_on"] >= grouped["chosen_on"].transform("max") - risk_threshold - TOLERANCE
    return base.loc[good & ~grouped["diverged"].transform("all"), [*SCOPE, *axes.names]]


def point_bounds(points: pd.DataFrame, level: float) -> np.ndarray:
    """The screening bound of each row of `screen`, percentage points, at one-sided `level`; over images too if there.

    Both errors are put on one scale: q √(σ² spread² + variance over images).
    """
    sigma, spread = points["sigma"].to_numpy(float), points["spread"].to_numpy(float)
    if "image_variance" in points:
        with np.errstate(divide="ignore", invalid="ignore"):
            spread = np.sqrt(spread**2 + points["image_variance"].to_numpy(float) / sigma**2)
    return screening_bounds(points["excess"].to_numpy(float), spread, sigma, points["freedom"].to_numpy(float), level)


def image_variances(cells: pd.DataFrame | None, axes: Axes, points: pd.DataFrame) -> np.ndarray:
    """(points,) variance over test images of each excess of ONE variant, whose `cells` are its rows of the long table.

    `points` are its rows of `screen`; nan where stage 1 does not tell which images are right.
    """
    seen = None if cells is None else image_shares(cells[cells["stage"] == GRID], axes, points)
    if seen is None or not points["in_base_roi"].any():
        return np.full(len(points), np.nan)
    return gain_variances(seen, points["in_base_roi"].to_numpy())


def cells_with_outcomes(rows: pd.DataFrame) -> dict[tuple, pd.DataFrame]:
    """The rows of each variant in top-1, by its key, where the table says which test images are right."""
    if not {"correct_bits", "tested"} <= set(rows.columns):
        return {}
    return dict(iter(rows[rows["metric"] == "top1"].groupby(SURFACE, sort=False)))


def claim_count(points: pd.DataFrame) -> int:
    """V, the number of pruned variants of the whole study, at least 1; a claim is counted once, not by metric."""
    return max(1, len(points[[*GROUP, "variant"]].drop_duplicates()))


def check_levels(margin: float, sigma: float | None, alpha_screen: float, alpha: float = 0.5) -> None:
    """Raises InputError unless margin and sigma are positive and 0 < alpha_screen < alpha <= 0.5."""
    for name, value in (("margin", margin), ("sigma", sigma)):
        if value is not None and not 0 < value < np.inf:
            raise InputError(f"{name} is {value}", allowed="a positive number of percentage points")
    if not 0 < alpha_screen < alpha <= 0.5:
        raise InputError(f"alpha_screen is {alpha_screen} and alpha {alpha}", allowed="0 < alpha_screen < alpha <= 0.5")


def _mean_landscapes(rows: pd.DataFrame, axes: Axes) -> pd.DataFrame:
    """The mean over the seeds of stage 1 per point, with their number and whether all of them diverged."""
    chosen_on = rows["chosen_on"] if "chosen_on" in rows else rows["score"]
    cells = rows.assign(diverged=rows["status"] != OK, chosen_on=chosen_on)
    names = {"first": ("score", "mean"), "chosen_on": ("chosen_on", "mean")}
    names |= {"seeds": ("score", "size"), "diverged": ("diverged", "all")}
    return cells.groupby([*SURFACE, *axes.names], sort=False).agg(**names).reset_index()


def _noise(
    rows: pd.DataFrame,
    axes: Axes,
    members: pd.DataFrame,
    sigma: float | None,
    points: pd.DataFrame,
    seeds: Sequence[int],
) -> pd.DataFrame:
    """sigma, freedom and sigma_source per experiment and metric: given, else the pilot's, else the replicates'."""
    if sigma is not None:
        return points[SCOPE].drop_duplicates().assign(sigma=sigma, freedom=np.inf, sigma_source="given")
    fresh = rows[rows["stage"].isin([PILOT, REPLICATE])]
    planned = rows.loc[rows["stage"] == PILOT, [*SCOPE, *axes.names, "seed"]].drop_duplicates()
    pilot = pooled_noise(fresh.merge(planned, on=list(planned.columns)), axes, "score", SCOPE)
    fresh = fresh[fresh["seed"].isin(seeds)] if len(seeds) else fresh
    replicates = pooled_noise(fresh.merge(members, on=[*SCOPE, *axes.names]), axes, "score", SCOPE)
    sources = [found.assign(sigma_source=name) for found, name in ((pilot, "pilot"), (replicates, "replicates"))]
    known = pd.concat(sources, ignore_index=True)
    known = known[known["sigma"] > TOLERANCE].drop_duplicates(SCOPE)
    return known.astype({"freedom": "float64", "sigma_source": "object"})


def pooled_noise(rows: pd.DataFrame, axes: Axes, column: str, by: list[str]) -> pd.DataFrame:
    """sigma, in the unit of `column`, and freedom for each group of `by`, which are columns of a variant's key.

    sigma² = Σ (y − mean of its variant and setting)² / freedom, freedom = Σ (seeds − 1); sigma is null without two
    seeds anywhere. Cells that diverged are left out: they tell of the chance to diverge, not of the noise of a training
    that works.
    """
    converged = rows[rows["status"] == OK]
    points = converged.groupby([*VARIANT_KEY, *axes.names], sort=False)[column].agg(["var", "count"])
    points["freedom"] = points["count"] - 1
    points["squares"] = points["var"].fillna(0) * points["freedom"]
    pooled = points.groupby(by)[["squares", "freedom"]].sum()
    pooled["sigma"] = np.sqrt(pooled["squares"] / pooled["freedom"].where(pooled["freedom"] > 0))
    return pooled.reset_index()[[*by, "sigma", "freedom"]]
