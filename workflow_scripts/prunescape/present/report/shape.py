"""The report's tables of the landscapes' shape: the band's slope, how alike variants are, and what seeds spread."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prunescape.analysis.cells_table import variant_order
from prunescape.present.figures.style import METRIC_TITLES, variant_title
from prunescape.present.numbers import DASH, is_missing, number, power, whole
from prunescape.present.report.tables import Table

if TYPE_CHECKING:
    import pandas as pd

SPREAD = {
    "d_mean": ("mean risk, points", 3),
    "d_rel_mean": ("relative mean risk", 4),
    "length": ("length", 2),
    "width": ("width", 2),
    "centre_log10_wd": ("centre wd", 2),
    "centre_log10_lr": ("centre lr", 2),
    "angle_deg": ("angle, °", 0),
}


def _sorted(rows: pd.DataFrame) -> list:
    return sorted(rows.itertuples(), key=lambda row: (variant_order(row.variant), getattr(row, "seed", 0)))


def band_table(band: pd.DataFrame, metric: str) -> Table:
    """The slope of each variant's good band in log-log, beside the ratio that Eq 2.2 of matthiesen2023 reports."""
    table = band[band["metric"] == metric]
    several = table["seed"].nunique() > 1
    rows = []
    for row in _sorted(table):
        named = [variant_title(row.variant), *([str(row.seed)] if several else [])]
        interval = DASH if is_missing(row.slope) else _range(row.slope_low, row.slope_high)
        fit = [number(row.slope), interval, number(row.r2), number(row.ellipse_slope)]
        ratio = [power(row.ratio_median), f"{power(row.ratio_low)} to {power(row.ratio_high)}"]
        rows.append([*named, whole(row.n) + ("*" if row.truncated else ""), *fit, *ratio])
    heads = ["variant", *(["seed"] if several else []), "points", "slope", "95 %", "r²", "long axis"]
    heads += ["γλ ÷ β(1 − μ)", "from, to"]
    published = power(table["ratio_published"].iloc[0])
    notes = [
        "Decades of learning rate per decade of weight decay over the 1.0-ROI, by least squares, which flatten the "
        "slope of a wide band, and along the ellipse's long axis. The interval describes the fit: settings are no "
        "independent sample. A dash: fewer than 5 settings, or all in one row or column. *: cut by the grid's edge.",
        f"γ learning rate, λ weight decay, β batch size, μ momentum. Eq 2.2 of the thesis has {published} for the "
        "ratio, which at fixed β and μ means a slope of −1.",
    ]
    return Table(f"The band of good settings, {METRIC_TITLES[metric]}", heads, rows, notes)


def likeness_table(similarity: pd.DataFrame, shift: pd.DataFrame, risk_tests: pd.DataFrame, metric: str) -> Table:
    """How alike each variant's landscape and the base's are: ranks, shift of the centre, descriptive tests."""
    moved = shift[(shift["metric"] == metric) & (shift["threshold"] == 1.0)].set_index("variant")
    first = risk_tests[risk_tests["metric"] == metric].sort_values("seed").drop_duplicates("variant")
    tested = first.set_index("variant")
    rows = []
    for row in _sorted(similarity[(similarity["metric"] == metric) & (similarity["variant"] != "base")]):
        ranks = [whole(row.n), number(row.spearman), number(row.ceiling)]
        shifts = [_moved(moved, row.variant, axis) for axis in ("log10_lr", "log10_wd")]
        chances = [
            number(tested.at[row.variant, name], 3) if row.variant in tested.index else DASH
            for name in ("wilcoxon_p", "mann_whitney_p")
        ]
        rows.append([variant_title(row.variant), *ranks, *shifts, *chances])
    heads = ["variant", "settings", "rank correlation", "its ceiling", "shift lr", "shift wd"]
    heads += ["Wilcoxon p", "Mann–Whitney p"]
    notes = [
        "Rank correlation (Spearman) with the base over the settings within 2 points of the base's best; its ceiling "
        "is what the noise of seeds leaves two equal landscapes. Shift: the centre of the 1.0-ROI against the base's, "
        "in decades, mean over seeds with a 95 % interval. Ceiling and interval need two seeds or more.",
        "The tests compare the risks of variant and base over the base's 0.5-ROI (lowest seed). They describe and "
        "decide nothing: settings are no independent samples, and the base was lucky on its own.",
    ]
    return Table(f"How alike the landscapes are, {METRIC_TITLES[metric]}", heads, rows, notes)


def spread_table(spread: pd.DataFrame, metric: str) -> Table:
    """Mean ± standard deviation over seeds of the thesis' estimators; risks with a 95 % interval of the mean."""
    table = spread[(spread["metric"] == metric) & (spread["threshold"].fillna(1.0) == 1.0)]
    by_variant = dict(iter(table.groupby("variant")))
    rows = []
    for variant in sorted(by_variant, key=variant_order):
        own = by_variant[variant].set_index("quantity")
        cells = [_spread(own.loc[name], digits) if name in own.index else DASH for name, (_, digits) in SPREAD.items()]
        rows.append([variant_title(variant), *cells])
    heads = ["variant", *(title for title, _ in SPREAD.values())]
    note = (
        "Each estimator is computed per seed; mean ± standard deviation over seeds. Length, width, centre and angle "
        "are those of the 1.0-ROI's ellipse."
    )
    return Table(f"Spread over seeds, {METRIC_TITLES[metric]}", heads, rows, [note])


def _range(low, high, decimals: int = 2) -> str:
    return f"{number(low, decimals)} to {number(high, decimals)}"


def _moved(shift: pd.DataFrame, variant: str, axis: str) -> str:
    if variant not in shift.index or is_missing(shift.at[variant, f"shift_{axis}"]):
        return DASH
    row = shift.loc[variant]
    interval = "" if is_missing(row[f"low_{axis}"]) else f" ({_range(row[f'low_{axis}'], row[f'high_{axis}'])})"
    return number(row[f"shift_{axis}"]) + interval


def _spread(row, decimals: int) -> str:
    if is_missing(row["mean"]):
        return DASH
    return f"{number(row['mean'], decimals)} ± {number(row['std'], decimals)}"
