"""Performance risk: how far a variant stays under its best at the base's good settings, with tests of it."""

import numpy as np
import pandas as pd

from prunescape.analysis.axes import DEFAULT_METRIC, KEY_COLUMNS, LANDSCAPE, Axes, Metric
from prunescape.analysis.landscape.chance import without_answer
from prunescape.analysis.landscape.regions import TOLERANCE, best_cells

DECIMALS = 9  # of a percentage point: equal counts give equal differences but for rounding, and ties must stay ties


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


def risk_points(
    scores: pd.DataFrame, roi: pd.DataFrame, axes: Axes, risk_threshold: float, chance: pd.DataFrame | None = None
) -> pd.DataFrame:
    """The risk at every setting of the base's x-ROI, for every variant (the base too), one row per setting.

    d = f_v(theta*) - f_v(theta), d_rel = d / |f_v(theta*)| (matthiesen2023, 3.3.2, Eq 3.4 and 3.6), variant and base
    matched on seed, metric and setting; x is the `risk_threshold`, one of those of `roi`. Decided: with a validation
    split theta* and the ROI are chosen on it, and f is the score on the test split, so that d may be negative;
    `d_chosen_on` is the same on the validation split.
    Columns: a landscape's key, setting, status, score, chosen_on, best, d, d_rel, d_chosen_on; d_rel is null where the
    best score is 0. An experiment without cells of its base has no rows; nor has a variant which learnt nothing, or
    whose base did not, by `chance`, which is what `chance_tests` gives.
    """
    shared = [name for name in LANDSCAPE if name != "variant"] + axes.names
    carried = roi[(roi["variant"] == "base") & (roi["threshold"] == risk_threshold)][shared]
    names = {"score": "best", "chosen_on": "best_chosen_on"}
    best = best_cells(scores, axes).rename(columns=names)[[*LANDSCAPE, *names.values()]]
    points = scores.merge(best, on=LANDSCAPE, validate="m:1").merge(carried, on=shared, validate="m:1")
    points["d"] = points["best"] - points["score"]
    points["d_rel"] = points["d"] / points["best"].abs().where(points["best"] != 0)
    points["d_chosen_on"] = points["best_chosen_on"] - points["chosen_on"]
    if chance is not None:
        points = points[~without_answer(points, chance)]
    return points.sort_values([*LANDSCAPE, *axes.names], ignore_index=True)


def risk(scores: pd.DataFrame, points: pd.DataFrame, axes: Axes) -> pd.DataFrame:
    """The performance risk of every variant and seed of the experiments that have a base, as `risk_columns`.

    Mean and standard deviation over the base's good settings in the 1/n form (matthiesen2023, 3.3.2, Eq 3.5), computed
    per seed. `points` as `risk_points` gives them for `scores`. n = 0, with null values, where a variant was trained at
    none of the base's good settings, or the base not with its seed, and where either learnt nothing.
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
    best, shared = best_cells(scores, axes), [name for name in LANDSCAPE if name not in ("variant", "seed")]
    based = best.loc[best["variant"] == "base", shared].drop_duplicates()  # in whatever seed
    table = best.merge(based, on=shared).rename(columns=names)
    table = table.merge(summary.reset_index(), on=LANDSCAPE, how="left")
    table[["n", "n_diverged"]] = table[["n", "n_diverged"]].fillna(0).astype("int64")
    return table[list(risk_columns(axes, 0))]


def _within_twice_the_base(points: pd.DataFrame) -> pd.Series:
    """By landscape: the share of settings with d_rel <= 2 max d_rel of the base (matthiesen2023, 4.2, "within 2x")."""
    shared = [name for name in LANDSCAPE if name != "variant"]
    largest = points["d_rel"].where(points["variant"] == "base").groupby([points[name] for name in shared])
    within = (points["d_rel"] <= 2 * largest.transform("max") + TOLERANCE).where(points["d_rel"].notna())
    return within.astype("float64").groupby([points[name] for name in LANDSCAPE], sort=False).mean()


def risk_test_columns(risk_threshold: float) -> dict[str, tuple[str, str]]:
    """The columns of `risk_tests`."""
    return {
        **KEY_COLUMNS,
        "n": ("int64", f"settings of the base's {risk_threshold:g}-ROI that variant and base were both trained at"),
        "wilcoxon_w": ("float64", "Wilcoxon's W of the paired risks; null where no pair differs"),
        "wilcoxon_p": ("float64", "its two-sided p: descriptive, settings are no independent samples"),
        "wilcoxon_r": ("float64", "matched-pairs rank-biserial correlation, -1 to 1; above 0 the variant risks more"),
        "mann_whitney_u": ("float64", "Mann-Whitney's U of the variant's risks against the base's"),
        "mann_whitney_p": ("float64", "its two-sided p: descriptive, settings are no independent samples"),
        "mann_whitney_r": ("float64", "rank-biserial correlation, -1 to 1; above 0 the variant risks more"),
        "cles": ("float64", "share of all pairs of settings in which the variant risks more, ties as half"),
    }


def risk_tests(points: pd.DataFrame, axes: Axes) -> pd.DataFrame:
    """Wilcoxon's signed-rank and Mann-Whitney's test of every variant and seed, as `risk_test_columns`.

    They compare the risks d of variant and base over the base's good settings (matthiesen2023, 3.3.2), paired by
    setting and as two samples, with effect sizes. Descriptive only: neighbouring settings share the landscape, all
    share the noise of the best cell, and Θ_b is where the base was lucky, so that the base's risks are small by
    construction. The same numbers as pingouin.wilcoxon and pingouin.mwu, computed for many variants at once. Decided:
    with ties or pairs that do not differ Wilcoxon's p is the normal approximation, else exact up to 50 pairs. `points`
    as `risk_points` gives them; a variant that shares no setting and seed with its base has no row.
    """
    shared = [name for name in LANDSCAPE if name != "variant"] + axes.names
    base = points.loc[points["variant"] == "base", [*shared, "d"]]
    pairs = points[points["variant"] != "base"].merge(base, on=shared, suffixes=("", "_base"), validate="m:1")
    risks = pairs[["d", "d_base"]].to_numpy()
    places = list(pairs.groupby(LANDSCAPE, sort=True).indices.items())
    columns = risk_test_columns(0)
    found = np.empty((len(places), len(columns) - len(LANDSCAPE)))
    sizes = np.array([len(at) for _, at in places])
    for n in np.unique(sizes):  # variants of one experiment mostly share its settings: one call tests them all
        (rows,) = np.nonzero(sizes == n)
        variant, base_risks = np.moveaxis(risks[np.stack([places[row][1] for row in rows])], -1, 0)
        found[rows] = np.column_stack([np.full(len(rows), n), _paired(variant - base_risks), _two(variant, base_risks)])
    table = pd.DataFrame([key for key, _ in places], columns=LANDSCAPE)
    table[list(columns)[len(LANDSCAPE) :]] = found
    return table.astype({name: kind for name, (kind, _) in columns.items() if kind != "string"})


def _paired(differences: np.ndarray) -> np.ndarray:
    """(rows, 3) W, p and rank-biserial correlation of signed-rank tests of `differences` (rows, n), as pingouin's."""
    from scipy.stats import rankdata, wilcoxon

    differences = differences.round(DECIMALS)  # not before the subtraction, which would part equal counts again
    sizes = np.abs(differences)
    tied = (sizes == 0).any(axis=1) | _has_ties(sizes)
    found = np.full((len(differences), 3), np.nan)
    some = differences.any(axis=1)
    for rows, method in ((some & tied, "asymptotic"), (some & ~tied, "auto")):
        if rows.any():
            tested = wilcoxon(differences[rows], axis=1, correction=True, method=method)
            found[rows, 0], found[rows, 1] = tested.statistic, tested.pvalue
    ranks = rankdata(np.where(sizes > 0, sizes, np.nan), axis=1, nan_policy="omit")
    total = np.nansum(ranks, axis=1)
    found[some, 2] = (np.nansum(np.sign(differences) * ranks, axis=1) / np.where(total > 0, total, 1))[some]
    return found


def _two(variant: np.ndarray, base: np.ndarray) -> np.ndarray:
    """(rows, 4) U, p, rank-biserial correlation and share of pairs of two samples, each (rows, n), as pingouin's."""
    from scipy.stats import mannwhitneyu

    variant, base = variant.round(DECIMALS), base.round(DECIMALS)
    found = np.empty((len(variant), 4))
    tied = _has_ties(np.concatenate([variant, base], axis=1))
    for rows in (tied, ~tied):
        if rows.any():
            tested = mannwhitneyu(variant[rows], base[rows], axis=1)
            found[rows, 0], found[rows, 1] = tested.statistic, tested.pvalue
    share = found[:, 0] / variant.shape[1] / base.shape[1]
    found[:, 2], found[:, 3] = 2 * share - 1, share
    return found


def _has_ties(values: np.ndarray) -> np.ndarray:
    """(rows,) whether a row holds a value twice."""
    return (np.diff(np.sort(values, axis=1), axis=1) == 0).any(axis=1)
