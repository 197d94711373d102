"""The models on their targets as tables of the report, from what `compare_targets` wrote. Needs pandas."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prunescape.analysis.cost.pareto import COSTS
from prunescape.present.numbers import DASH, is_missing, number, whole
from prunescape.present.report.recommendation import WORDS, listed, model_words, setting_words
from prunescape.present.report.tables import Table

if TYPE_CHECKING:
    import pandas as pd

# what stands against accuracy -> (factor, decimals, head)
COST_UNITS = {
    "latency": (1e3, 3, "latency, ms"),
    "time per image": (1e3, 3, "per image, ms"),
    "size": (1e-3, 1, "file, kB"),
    "memory": (1e-6, 1, "memory, MB"),
    "energy": (1e3, 3, "per image, mJ"),
}
PROPERTY_WORDS = {
    "top1": ("top-1, %", 1),
    "latency_median_s": ("latency, ms per run", 1e3),
    "latency_dataset_s": ("latency, s per test set", 1),
    "file_bytes": ("file, kB", 1e-3),
    "encoded_bytes": ("encoded, kB", 1e-3),
    "peak_memory_bytes": ("peak memory, MB", 1e-6),
    "energy_j": ("energy, mJ per run", 1e3),
    "flops": ("FLOPs, M", 1e-6),
}


def target_tables(costs: dict[str, pd.DataFrame]) -> list[Table]:
    """The tables of one experiment's models on the targets; empty ones are left out."""
    makers = {
        "recommendations": recommendations_table,
        "rivals": rivals_table,
        "pareto": pareto_table,
        "speedups": speedups_table,
        "scenarios": scenarios_table,
        "properties": properties_table,
    }
    tables = [make(costs[name]) for name, make in makers.items() if len(costs[name])]
    return [table for table in tables if table.rows]


def recommendations_table(table: pd.DataFrame) -> Table:
    """Which model to run for which objective, and how."""
    rows = []
    for row in table.itertuples():
        _, factor, unit = WORDS[row.objective]
        named = [f"{row.target}, {row.objective}"]
        if row.status != "recommended":
            rows.append([*named, DASH, DASH, DASH, DASH, DASH, whole(row.feasible), row.reason])
            continue
        value = f"{number(factor * row.value, 3)} {unit}" + ("*" if row.noisy else "")
        cost = [value, number(row.top1), number(row.file_bytes / 1e3, 1)]
        rows.append([*named, model_words(row), setting_words(row), *cost, f"{row.feasible} of {row.settings}"])
        rows[-1].append(listed(row.indistinguishable) or "none")
    heads = [
        "target and objective",
        "model",
        "run with",
        "value",
        "top-1, %",
        "file, kB",
        "settings allowed",
        "like it",
    ]
    notes = [
        "The lowest value over the measured settings that the study's limits allow; of equal ones the more accurate. "
        "Like it: models that no paired test tells from it (5 %, Holm over all pairs). *: a noisy timing.",
    ]
    return Table("Recommended on the targets", heads, rows, notes)


def rivals_table(table: pd.DataFrame) -> Table:
    """How every other model compares with the recommended one, repeat by repeat."""
    rows = [
        [
            *(f"{row.target}, {row.objective}", model_words(row), setting_words(row), whole(row.pairs)),
            *(number(row.ratio, 3), _p(row.p), _p(row.p_holm), row.verdict),
        ]
        for row in table.itertuples()
    ]
    heads = ["target and objective", "model", "run with", "pairs", "time ÷ best's", "p", "p, Holm", "verdict"]
    notes = [
        "Each model in its own best setting against the recommended one: Wilcoxon's signed-rank test on the ratios of "
        "repeats taken in turns. Undecided: no pairs, or too few. Neighbouring repeats are not independent where the "
        "host drifts slowly, so that p may be too small.",
    ]
    return Table("Other models against the recommended ones", heads, rows, notes)


def pareto_table(table: pd.DataFrame) -> Table:
    """Every model's accuracy and costs; a dot marks those on the front of that cost."""
    costs = [name for name in COSTS if (table["cost"] == name).any()]
    rows = []
    for (target, *_), own in table.groupby(["target", "variant", "rank", "precision"], sort=False):
        by_cost = {row.cost: row for row in own.itertuples()}
        first = next(iter(by_cost.values()))
        told = [_cost(name, by_cost.get(name)) for name in costs]
        error = number(first.top1_error)
        rows.append([target, model_words(first), f"{number(first.top1)} ± {error}", *told])
    heads = ["target", "model", "top-1, %", *(COST_UNITS[name][2] for name in costs)]
    note = (
        "Each cost at the setting where it is lowest for that model. •: on the front of accuracy and this cost: no "
        "other model is as good in both and better in one. ±: standard error over test images; fronts take accuracy as "
        "it is."
    )
    return Table("Accuracy against cost", heads, rows, [note])


def _cost(name: str, row) -> str:
    factor, decimals, _ = COST_UNITS[name]
    return DASH if row is None else number(factor * row.value, decimals) + (" •" if row.on_front else "\u2007\u2007")


def speedups_table(table: pd.DataFrame) -> Table:
    """Speed-up and its interval beside what the FLOPs promise."""
    rows = []
    for row in table.itertuples():
        interval = DASH if is_missing(row.low) else f"{number(row.low)} to {number(row.high)}"
        flagged = interval + ("*" if not is_missing(row.contains_one) and row.contains_one else "")
        gains = [number(row.speedup), flagged, number(row.flops_speedup)]
        rows.append([row.target, model_words(row), setting_words(row), *gains, number(row.share_of_flops_speedup)])
    heads = ["target", "model", "run with", "speed-up", "95 % interval", "FLOPs ÷", "share"]
    notes = [
        "Median over the repeats of the base's time ÷ this model's, under the same conditions in the same repeat; "
        "interval by bootstrap over the repeats. *: it holds 1, so neither faster nor slower is shown. FLOPs ÷: what "
        "the FLOPs alone would give; share: how much of that is reached.",
    ]
    return Table("Speed-up against FLOPs", heads, rows, notes)


def scenarios_table(table: pd.DataFrame) -> Table:
    """The recommended batch size of every model under every load."""
    rows = []
    for row in table[table["recommended"]].itertuples():
        load = f"{number(row.rate, 1)}/s" + (f" of {row.query_images}" if row.query_images > 1 else "")
        how = [whole(row.threads), whole(row.batch), number(100 * row.utilisation, 0)]
        rows.append([f"{row.target}, {row.scenario}", load, model_words(row), *how, _ms(row.mean_s), _ms(row.p99_s)])
    heads = ["target and scenario", "load", "model", "threads", "batch", "utilisation, %", "mean, ms", "p99, ms"]
    notes = [
        "Simulated from the measured latencies. Server: queries at a fixed rate, each split into runs; multi-stream: "
        "single images at random (Poisson), a free model takes all that wait, up to the batch size (MLPerf uses the "
        "two names the other way round). Batch and threads with the lowest mean time to the answer; models that cannot "
        "bear the load are left out.",
    ]
    return Table("Under load", heads, rows, notes)


def properties_table(table: pd.DataFrame) -> Table:
    """Spread of each property over the models, and its change against fp32."""
    rows = []
    for row in table.itertuples():
        words, factor = PROPERTY_WORDS[row.property]
        span = [number(factor * value, 3) for value in (row.lowest, row.highest)]
        change = [number(100 * row.relative_median, 1), number(row.ks)] if row.pairs else [DASH, DASH]
        where = f"{row.target}, {row.precision}, {setting_words(row)}"
        rows.append([where, words, whole(row.models), *span, number(row.lard), number(row.lard_printed), *change])
    heads = [
        "target and setting",
        "property",
        "models",
        "lowest",
        "highest",
        "LARD",
        "printed",
        "against fp32, %",
        "KS",
    ]
    notes = [
        "LARD: (max − min) ÷ min, as in the tables of Liao and others (2022); printed: the formula they print, which "
        "divides by the worst. Against fp32: median relative change of the same models. KS: Kolmogorov–Smirnov "
        "statistic between the pairwise relative differences before and after, descriptive.",
    ]
    return Table("Spread of the properties", heads, rows, notes)


def _ms(seconds: float) -> str:
    return number(1e3 * seconds, 3)


def _p(value) -> str:
    return DASH if is_missing(value) else "< 0.001" if value < 0.001 else number(value, 3)
