"""The report's tables of one experiment's landscapes: variants, verdicts, ellipses, risk, similarity, band, seeds."""

from collections.abc import Callable
from functools import partial
from operator import attrgetter
from typing import Any

import pandas as pd

from prunescape.analysis.landscape.chance import LEVEL
from prunescape.analysis.landscape.regions import best_cells
from prunescape.analysis.read_cells import scores
from prunescape.present.labels import METRIC_TITLES, axis_symbol, axis_title, length_unit, roi_title, zero_note
from prunescape.present.numbers import DASH, is_missing, number, power, whole
from prunescape.present.report import table
from prunescape.present.report.table import ExperimentResults, Table, make_table, show
from prunescape.store.records import GRID, OK


def verdicts_table(results: ExperimentResults) -> Table:
    """What fresh seeds show of each variant and metric: verdicts in both scopes, bounds, and the evidence."""
    verdicts = results.tables["verdicts"]
    verdicts = verdicts[verdicts["replicates_most"] > 0]
    several = verdicts["metric"].nunique() > 1
    columns = {
        **table.variant_columns(verdicts),
        **({"metric": lambda row: METRIC_TITLES[row.metric]} if several else {}),
        "this test set": "verdict",
        "images like these": "verdict_images",
        "single claim": lambda row: row.verdict_bonferroni + "*" * (row.verdict_bonferroni != row.verdict),
        **({"failed seeds": "failed"} if verdicts["failed"].any() else {}),
        "gain": ("gain", 2),
        "at least": ("lower", 2),
        "at most": ("upper", 2),
        **table.setting_columns(results.axes, "best_"),
        "points kept": lambda row: f"{whole(row.kept)} of {whole(row.points)}",
        "fresh seeds": lambda row: "–".join(sorted({whole(row.replicates_fewest), whole(row.replicates_most)})),
        "noise": ("s", 2),
        "mean risk": ("d_mean", 2),
    }
    notes = [
        "Gain: what fresh seeds give the best kept point over the base's good settings, percentage points; tuning "
        "gains at least and at most the bounds beside it. Keep: at most is under the margin; retune: at least is over.",
        "Single claim: the error rate divided by the number of variants, for a statement about one of them alone; it "
        "is that of the answer above, whose bounds are therefore others; *: other than without. Mean risk: the thesis' "
        "estimator, biased upwards; it decides nothing.",
    ]
    return make_table("Verdicts", sorted(table.by_variant(verdicts), key=lambda row: row.metric), columns, notes)


def looks_table(results: ExperimentResults) -> Table | None:
    """How the bounds of each variant narrowed from look to look, where there was more than one."""
    looks = results.tables["looks"]
    looks = looks[looks["metric"] == "top1"]
    if looks["look"].max() < 2 and results.tables["verdicts"]["looks"].isna().all():
        return None
    columns = {
        **table.variant_columns(looks),
        "look": "look",
        "fresh seeds": "seeds",
        "open points": "open_bonferroni",
        "at least": ("lower_bonferroni", 2),
        "at most": ("upper_bonferroni", 2),
        "single claim": "verdict_bonferroni",
    }
    notes = [
        "What each look at the fresh seeds showed, at the level of a claim about a single variant. Open points are not "
        "yet shown to gain less than the margin; only these, and the base's good settings, get more seeds."
    ]
    return make_table("Looks", table.by_variant(looks), columns, notes)


def chance_table(results: ExperimentResults) -> Table | None:
    """The best cell of each variant against chance, where some variant learnt nothing."""
    rows = results.tables["chance_tests"]
    if rows["learnt"].all():
        return None
    columns = {
        **table.variant_columns(rows),
        "cells": "cells",
        "diverged": "diverged",
        "best, %": ("best", 2),
        "chance, %": ("chance", 2),
        "test images": "tested",
        "p": lambda row: table.p_value(row.p),
        "learnt": lambda row: "yes" if row.learnt else "no",
    }
    notes = [
        "One-sided exact binomial test of the best cell that converged against what guessing scores; p is multiplied "
        f"by the number of such cells. Learnt: p of {LEVEL:g} or less. Where nothing was learnt, best cell, "
        "region and ellipse are luck.",
    ]
    return make_table("Better than chance", table.by_variant(rows), columns, notes)


COSTS = ("ratio", "ratio_achieved", "flops", "parameters")  # of a cell


def variants_table(results: ExperimentResults) -> Table:
    """Per variant and seed: how many cells, the best of them in top-1, and what that one costs."""
    cells = results.cells[results.cells["stage"] == GRID]
    landscapes = scores(cells, results.axes)
    best = best_cells(landscapes[landscapes["metric"] == "top1"], results.axes)
    known, keys = {name: cells.get(name) for name in COSTS}, ["variant", "seed"]
    costs = cells.assign(**known)[[*keys, *results.axes.names, *COSTS]]
    counted = cells.assign(diverged=cells["status"] != OK).groupby(keys).agg({"status": "size", "diverged": "sum"})
    rows = best.drop(columns="status").merge(counted.rename(columns={"status": "cells"}), on=keys)
    rows = rows.merge(costs.drop_duplicates([*keys, *results.axes.names]), on=[*keys, *results.axes.names])
    columns = {
        **table.variant_columns(best),
        "asked": ("ratio", 3),
        "achieved": ("ratio_achieved", 4),
        "FLOPs, M": ("flops", 3, 1e-6),
        "parameters, M": ("parameters", 4, 1e-6),
        "cells": "cells",
        "diverged": "diverged",
        "best top-1, %": ("score", 2),
        **table.setting_columns(results.axes),
    }
    note = "Asked and achieved: share of the base's FLOPs kept. FLOPs: 2 × multiply-accumulates of one image."
    return make_table("Variants and their best cells", table.by_variant(rows), columns, [note])


def ellipses_table(results: ExperimentResults, metric: str) -> Table:
    """Length, width and centre per variant and threshold (as matthiesen2023, Table 4.1), a dash under 5 points."""
    rows = results.rows("ellipses", metric)
    plane = (results.axes.x, results.axes.y)
    shape = {
        "n": lambda row: whole(row.n) + ("*" if row.truncated else "\u2007") + "|" * bool(row.collinear),
        "length": ("length", 2),
        "width": ("width", 2),
        **{f"centre {axis_symbol(axis)}": (f"centre_{axis.name}", 2) for axis in plane},
        "angle, °": ("angle_deg", 0),
    }
    spans = [("", table.variant_columns(rows))]
    for x in sorted(rows["threshold"].unique(), reverse=True):
        spans.append((roi_title(x), _of(rows[rows["threshold"] == x], shape, "variant", "seed")))
    notes = [
        f"Lengths in {length_unit(plane)}; a dash: fewer than 5 settings. The angle is that of the long axis against "
        f"the axis of {axis_title(results.axes.x)}.{zero_note(plane)}",
        "*: the region reaches the edge of the grid, so it may go on beyond. |: its settings lie on a line.",
    ]
    lines = table.by_variant(rows.drop_duplicates(["variant", "seed"]))
    return make_table(f"Confidence ellipses, {METRIC_TITLES[metric]}", lines, spans, notes)


def risk_table(results: ExperimentResults, metric: str) -> Table:
    """Mean and deviation of absolute and relative risk (as matthiesen2023, Table 4.2), and the median."""
    rows = results.rows("risk", metric)
    columns = {
        **table.variant_columns(rows),
        "settings": "n",
        "diverged": "n_diverged",
        "best, %": ("best", 2),
        "mean": ("d_mean", 3),
        "std": ("d_std", 3),
        "median": ("d_median", 3),
        "mean, converged": ("d_mean_converged", 3),
        "mean, choosing": ("d_mean_chosen_on", 3),
        "relative mean": ("d_rel_mean", 4),
        "relative std": ("d_rel_std", 4),
    }
    notes = [
        f"In percentage points under the variant's own best, over the base's {roi_title(results.risk_threshold)}. The "
        "deviation is descriptive.",
        "Mean, choosing: the mean risk in the accuracy by which settings are chosen, that on the validation split "
        "where the study selects on it; elsewhere the same number as the mean.",
    ]
    return make_table(f"Performance risk, {METRIC_TITLES[metric]}", table.by_variant(rows), columns, notes)


def similarity_table(results: ExperimentResults, metric: str) -> Table:
    """How alike each variant's landscape and the base's are: ranks, shift of the centre, descriptive tests."""
    similarity = results.rows("similarity", metric)
    shift, region = _of_largest_region(results.rows("shift", metric))
    tests = results.rows("risk_tests", metric).sort_values("seed").drop_duplicates("variant")
    shifts = {f"shift {axis_symbol(axis)}": partial(_shift, axis.name) for axis in results.axes}
    chances = {"Wilcoxon p": ("wilcoxon_p", 3), "Mann–Whitney p": ("mann_whitney_p", 3)}
    columns = {
        **table.variant_columns(similarity),
        "settings": "n",
        "rank correlation": ("spearman", 2),
        "its ceiling": ("ceiling", 2),
        "of equal ones": lambda row: table.interval(row.equal_low, row.equal_high),
        **_of(shift, shifts, "variant"),
        **_of(tests, chances, "variant"),
    }
    notes = [
        "Rank correlation (Spearman) with the base over the settings within 2 points of the base's best; its ceiling "
        "is what the noise of seeds leaves two equal landscapes on average; 95 % of the correlations of equal ones lie "
        "in the interval beside it.",
        f"Shift: the centre of the {region} against the base's, in {length_unit(results.axes)}, mean over seeds with a "
        "95 % interval: that of the mean which further seeds would give. Noise also moves a region's centre, so the "
        "interval need not hold the shift of the landscapes without noise. Ceiling and intervals need two seeds.",
        f"The tests compare the risks of variant and base over the base's {roi_title(results.risk_threshold)} (lowest "
        "seed). They describe and decide nothing: settings are no independent samples, and the base was lucky on its "
        "own.",
    ]
    lines = table.by_variant(similarity[similarity["variant"] != "base"])
    return make_table(f"How alike the landscapes are, {METRIC_TITLES[metric]}", lines, columns, notes)


def band_table(results: ExperimentResults, metric: str) -> Table | None:
    """The slope of each variant's good band in log-log, beside the ratio that Eq 2.2 of matthiesen2023 reports."""
    rows = results.rows("band", metric)
    if rows.empty:
        return None
    columns = {
        **table.variant_columns(rows),
        "points": lambda row: whole(row.n) + "*" * bool(row.truncated),
        "slope": ("slope", 2),
        "95 %": lambda row: table.interval(row.slope_low, row.slope_high),
        "r²": ("r2", 2),
        "long axis": ("ellipse_slope", 2),
        "γλ ÷ β(1 − μ)": lambda row: power(row.ratio_median),
        "from, to": lambda row: f"{power(row.ratio_low)} to {power(row.ratio_high)}",
    }
    _, region = _of_largest_region(results.rows("ellipses", metric))
    notes = [
        f"Decades of learning rate per decade of weight decay over the {region}, by least squares, which flatten the "
        "slope of a wide band, and along the ellipse's long axis. The interval describes the fit: settings are no "
        "independent sample. A dash: fewer than 5 settings, or all in one row or column. *: cut by the grid's edge.",
        f"γ learning rate, λ weight decay, β batch size, μ momentum. Eq 2.2 of the thesis has "
        f"{power(rows['ratio_published'].iloc[0])} for the ratio, which at fixed β and μ means a slope of −1.",
    ]
    return make_table(f"The band of good settings, {METRIC_TITLES[metric]}", table.by_variant(rows), columns, notes)


def spread_table(results: ExperimentResults, metric: str) -> Table | None:
    """Mean ± standard deviation over seeds of the thesis' estimators; nothing for one seed."""
    rows, region = _of_largest_region(results.rows("spread", metric))
    if not (rows["n_seeds"] > 1).any():
        return None
    quantities = {
        "mean risk, points": ("d_mean", 3),
        "relative mean risk": ("d_rel_mean", 4),
        "length": ("length", 2),
        "width": ("width", 2),
        **{f"centre {axis_symbol(axis)}": (f"centre_{axis.name}", 2) for axis in (results.axes.x, results.axes.y)},
        "angle, °": ("angle_deg", 0),
    }
    columns = table.variant_columns(rows)
    for head, (name, decimals) in quantities.items():
        columns |= _of(rows[rows["quantity"] == name], {head: partial(_mean_and_deviation, decimals)}, "variant")
    note = (
        "Each estimator is computed per seed; mean ± standard deviation over seeds. Length, width, centre and angle "
        f"are those of the ellipse of the {region}."
    )
    lines = table.by_variant(rows.drop_duplicates("variant"))
    return make_table(f"Spread over seeds, {METRIC_TITLES[metric]}", lines, columns, [note])


def _of_largest_region(rows: pd.DataFrame) -> tuple[pd.DataFrame, str]:
    """The rows of the largest threshold and those without one; and the title of that region."""
    largest = rows["threshold"].max()
    return rows[rows["threshold"].isna() | (rows["threshold"] == largest)], roi_title(largest)


def _of(rows: pd.DataFrame, columns: table.Columns, *keys: str) -> table.Columns:
    """Columns of another table's rows, which have the same values of `keys`; a dash where there is none."""
    key = attrgetter(*keys)
    known = {key(row): row for row in rows.itertuples()}

    def of(shown: table.Shown) -> Callable[[Any], str]:
        return lambda row: show(known[key(row)], shown) if key(row) in known else DASH

    return {head: of(shown) for head, shown in columns.items()}


def _mean_and_deviation(decimals: int, row: Any) -> str:
    return DASH if is_missing(row.mean) else f"{number(row.mean, decimals)} ± {number(row.std, decimals)}"


def _shift(axis: str, row: Any) -> str:
    between = table.interval(getattr(row, f"low_{axis}"), getattr(row, f"high_{axis}"))
    return number(getattr(row, f"shift_{axis}")) + (f" ({between})" if between != DASH else "")


# in the order of the report: of the whole experiment, then of each metric; None or a table without rows is left out
OF_EXPERIMENT = (chance_table, verdicts_table, looks_table, variants_table)
OF_METRIC = (ellipses_table, risk_table, similarity_table, band_table, spread_table)
