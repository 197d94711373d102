"""The report's tables of one experiment's landscapes: variants, verdicts, ellipses, risk, similarity, band, seeds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from prunescape.analysis.cells_table import scores
from prunescape.analysis.landscape.regions import best_cells
from prunescape.present.labels import METRIC_TITLES, axis_symbol, axis_title, length_unit, roi_title
from prunescape.present.numbers import DASH, is_missing, number, power, whole
from prunescape.present.report.table import (
    Column,
    ExperimentResults,
    Table,
    by_variant,
    counted_in,
    first_known,
    interval,
    make_table,
    setting_columns,
    shown,
    text_in,
    variant_columns,
)
from prunescape.store.records import GRID, OK


def verdicts_table(results: ExperimentResults) -> Table | None:
    """What fresh seeds say of each variant and metric: verdicts in both scopes, bounds, and what they rest on."""
    verdicts = results.tables["verdicts"]
    verdicts = verdicts[verdicts["replicates_most"] > 0]
    if verdicts.empty:
        return None
    several = verdicts["metric"].nunique() > 1
    columns = [
        *variant_columns(verdicts),
        *([("metric", lambda row: METRIC_TITLES[row.metric])] if several else []),
        ("this test set", text_in("verdict")),
        ("images like these", text_in("verdict_images")),
        ("single claim", lambda row: row.verdict_bonferroni + "*" * (row.verdict_bonferroni != row.verdict)),
        ("gain", shown("gain")),
        ("at least", shown("lower")),
        ("at most", shown("upper")),
        *setting_columns(results.axes, "best_"),
        ("points kept", lambda row: f"{whole(row.kept)} of {whole(row.points)}"),
        ("fresh seeds", lambda row: "–".join(sorted({whole(row.replicates_fewest), whole(row.replicates_most)}))),
        ("noise", shown("s")),
        ("mean risk", shown("d_mean")),
    ]
    notes = [
        "Gain: what fresh seeds give the best kept point over the base's good settings, percentage points; tuning "
        "gains at least and at most the bounds beside it. Keep: at most is under the margin; retune: at least is over.",
        "Single claim: the error rate divided by the number of variants, for a statement about one of them alone; *: "
        "other than without. Mean risk: the thesis' estimator, biased upwards; it decides nothing.",
    ]
    return make_table("Verdicts", sorted(by_variant(verdicts), key=lambda row: row.metric), columns, notes)


def variants_table(results: ExperimentResults) -> Table:
    """Per variant and seed: cost, how many cells, and the best of them in top-1."""
    cells = results.cells[results.cells["stage"] == GRID]
    landscapes = scores(cells, results.axes)
    best = best_cells(landscapes[landscapes["metric"] == "top1"], results.axes)
    groups = dict(iter(cells.groupby(["variant", "seed"])))

    def of_cells(show: Callable[[Any], str]) -> Callable[[Any], str]:
        return lambda row: show(groups[row.variant, row.seed])

    def known(name: str, decimals: int, factor: float = 1.0) -> Callable[[Any], str]:
        return of_cells(lambda rows: number((value := first_known(rows, name)) and factor * value, decimals))

    columns = [
        *variant_columns(best),
        ("asked", known("ratio", 3)),
        ("achieved", known("ratio_achieved", 4)),
        ("FLOPs, M", known("flops", 3, 1e-6)),
        ("parameters, M", known("parameters", 4, 1e-6)),
        ("cells", of_cells(lambda rows: whole(len(rows)))),
        ("diverged", of_cells(lambda rows: whole((rows["status"] != OK).sum()))),
        ("best top-1, %", shown("score")),
        *setting_columns(results.axes),
    ]
    note = "Asked and achieved: share of the base's FLOPs kept. FLOPs: 2 × multiply-accumulates of one image."
    return make_table("Variants and their best cells", by_variant(best), columns, [note])


def ellipses_table(results: ExperimentResults, metric: str) -> Table | None:
    """Length, width and centre per variant and threshold (as matthiesen2023, Table 4.1), a dash under 5 points."""
    rows = results.rows("ellipses", metric)
    thresholds = sorted(rows["threshold"].unique(), reverse=True)
    shapes = {(row.variant, row.seed, row.threshold): row for row in rows.itertuples()}
    plane = (results.axes.x, results.axes.y)
    parts = [
        ("n", lambda row: whole(row.n) + ("*" if row.truncated else "\u2007") + "|" * bool(row.collinear)),
        ("length", shown("length")),
        ("width", shown("width")),
        *((f"centre {axis_symbol(axis)}", shown(f"centre_{axis.name}")) for axis in plane),
        ("angle, °", shown("angle_deg", 0)),
    ]

    def at(threshold: float, show: Callable[[Any], str]) -> Callable[[Any], str]:
        return lambda row: show(shape) if (shape := shapes.get((row.variant, row.seed, threshold))) else DASH

    named = variant_columns(rows)
    columns = [*named, *((head, at(x, show)) for x in thresholds for head, show in parts)]
    groups = [("", len(named)), *((roi_title(x), len(parts)) for x in thresholds)]
    notes = [
        f"Lengths in {length_unit(plane)}; a dash: fewer than 5 settings. The angle is that of the long axis against "
        f"the axis of {axis_title(results.axes.x)}.",
        "*: the region reaches the edge of the grid, so it may go on beyond. |: its settings lie on a line.",
    ]
    lines = by_variant(rows.drop_duplicates(["variant", "seed"]))
    return make_table(f"Confidence ellipses, {METRIC_TITLES[metric]}", lines, columns, notes, groups)


def risk_table(results: ExperimentResults, metric: str) -> Table | None:
    """Mean and deviation of absolute and relative risk (as matthiesen2023, Table 4.2), and the median."""
    rows = results.rows("risk", metric)
    columns = [
        *variant_columns(rows),
        ("settings", counted_in("n")),
        ("diverged", counted_in("n_diverged")),
        ("best, %", shown("best")),
        ("mean", shown("d_mean", 3)),
        ("std", shown("d_std", 3)),
        ("median", shown("d_median", 3)),
        ("mean, converged", shown("d_mean_converged", 3)),
        ("mean, choosing", shown("d_mean_chosen_on", 3)),
        ("relative mean", shown("d_rel_mean", 4)),
        ("relative std", shown("d_rel_std", 4)),
    ]
    notes = [
        f"In percentage points under the variant's own best, over the base's {roi_title(results.risk_threshold)}. The "
        "deviation is descriptive.",
        "Mean, choosing: the mean risk in the accuracy by which settings are chosen, that on the validation split "
        "where the study selects on it; elsewhere the same number as the mean.",
    ]
    return make_table(f"Performance risk, {METRIC_TITLES[metric]}", by_variant(rows), columns, notes)


def similarity_table(results: ExperimentResults, metric: str) -> Table | None:
    """How alike each variant's landscape and the base's are: ranks, shift of the centre, descriptive tests."""
    similarity = results.rows("similarity", metric)
    shift, threshold = _of_largest_region(results.rows("shift", metric))
    tests = results.rows("risk_tests", metric).sort_values("seed").drop_duplicates("variant")
    moved, tested = ({row.variant: row for row in table.itertuples()} for table in (shift, tests))

    def of(known: dict, show: Callable[[Any], str]) -> Callable[[Any], str]:
        return lambda row: show(known[row.variant]) if row.variant in known else DASH

    columns = [
        *variant_columns(similarity.drop(columns="seed", errors="ignore")),
        ("settings", counted_in("n")),
        ("rank correlation", shown("spearman")),
        ("its ceiling", shown("ceiling")),
        *((f"shift {axis_symbol(axis)}", of(moved, _shift(axis.name))) for axis in results.axes),
        ("Wilcoxon p", of(tested, shown("wilcoxon_p", 3))),
        ("Mann–Whitney p", of(tested, shown("mann_whitney_p", 3))),
    ]
    region = f"the {roi_title(threshold)}" if threshold else "the region"
    notes = [
        "Rank correlation (Spearman) with the base over the settings within 2 points of the base's best; its ceiling "
        f"is what the noise of seeds leaves two equal landscapes. Shift: the centre of {region} against the base's, "
        f"in {length_unit(results.axes)}, mean over seeds with a 95 % interval. Ceiling and interval need two seeds or "
        "more.",
        f"The tests compare the risks of variant and base over the base's {roi_title(results.risk_threshold)} (lowest "
        "seed). They describe and decide nothing: settings are no independent samples, and the base was lucky on its "
        "own.",
    ]
    lines = by_variant(similarity[similarity["variant"] != "base"])
    return make_table(f"How alike the landscapes are, {METRIC_TITLES[metric]}", lines, columns, notes)


def band_table(results: ExperimentResults, metric: str) -> Table | None:
    """The slope of each variant's good band in log-log, beside the ratio that Eq 2.2 of matthiesen2023 reports."""
    rows = results.rows("band", metric)
    if rows.empty:
        return None
    columns = [
        *variant_columns(rows),
        ("points", lambda row: whole(row.n) + "*" * bool(row.truncated)),
        ("slope", shown("slope")),
        ("95 %", interval("slope_low", "slope_high")),
        ("r²", shown("r2")),
        ("long axis", shown("ellipse_slope")),
        ("γλ ÷ β(1 − μ)", lambda row: power(row.ratio_median)),
        ("from, to", lambda row: f"{power(row.ratio_low)} to {power(row.ratio_high)}"),
    ]
    region = roi_title(results.tables["ellipses"]["threshold"].max())
    notes = [
        f"Decades of learning rate per decade of weight decay over the {region}, by least squares, which flatten the "
        "slope of a wide band, and along the ellipse's long axis. The interval describes the fit: settings are no "
        "independent sample. A dash: fewer than 5 settings, or all in one row or column. *: cut by the grid's edge.",
        f"γ learning rate, λ weight decay, β batch size, μ momentum. Eq 2.2 of the thesis has "
        f"{power(rows['ratio_published'].iloc[0])} for the ratio, which at fixed β and μ means a slope of −1.",
    ]
    return make_table(f"The band of good settings, {METRIC_TITLES[metric]}", by_variant(rows), columns, notes)


def spread_table(results: ExperimentResults, metric: str) -> Table | None:
    """Mean ± standard deviation over seeds of the thesis' estimators; nothing for one seed."""
    rows, threshold = _of_largest_region(results.rows("spread", metric))
    if not (rows["n_seeds"] > 1).any():
        return None
    known = {(row.variant, row.quantity): row for row in rows.itertuples()}

    def quantity(name: str, decimals: int) -> Callable[[Any], str]:
        def show(row: Any) -> str:
            found = known.get((row.variant, name))
            if found is None or is_missing(found.mean):
                return DASH
            return f"{number(found.mean, decimals)} ± {number(found.std, decimals)}"

        return show

    columns: list[Column] = [
        *variant_columns(rows),
        ("mean risk, points", quantity("d_mean", 3)),
        ("relative mean risk", quantity("d_rel_mean", 4)),
        ("length", quantity("length", 2)),
        ("width", quantity("width", 2)),
        *(
            (f"centre {axis_symbol(axis)}", quantity(f"centre_{axis.name}", 2))
            for axis in (results.axes.x, results.axes.y)
        ),
        ("angle, °", quantity("angle_deg", 0)),
    ]
    note = (
        "Each estimator is computed per seed; mean ± standard deviation over seeds. Length, width, centre and angle "
        f"are those of the ellipse of the {roi_title(threshold)}."
    )
    lines = by_variant(rows.drop_duplicates("variant"))
    return make_table(f"Spread over seeds, {METRIC_TITLES[metric]}", lines, columns, [note])


def _of_largest_region(rows):
    """The rows of the largest threshold and those without one; and that threshold, None where no row has one."""
    largest = rows["threshold"].max()
    return rows[rows["threshold"].isna() | (rows["threshold"] == largest)], None if is_missing(largest) else largest


def _shift(axis: str) -> Callable[[Any], str]:
    def show(row: Any) -> str:
        between = interval(f"low_{axis}", f"high_{axis}")(row)
        return shown(f"shift_{axis}")(row) + (f" ({between})" if between != DASH else "")

    return show


# in the order of the report: of the whole experiment, then of each metric; None or a table without rows is left out
OF_EXPERIMENT = (verdicts_table, variants_table)
OF_METRIC = (ellipses_table, risk_table, similarity_table, band_table, spread_table)
