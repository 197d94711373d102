"""The tables of the report as text, ready to print. Needs pandas."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from prunescape.analysis.cells_table import scores, variant_order
from prunescape.analysis.landscape.regions import best_cells
from prunescape.present.figures.style import METRIC_TITLES, variant_title
from prunescape.present.numbers import DASH, is_missing, number, whole
from prunescape.store.records import GRID

if TYPE_CHECKING:
    import pandas as pd

CONDITIONS = ["target", "precision", "threads", "batch"]


@dataclass(frozen=True)
class Table:
    """A title, heads, and rows of text. `groups` are (head, columns) spans above the heads; `notes` stand below."""

    title: str
    heads: list[str]
    rows: list[list[str]]
    notes: list[str] = field(default_factory=list)
    groups: list[tuple[str, int]] = field(default_factory=list)


def _sorted(rows: pd.DataFrame) -> list:
    return sorted(rows.itertuples(), key=lambda row: (variant_order(row.variant), row.seed))


def _named(row, several_seeds: bool) -> list[str]:
    return [variant_title(row.variant), *([str(row.seed)] if several_seeds else [])]


def variants_table(cells: pd.DataFrame) -> Table:
    """Per variant and seed: cost, how many cells, and the best of them in top-1."""
    cells = cells[cells["stage"] == GRID]
    several = cells["seed"].nunique() > 1
    long = scores(cells)
    best = best_cells(long[long["metric"] == "top1"])
    rows = []
    for row in _sorted(best):
        own = cells[(cells["variant"] == row.variant) & (cells["seed"] == row.seed)]
        cost = [_first(own, name) for name in ("ratio", "ratio_achieved", "flops", "parameters")]
        ratios = [number(cost[0], 3), number(cost[1], 4), number(_millions(cost[2]), 3), number(_millions(cost[3]), 4)]
        counts = [whole(len(own)), whole((own["status"] != "ok").sum())]
        setting = [number(value) for value in (row.score, row.log10_lr, row.log10_wd)]
        rows.append([*_named(row, several), *ratios, *counts, *setting])
    heads = ["variant", *(["seed"] if several else []), "asked", "achieved", "FLOPs, M", "parameters, M"]
    note = "Asked and achieved: share of the base's FLOPs kept. FLOPs: 2 × multiply-accumulates of one image."
    heads += ["cells", "diverged", "best top-1, %", "log10 lr", "log10 wd"]
    return Table("Variants and their best cells", heads, rows, [note])


def verdicts_table(verdicts: pd.DataFrame) -> Table:
    """What fresh seeds say of each variant and metric: verdicts in both scopes, bounds, and what they rest on."""
    judged = verdicts[verdicts["replicates_most"] > 0]
    several = judged["metric"].nunique() > 1
    rows = []
    for row in sorted(judged.itertuples(), key=lambda row: (row.metric, variant_order(row.variant))):
        named = [variant_title(row.variant), *([METRIC_TITLES[row.metric]] if several else [])]
        single = row.verdict_bonferroni + ("" if row.verdict_bonferroni == row.verdict else "*")
        seeds = {whole(row.replicates_fewest), whole(row.replicates_most)}
        bounds = [number(value) for value in (row.gain, row.lower, row.upper)]
        counts = [f"{whole(row.kept)} of {whole(row.points)}", "–".join(sorted(seeds)), number(row.s)]
        setting = [number(row.best_log10_lr), number(row.best_log10_wd)]
        rows.append([*named, row.verdict, row.verdict_images, single, *bounds, *setting, *counts, number(row.d_mean)])
    heads = ["variant", *(["metric"] if several else []), "this test set", "images like these", "single claim"]
    heads += ["gain", "at least", "at most", "log10 lr", "log10 wd", "points kept", "fresh seeds", "noise", "mean risk"]
    notes = [
        "Gain: what fresh seeds give the best kept point over the base's good settings, percentage points; tuning "
        "gains at least and at most the bounds beside it. Keep: at most is under the margin; retune: at least is over.",
        "Single claim: the error rate divided by the number of variants, for a statement about one of them alone; *: "
        "other than without. Mean risk: the thesis' estimator, biased upwards; it decides nothing.",
    ]
    return Table("Verdicts", heads, rows, notes)


def _first(rows: pd.DataFrame, name: str):
    known = rows[name].dropna() if name in rows else []
    return known.iloc[0] if len(known) else None


def _millions(value) -> float | None:
    return None if is_missing(value) else value / 1e6


def ellipses_table(ellipses: pd.DataFrame, metric: str) -> Table:
    """Length, width and centre per variant and threshold (as matthiesen2023, Table 4.1), a dash under 5 points."""
    table = ellipses[ellipses["metric"] == metric]
    several = table["seed"].nunique() > 1
    thresholds = sorted(table["threshold"].unique(), reverse=True)
    rows = []
    for row in _sorted(table.drop_duplicates(["variant", "seed"])):
        own = table[(table["variant"] == row.variant) & (table["seed"] == row.seed)].set_index("threshold")
        shapes = [_shape(own.loc[x]) if x in own.index else [DASH] * 6 for x in thresholds]
        rows.append([*_named(row, several), *(text for shape in shapes for text in shape)])
    heads = ["variant", *(["seed"] if several else [])]
    groups = [("", len(heads)), *((f"{x:.1f}-ROI", 6) for x in thresholds)]
    heads += ["n", "length", "width", "centre wd", "centre lr", "angle, °"] * len(thresholds)
    notes = [
        "Lengths in decades of log10; a dash: fewer than 5 settings. The angle is the long axis' against the "
        "weight-decay axis.",
        "*: the region reaches the edge of the grid, so it may go on beyond. |: its settings lie on a line.",
    ]
    return Table(f"Confidence ellipses, {METRIC_TITLES[metric]}", heads, rows, notes, groups)


def _shape(row) -> list[str]:
    flags = ("*" if row["truncated"] else "\u2007") + ("|" if row["collinear"] else "")
    centre = [number(row["centre_log10_wd"]), number(row["centre_log10_lr"])]
    return [whole(row["n"]) + flags, number(row["length"]), number(row["width"]), *centre, number(row["angle_deg"], 0)]


def risk_table(risk: pd.DataFrame, metric: str) -> Table:
    """Mean and deviation of absolute and relative risk (as matthiesen2023, Table 4.2), and the median."""
    table = risk[risk["metric"] == metric]
    several = table["seed"].nunique() > 1
    rows = []
    for row in _sorted(table):
        absolute = [number(value, 3) for value in (row.d_mean, row.d_std, row.d_median, row.d_mean_converged)]
        absolute.append(number(row.d_mean_chosen_on, 3))
        relative = [number(value, 4) for value in (row.d_rel_mean, row.d_rel_std)]
        counts = [whole(row.n), whole(row.n_diverged)]
        rows.append([*_named(row, several), *counts, number(row.best), *absolute, *relative])
    heads = ["variant", *(["seed"] if several else []), "settings", "diverged", "best, %", "mean", "std", "median"]
    heads += ["mean, converged", "mean, choosing", "relative mean", "relative std"]
    notes = [
        "In percentage points under the variant's own best, over the base's 0.5-ROI. The deviation is descriptive.",
        "Mean, choosing: the mean risk in the accuracy by which settings are chosen, that on the validation split "
        "where the study selects on it; elsewhere the same number as the mean.",
    ]
    return Table(f"Performance risk, {METRIC_TITLES[metric]}", heads, rows, notes)


def benchmarks_table(benchmarks: pd.DataFrame, cells: pd.DataFrame) -> Table:
    """Latency, sizes and accuracy of the exported models, each against the base of the same conditions."""
    base = benchmarks[(benchmarks["variant"] == "base") & (benchmarks["rank"] == 1)]
    reference = base.drop_duplicates(CONDITIONS).set_index(CONDITIONS)["latency_median_s"].to_dict()
    order = benchmarks.assign(order=[variant_order(name) for name in benchmarks["variant"]])
    shares = {name: share_kept(cells, name) for name in benchmarks["variant"].unique()}
    rows = []
    for row in order.sort_values([*CONDITIONS, "order", "rank"]).itertuples():
        median = row.latency_median_s
        reached = reference.get(tuple(getattr(row, name) for name in CONDITIONS))
        speedup = None if reached is None else reached / median
        named = [variant_title(row.variant), row.target, whole(row.rank), row.precision]
        timing = [whole(row.threads), whole(row.batch), number(1e3 * median, 3)]
        flagged = number(100 * row.latency_relative_iqr, 1) + ("*" if row.noisy else "")
        sizes = [number(row.file_bytes / 1e3, 1), number(row.encoded_bytes / 1e3, 1)]
        share, agrees = shares[row.variant], is_missing(row.accuracy_agrees) or row.accuracy_agrees
        gains = [number(speedup), number(1 / share if share else None)]
        rows.append([*named, *timing, flagged, *gains, *sizes, number(row.top1) + ("" if agrees else "!")])
    heads = ["variant", "target", "rank", "precision", "threads", "batch", "latency, ms", "IQR, %"]
    heads += ["speed-up", "FLOPs ÷", "file, kB", "encoded, kB", "top-1, %"]
    notes = [
        "Latency: median over the repeats of one run of the whole batch; IQR: their interquartile range as a share of "
        "it. *: above 3 %, too noisy to rest on.",
        "Speed-up: the base's latency under the same conditions ÷ this one; FLOPs ÷: the speed-up that the FLOPs alone "
        "would give. Encoded: after deflate. Top-1: the exported model on the test split; !: not what its cell scored "
        "in torch.",
    ]
    return Table("On the target", heads, rows, notes)


def share_kept(cells: pd.DataFrame, variant: str) -> float | None:
    """FLOPs of the variant as a share of the base's; `ratio_achieved` where a partial study has no base."""
    flops = [_first(cells[cells["variant"] == name], "flops") for name in (variant, "base")]
    if all(value is not None for value in flops):
        return flops[0] / flops[1]
    return _first(cells[cells["variant"] == variant], "ratio_achieved")
