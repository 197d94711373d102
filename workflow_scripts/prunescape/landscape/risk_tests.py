"""Descriptive tests of a variant's risks against the base's at the same settings. Needs pandas; pingouin to test."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from prunescape.landscape.table import KEY_COLUMNS, LANDSCAPE, SETTING

if TYPE_CHECKING:
    import pandas as pd

DECIMALS = 9  # of a percentage point: equal counts give equal differences but for rounding, and ties must stay ties

RISK_TEST_COLUMNS: dict[str, tuple[str, str]] = {
    **KEY_COLUMNS,
    "n": ("int64", "settings of the base's 0.5-ROI that variant and base were both trained at"),
    "wilcoxon_w": ("float64", "Wilcoxon's W of the paired risks; null where no pair differs"),
    "wilcoxon_p": ("float64", "its two-sided p: descriptive, settings are no independent samples"),
    "wilcoxon_r": ("float64", "matched-pairs rank-biserial correlation, -1 to 1; above 0 the variant risks more"),
    "mann_whitney_u": ("float64", "Mann-Whitney's U of the variant's risks against the base's"),
    "mann_whitney_p": ("float64", "its two-sided p: descriptive, settings are no independent samples"),
    "mann_whitney_r": ("float64", "rank-biserial correlation, -1 to 1; above 0 the variant risks more"),
    "cles": ("float64", "share of all pairs of settings in which the variant risks more, ties as half"),
}


def risk_tests(points: pd.DataFrame) -> pd.DataFrame:
    """Wilcoxon's signed-rank and Mann-Whitney's test of every variant and seed, as `RISK_TEST_COLUMNS`.

    They compare the risks d of variant and base over the base's 0.5-ROI (matthiesen2023, 3.3.2), paired by setting and
    as two samples, with the effect sizes of pingouin.wilcoxon and pingouin.mwu. Descriptive only: neighbouring settings
    share the landscape, all share the noise of the best cell, and Θ_b is where the base was lucky, so that the base's
    risks are small by construction. Decided: with ties or pairs that do not differ Wilcoxon's p is the normal
    approximation, else exact up to 50 pairs. `points` as `risk.risk_points` gives them; a variant that shares no
    setting and seed with its base has no row.
    """
    import pandas as pd

    shared = [name for name in LANDSCAPE if name != "variant"] + SETTING
    base = points.loc[points["variant"] == "base", [*shared, "d"]]
    pairs = points[points["variant"] != "base"].merge(base, on=shared, suffixes=("", "_base"), validate="m:1")
    risks = pairs[["d", "d_base"]].to_numpy()
    rows = [(*key, *_tested(*risks[at].T)) for key, at in pairs.groupby(LANDSCAPE, sort=True).indices.items()]
    table = pd.DataFrame(rows, columns=[*LANDSCAPE, *list(RISK_TEST_COLUMNS)[len(LANDSCAPE) :]])
    return table.astype({name: kind for name, (kind, _) in RISK_TEST_COLUMNS.items() if kind != "string"})


def _tested(variant: np.ndarray, base: np.ndarray) -> tuple[float, ...]:
    """n, then W, p and effect size of the signed-rank test, U, p and effect sizes of the other; both (n,) in points."""
    import pingouin

    differences = (variant - base).round(DECIMALS)
    independent = pingouin.mwu(variant.round(DECIMALS), base.round(DECIMALS)).iloc[0]
    others = (independent["U_val"], independent["p_val"], independent["RBC"], independent["CLES"])
    if not differences.any():
        return (len(base), np.nan, np.nan, np.nan, *others)
    sizes = np.abs(differences)
    tied = (sizes == 0).any() or len(np.unique(sizes)) < len(sizes)
    paired = pingouin.wilcoxon(differences, method="asymptotic" if tied else "auto").iloc[0]
    return (len(base), paired["W_val"], paired["p_val"], paired["RBC"], *others)
