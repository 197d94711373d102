"""Which grid points of each variant deserve fresh seeds: the seed noise from a pilot, and the keep rule on stage 1.

A long table is needed, one row per cell and metric: experiment, model, dataset, variant, seed, metric, log10_lr,
log10_wd, status, score (percent) and stage: `grid` (stage 1), `pilot` (fresh seeds at the prior, for the noise only) or
`replicate` (fresh seeds at kept points). Needs pandas and scipy.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from prunescape.analysis.cells_table import GROUP, SETTING, VARIANT_KEY, VARIANT_KEY_COLUMNS
from prunescape.analysis.landscape.image_errors import gain_variances, image_shares
from prunescape.analysis.landscape.regions import TOLERANCE
from prunescape.analysis.landscape.risk import BASE_THRESHOLD
from prunescape.analysis.verdict.decision import screening_bounds
from prunescape.analysis.verdict.noise import pooled_noise
from prunescape.errors import InputError
from prunescape.store.records import GRID, OK, PILOT, REPLICATE, STAGES

if TYPE_CHECKING:
    import pandas as pd

MARGIN, ALPHA, ALPHA_SCREEN = 0.5, 0.05, 0.01
SCOPE = [*GROUP, "metric"]
SURFACE = VARIANT_KEY

KEPT_COLUMNS: dict[str, tuple[str, str]] = {
    **VARIANT_KEY_COLUMNS,
    "log10_lr": ("float64", "log10 of the learning rate of a point to train with fresh seeds"),
    "log10_wd": ("float64", "log10 of its weight decay"),
    "in_base_roi": ("bool", "a member of Θ_b, the base's 0.5-ROI on stage 1: kept whatever it scored"),
}


def seed_noise(rows: pd.DataFrame) -> pd.DataFrame:
    """The noise of fresh-seed rows, pooled over all variants of an experiment: one row per experiment and metric.

    Columns: experiment, model, dataset, metric, sigma (percentage points) and freedom, as `noise.pooled_noise`.
    """
    return pooled_noise(rows, "score", SCOPE)


def kept_points(
    rows: pd.DataFrame,
    *,
    margin: float = MARGIN,
    alpha_screen: float = ALPHA_SCREEN,
    sigma: float | None = None,
    claims: int | None = None,
    images: bool = False,
) -> pd.DataFrame:
    """The points of every pruned variant that need fresh seeds, one row each, as `KEPT_COLUMNS`.

    Point j stays unless Y1_j + q σ √((1 + 1/K)/S) < mean over Θ_b of Y1 + margin: K = |Θ_b|, Y1 the mean of the S
    seeds of stage 1, q the 1 − alpha_screen/claims quantile, normal for a given `sigma` (percentage points), Student's
    for one from the `pilot` rows. Without either nothing can be dropped. `claims` is the number of variants that are to
    have a claim of their own: by default all pruned ones; 1 keeps only what the claim over the whole study needs.
    With `images`, for claims beyond this test set, the error over images is added where `correct_bits` and `tested` are
    known, which keeps more. A variant without a base, or trained at none of Θ_b, has no rows. Raises InputError.
    """
    check_levels(margin, sigma, alpha_screen)
    check_columns(rows)
    points = screen(rows, sigma=sigma)
    level = alpha_screen / (claims or claim_count(points))
    if images:
        cells = cells_with_outcomes(rows)
        each = [image_variances(cells.get(key), part) for key, part in points.groupby(SURFACE, sort=False)]
        points["image_variance"] = np.nan_to_num(np.concatenate(each)) if each else 0.0
    points["bound"] = point_bounds(points, level)
    kept = points[(points["in_base_roi"] | (points["bound"] >= margin)) & (points["k"] > 0)]
    return kept[list(KEPT_COLUMNS)].reset_index(drop=True)


def screen(rows: pd.DataFrame, *, sigma: float | None = None) -> pd.DataFrame:
    """What stage 1 says of every point of every pruned variant, in the order of its key and setting.

    Beside key and setting: first (Y1, percent), chosen_on (its counterpart by which settings are chosen: on a
    validation split, or Y1 itself), seeds (of stage 1), diverged (all of them did), in_base_roi, k (|Θ_b|
    as far as this variant was trained there, 0 without a base), points, excess (Y1 − mean over Θ_b), spread (error of
    excess / σ), sigma, freedom (infinite when given), sigma_source.
    """
    stage1 = _mean_landscapes(rows[rows["stage"] == GRID])
    members = base_region(stage1)
    points = stage1[stage1["variant"] != "base"]
    points = points.merge(members.assign(in_base_roi=True), on=[*SCOPE, *SETTING], how="left")
    points["in_base_roi"] = points["in_base_roi"].notna()
    points = points.sort_values([*SURFACE, *SETTING], ignore_index=True)
    inside = points["in_base_roi"]
    grouped = points.assign(
        carried=points["first"].where(inside), share=(1 / points["seeds"]).where(inside), one=1, inside=inside
    ).groupby(SURFACE, sort=False)
    points["k"], points["points"] = grouped["inside"].transform("sum"), grouped["one"].transform("sum")
    points["excess"] = points["first"] - grouped["carried"].transform("mean")
    points["spread"] = np.sqrt(1 / points["seeds"] + grouped["share"].transform("sum") / points["k"].clip(lower=1) ** 2)
    return points.merge(_noise(rows, members, sigma, points), on=SCOPE, how="left")


def base_region(stage1: pd.DataFrame) -> pd.DataFrame:
    """Θ_b: the settings of the base's 0.5-ROI on its mean landscape, by experiment and metric; none if all diverged.

    With a validation split it is chosen there, as the ROI is.
    """
    base = stage1[stage1["variant"] == "base"]
    grouped = base.groupby(SCOPE)
    good = base["chosen_on"] >= grouped["chosen_on"].transform("max") - BASE_THRESHOLD - TOLERANCE
    return base.loc[good & ~grouped["diverged"].transform("all"), [*SCOPE, *SETTING]]


def point_bounds(points: pd.DataFrame, level: float) -> np.ndarray:
    """The screening bound of each row of `screen`, percentage points, at one-sided `level`; over images too if there.

    Both errors are put on one scale: q √(σ² spread² + variance over images).
    """
    sigma, spread = points["sigma"].to_numpy(float), points["spread"].to_numpy(float)
    if "image_variance" in points:
        with np.errstate(divide="ignore", invalid="ignore"):
            spread = np.sqrt(spread**2 + points["image_variance"].to_numpy(float) / sigma**2)
    return screening_bounds(points["excess"].to_numpy(float), spread, sigma, points["freedom"].to_numpy(float), level)


def image_variances(cells: pd.DataFrame | None, points: pd.DataFrame) -> np.ndarray:
    """(points,) variance over test images of each excess of ONE variant, whose `cells` are its rows of the long table.

    `points` are its rows of `screen`; nan where stage 1 does not tell which images are right.
    """
    seen = None if cells is None else image_shares(cells[cells["stage"] == GRID], points)
    if seen is None or not points["in_base_roi"].any():
        return np.full(len(points), np.nan)
    return gain_variances(seen, points["in_base_roi"].to_numpy())


def cells_with_outcomes(rows: pd.DataFrame) -> dict[tuple, pd.DataFrame]:
    """The rows of each variant in top-1, by its key, where the table says which test images are right."""
    if not {"correct_bits", "tested"} <= set(rows.columns):
        return {}
    return dict(iter(rows[rows["metric"] == "top1"].groupby(SURFACE, sort=False)))


def claim_count(points: pd.DataFrame) -> int:
    """V, the number of pruned variants of the whole study, at least 1; metrics are one claim's two faces."""
    return max(1, len(points[[*GROUP, "variant"]].drop_duplicates()))


def check_levels(margin: float, sigma: float | None, alpha_screen: float, alpha: float = 0.5) -> None:
    """Raises InputError unless margin and sigma are positive and 0 < alpha_screen < alpha <= 0.5."""
    for name, value in (("margin", margin), ("sigma", sigma)):
        if value is not None and not 0 < value < np.inf:
            raise InputError(f"{name} is {value}", allowed="a positive number of percentage points")
    if not 0 < alpha_screen < alpha <= 0.5:
        raise InputError(f"alpha_screen is {alpha_screen} and alpha {alpha}", allowed="0 < alpha_screen < alpha <= 0.5")


def check_columns(rows: pd.DataFrame) -> None:
    """Raises InputError when a column of the long table is missing or a stage is unknown."""
    missing = [name for name in (*SURFACE, "seed", *SETTING, "status", "score", "stage") if name not in rows]
    if missing:
        raise InputError(f'the column "{missing[0]}" is missing', where="the table of cells and metrics")
    unknown = set(rows["stage"].unique()) - set(STAGES)
    if unknown:
        raise InputError(f'"{min(map(str, unknown))}" is no stage', allowed=f"{GRID}, {PILOT} or {REPLICATE}")


def _mean_landscapes(rows: pd.DataFrame) -> pd.DataFrame:
    """The mean over the seeds of stage 1 per point, with their number and whether all of them diverged."""
    chosen_on = rows["chosen_on"] if "chosen_on" in rows else rows["score"]
    cells = rows.assign(diverged=rows["status"] != OK, chosen_on=chosen_on)
    names = {
        "first": ("score", "mean"),
        "chosen_on": ("chosen_on", "mean"),
        "seeds": ("score", "size"),
        "diverged": ("diverged", "all"),
    }
    return cells.groupby([*SURFACE, *SETTING], sort=False).agg(**names).reset_index()


def _noise(rows: pd.DataFrame, members: pd.DataFrame, sigma: float | None, points: pd.DataFrame) -> pd.DataFrame:
    """sigma, freedom and sigma_source per experiment and metric: given, else the pilot's, else the replicates'."""
    import pandas as pd

    if sigma is not None:
        return points[SCOPE].drop_duplicates().assign(sigma=sigma, freedom=np.inf, sigma_source="given")
    fresh = rows[rows["stage"].isin([PILOT, REPLICATE])]
    planned = rows.loc[rows["stage"] == PILOT, [*SCOPE, *SETTING, "seed"]].drop_duplicates()
    pilot = seed_noise(fresh.merge(planned, on=list(planned.columns)))
    replicates = seed_noise(fresh.merge(members, on=[*SCOPE, *SETTING]))
    sources = [found.assign(sigma_source=name) for found, name in ((pilot, "pilot"), (replicates, "replicates"))]
    known = pd.concat(sources, ignore_index=True)
    known = known[known["sigma"] > TOLERANCE].drop_duplicates(SCOPE)
    return known.astype({"freedom": "float64", "sigma_source": "object"})
