"""Descriptive tests of a variant's risks against the base's at the same settings."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from prunescape.analysis.axes import KEY_COLUMNS, LANDSCAPE, Axes

if TYPE_CHECKING:
    import pandas as pd

DECIMALS = 9  # of a percentage point: equal counts give equal differences but for rounding, and ties must stay ties


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
    as `risk.risk_points` gives them; a variant that shares no setting and seed with its base has no row.
    """
    import pandas as pd

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
