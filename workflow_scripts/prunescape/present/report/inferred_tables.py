"""What is inferred of the landscapes, beside the thesis' estimators, and what it cannot show."""

import pandas as pd

from prunescape.present.labels import METRIC_TITLES, axis_symbol, roi_title, variant_title
from prunescape.present.numbers import DASH, whole
from prunescape.present.report import table
from prunescape.present.report.table import ExperimentResults, Table, make_table

KEYS = ["variant", "metric"]


def inferred_estimators(results: ExperimentResults, metric: str) -> Table | None:
    """Best setting, risk and region of each variant as inferred, beside the same of trained cells; None for neither."""
    checks = results.rows("surface_checks", metric)
    if not checks["shown"].any():
        return None
    rows = checks.merge(results.rows("inferred_risk", metric).drop(columns="n"), on=KEYS, how="left")
    regions = results.rows("inferred_ellipses", metric)
    rows = rows.merge(_largest(regions, ["n", *_shape(results)], "region_"), how="left")
    seeds = results.rows("risk", metric).groupby("variant", sort=False)
    rows = rows.merge(seeds[["best", "d_mean"]].mean().add_prefix("thesis_").reset_index(), how="left")
    columns = {
        "trained": lambda row: f"{whole(row.n)} of {whole(row.settings)}",
        "covered": lambda row: DASH if pd.isna(row.covered) else f"{100 * row.covered:.0f} %" + "*" * (not row.shown),
        "explained": lambda row: DASH if pd.isna(row.explained) else f"{100 * max(row.explained, 0):.0f} %",
    }
    best = {
        "inferred, %": ("best", 2),
        **table.setting_columns(results.axes, "best_"),
        "best cell, %": ("thesis_best", 2),
    }
    risk = {
        "inferred": ("d_mean", 2),
        "95 %": lambda row: table.interval(row.d_low, row.d_high),
        "thesis": ("thesis_d_mean", 2),
    }
    shape = {
        "settings": "region_n",
        **{f"centre {axis_symbol(axis)}": (f"region_centre_{axis.name}", 2) for axis in _plane(results)},
    }
    spans = [
        ("", table.variant_columns(rows) | columns),
        ("best setting", best),
        ("mean risk", risk),
        (f"inferred {roi_title(regions['threshold'].max())}", shape),
    ]
    notes = [
        "Inferred: by one Gaussian process over all variants, from the trained settings. It smooths the noise of "
        "single cells, which biases the best cell and the thesis' mean risk upwards. Mean risk: over the base's "
        f"{roi_title(results.risk_threshold)}, inferred or trained, percentage points; best cell and thesis are means "
        "over seeds.",
        "Check, each trained setting predicted from all others: covered, the share that lie in their 95 % intervals; "
        "explained, the share of their squared differences. *: one is too low, so nothing is inferred. No check sees a "
        "peak that lies between the trained settings.",
    ]
    return make_table(f"Inferred and trained, {METRIC_TITLES[metric]}", table.by_variant(rows), spans, notes)


def share_sentences(results: ExperimentResults) -> list[str]:
    """How much of the grid was trained, and of which variants the rest is inferred; empty for a grid trained whole."""
    checks = results.rows("surface_checks", "top1")
    if not results.adaptive or checks.empty:
        return []
    few, many = whole(checks["n"].min()), whole(checks["n"].max())
    text = (
        f"A share of the grid was trained: {few if few == many else f'{few} to {many}'} of its "
        f"{whole(checks['settings'].max())} settings for each variant. Best cells, regions, risks and verdicts are "
        "over these trained settings, not over the grid."
    )
    failed = checks[~checks["shown"]]
    reasons = [f"{variant_title(row.variant)} ({row.reason})" for row in table.by_variant(failed)]
    if len(failed) == len(checks):
        return [f"{text} Nothing is inferred of the others: {'; '.join(reasons)}."]
    rest = "The others are inferred, which a leave-one-out check allows"
    return [f"{text} {rest}, but for {'; '.join(reasons)}." if reasons else f"{text} {rest} for every variant."]


def share_limits(results: ExperimentResults) -> list[str]:
    """What a share of the grid cannot show; empty for a grid trained whole."""
    if not results.adaptive:
        return []
    return [
        "Settings that were not trained have no bound: an isolated peak between the trained ones is seen neither by "
        "the inferred surface nor by its check, and a verdict over the trained settings says nothing of it."
    ]


def _plane(results: ExperimentResults) -> tuple:
    return results.axes.x, results.axes.y


def _shape(results: ExperimentResults) -> list[str]:
    return [f"centre_{axis.name}" for axis in _plane(results)]


def _largest(rows: pd.DataFrame, columns: list[str], prefix: str) -> pd.DataFrame:
    """These columns, with a prefix, of the rows of the largest threshold, by variant."""
    rows = rows[rows["threshold"] == rows["threshold"].max()]
    return rows[["variant", *columns]].rename(columns={name: prefix + name for name in columns})
