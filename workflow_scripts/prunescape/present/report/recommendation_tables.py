"""The report's tables of one experiment's models on their targets, from the tables that compare the targets."""

from functools import partial

import pandas as pd

from prunescape.analysis.cost import measured
from prunescape.analysis.cost.measured import COSTS, STANDARD, with_network
from prunescape.present.numbers import DASH, is_missing, number, significant, span, whole
from prunescape.present.report.price_tables import payback_table
from prunescape.present.report.table import Columns, Shown, Table, interval, make_table, p_value, show
from prunescape.present.report.target_sentences import (
    model_list,
    model_title,
    objective_value,
    precision_change_text,
    run_title,
)
from prunescape.present.report.target_tables import variant_of_network

one_decimal = partial(number, decimals=1)
# what stands against accuracy -> (factor, how it is written, head)
COST_UNITS = {
    "latency": (1e3, significant, "latency, ms"),
    "time per image": (1e3, significant, "per image, ms"),
    "size": (1e-3, one_decimal, "file, kB"),
    "memory": (1e-6, one_decimal, "memory, MB"),
    "energy": (1e3, significant, "per image, mJ"),
}
# property -> (its name and unit for a reader, factor)
PROPERTY_UNITS = {
    "top1": ("top-1, %", 1),
    "latency_median_s": ("latency, ms per run", 1e3),
    "latency_dataset_s": ("latency, s per test set", 1),
    "file_bytes": ("file, kB", 1e-3),
    "encoded_bytes": ("encoded, kB", 1e-3),
    "peak_memory_bytes": ("peak memory, MB", 1e-6),
    "energy_j": ("energy, mJ per run", 1e3),
    "flops": ("FLOPs, M", 1e-6),
}
OBJECTIVE: Columns = {"target and objective": lambda row: f"{row.target}, {row.objective}"}
MODEL: Columns = {"model": model_title, "run with": run_title}
TESTED: Columns = {
    "p": lambda row: p_value(row.p),
    "p, Holm": lambda row: p_value(row.p_holm),
    "verdict": "verdict",
}
HOW_TESTED = (
    "Ratio, interval and t test over the medians of blocks of successive repeats, since these are correlated; Holm's "
    "correction over all comparisons on the target, in this table and its sibling; an interval is of its pair alone."
)


CHANGES = (
    "Change against fp32: of the same weights over the same test images, with its 95 % interval; paired image by image "
    "unless it is said to be from counts alone, which is wider."
)


def comparison_tables(tables: dict[str, pd.DataFrame]) -> list[Table]:
    """Every table of the models on the targets that has rows."""
    made = [make(tables[name]) for name, make in MAKERS.items() if name in tables and len(tables[name])]
    return [table for table in made if table.rows]


def recommendations_table(rows: pd.DataFrame) -> Table:
    """Which model to run for which objective, and how."""

    def of_model(shown: Shown, otherwise: Shown = lambda row: DASH) -> Shown:
        return lambda row: show(row, shown if row.status == "recommended" else otherwise)

    columns = {
        **OBJECTIVE,
        **{head: of_model(shown) for head, shown in MODEL.items()},
        "value": of_model(lambda row: objective_value(row) + "*" * bool(row.noisy)),
        "top-1, %": of_model(("top1", 2)),
        "in fp32, %": of_model(("float_top1", 2)),
        "change, points": of_model(precision_change_text),
        "file, kB": of_model(("file_bytes", 1, 1e-3)),
        "settings allowed": of_model(lambda row: f"{row.feasible} of {row.settings}", "feasible"),
        "shown faster than": of_model(_shown_slower),
        "not shown to differ": of_model(lambda row: model_list(row.not_shown_to_differ) or "none", "reason"),
    }
    notes = [
        "The lowest value over the measured settings that the study's limits allow; of equal ones the more accurate. "
        "Not shown to differ: at 5 % after Holm's correction over all comparisons on the target; with the ratio of "
        "times and its 95 % interval, which says how large a difference there may be. Shown faster than: so many of "
        "the other models; the least of several noisy medians is low by luck, too. *: a noisy timing.",
        CHANGES,
    ]
    return make_table("Recommended on the targets", rows.itertuples(), columns, notes)


def _shown_slower(row) -> str:
    return DASH if is_missing(row.rivals) else f"{whole(row.shown_slower)} of {whole(row.rivals)}"


def rivals_table(rows: pd.DataFrame) -> Table:
    """How every other model compares with the recommended one, repeat by repeat."""
    columns = {
        **OBJECTIVE,
        **MODEL,
        "pairs": "pairs",
        "time ÷ best's": ("ratio", 3),
        "95 % interval": lambda row: interval(row.low, row.high, 3),
        **TESTED,
    }
    notes = [
        f"Each model in its own best setting against the recommended one, repeat by repeat. {HOW_TESTED}",
        *_untested(rows),
    ]
    return make_table("Other models against the recommended ones", rows.itertuples(), columns, notes)


def _untested(rows: pd.DataFrame) -> list[str]:
    """One line for each reason why models were not tested."""
    return [f"Not tested: {reason}." for reason in dict.fromkeys(rows["reason"]) if reason]


def pareto_table(rows: pd.DataFrame) -> Table:
    """Every model's accuracy and costs; a dot marks those on the front of that cost."""
    models = with_network(rows).groupby(["target", *measured.MODEL], sort=False)
    lines = [{row.cost: row for row in model.itertuples()} for _, model in models]

    def first(shown: Shown) -> Shown:
        return lambda line: show(next(iter(line.values())), shown)

    def cost(name: str) -> Shown:
        factor, written, _ = COST_UNITS[name]

        def shown(line: dict) -> str:
            row = line.get(name)
            mark = " •" if row is not None and row.on_front else "\u2007\u2007"
            return DASH if row is None else written(factor * row.value) + mark

        return shown

    columns = {
        "target": first("target"),
        "model": first(model_title),
        "top-1, %": first(_with_interval),
        "against fp32, points": first(precision_change_text),
        **{COST_UNITS[name][2]: cost(name) for name in COSTS if (rows["cost"] == name).any()},
    }
    note = (
        "Each cost at the setting where it is lowest for that model. •: on the front of accuracy and this cost: no "
        "other model is as good in both and better in one. In brackets: 95 % interval over test images (Wilson); "
        "fronts take accuracy as it is."
    )
    return make_table("Accuracy against cost", lines, columns, [note, CHANGES])


def _with_interval(row) -> str:
    """`96.00 (94.12 to 97.31)`."""
    ends = span(row.top1_low, row.top1_high)
    return number(row.top1) + (f" ({ends})" if ends != DASH else "")


def speedups_table(rows: pd.DataFrame) -> Table:
    """Speed-up and its interval beside what the FLOPs promise."""

    columns = {
        "target": "target",
        **MODEL,
        "speed-up": ("speedup", 2),
        "95 % interval": lambda row: interval(row.low, row.high),
        **TESTED,
        "FLOPs ÷": ("flops_speedup", 2),
        "share": ("share_of_flops_speedup", 2),
    }
    notes = [
        f"The base's time ÷ this model's, under the same conditions in the same repeat. {HOW_TESTED} FLOPs ÷: what the "
        "FLOPs alone would give; share: how much of that is reached.",
        *_untested(rows),
    ]
    return make_table("Speed-up against FLOPs", rows.itertuples(), columns, notes)


def scenarios_table(rows: pd.DataFrame) -> Table:
    """The recommended batch size of every model under every load."""
    columns = {
        "target and scenario": lambda row: f"{row.target}, {row.scenario}",
        "load": lambda row: f"{significant(row.rate)}/s" + f" of {row.query_images}" * (row.query_images > 1),
        "model": model_title,
        "threads": "threads",
        "batch": "batch",
        "utilisation, %": ("utilisation", 0, 100),
        "mean, ms": lambda row: significant(1e3 * row.mean_s),
        "p99, ms": lambda row: significant(1e3 * row.p99_s) + _simulation_error(row),
    }
    notes = [
        "Simulated from the measured latencies. Server: queries at a fixed rate, each split into runs; multi-stream: "
        "single images at random (Poisson), a free model takes all that wait, up to the batch size (MLPerf uses the "
        "two names the other way round). Batch and threads with the lowest mean response time; models that cannot "
        "bear the load are left out. ±: standard deviation of p99 between simulations; above a utilisation of 90 % "
        "they differ too much, and it is left out.",
    ]
    return make_table("Under load", rows[rows["recommended"]].itertuples(), columns, notes)


def _simulation_error(row) -> str:
    return f" ± {number(100 * row.p99_relative_sd, 1, ' %')}" if row.p99_relative_sd > 0 else ""


def properties_table(rows: pd.DataFrame) -> Table:
    """Spread of each property over the models, and its change against fp32."""

    def scaled(name: str) -> Shown:
        return lambda row: significant(PROPERTY_UNITS[row.property][1] * getattr(row, name))

    def paired(shown: Shown) -> Shown:
        return lambda row: show(row, shown) if row.pairs else DASH

    columns = {
        "target and setting": lambda row: f"{row.target}, {row.precision}, {run_title(row)}",
        "property": lambda row: PROPERTY_UNITS[row.property][0],
        "models": "models",
        "lowest": scaled("lowest"),
        "highest": scaled("highest"),
        "LARD": ("lard", 2),
        "printed": ("lard_printed", 2),
        "against fp32, %": paired(("relative_median", 1, 100)),
        "KS": paired(("ks", 2)),
    }
    notes = [
        "LARD: (max − min) ÷ min, as in the tables of Liao and others (2022); printed: the formula they print, which "
        "divides by the worst. Against fp32: median relative change of the same models. KS: Kolmogorov–Smirnov "
        "statistic between the pairwise relative differences before and after, descriptive.",
    ]
    return make_table("Spread of the properties", rows.itertuples(), columns, notes)


def property_risk_table(rows: pd.DataFrame) -> Table:
    """Of several exported cells of a variant: which are good by each property, and what that risks."""
    columns = {
        "variant": variant_of_network,
        "target and setting": lambda row: f"{row.target}, {row.precision}, {run_title(row)}",
        "property": lambda row: PROPERTY_UNITS[row.property][0],
        "cells": lambda row: f"{row.cells}" + "+" * (not row.whole),
        "good in fp32": "n",
        "good here": "n_own",
        "both": "shared",
        "best": lambda row: significant(PROPERTY_UNITS[row.property][1] * row.best),
        "mean risk": ("d_mean", 2),
        "in fp32 accuracy": ("d_float", 2),
        "of the best in fp32": ("d_chosen", 2),
        "correlation": ("correlation", 2),
    }
    notes = [
        "Over the exported cells of a variant. Good: within the risk threshold of the best, in points of accuracy, or "
        "in percent above the lowest of any other property. Risk: how far cells that are good in fp32 accuracy stay "
        "from the best in this property, in the same units, and beside it in fp32 accuracy itself. Correlation: "
        "Spearman's, of fp32 accuracy and nearness to the best. +: all exported cells are good in fp32, or another "
        "order than that of fp32 chose them, so there may be more such cells: raise export.best.",
    ]
    rows = with_network(rows)
    of_file = rows["property"] != "latency_median_s"  # the same however it is run
    again = rows.duplicated(["experiment", "target", "variant", "precision", "property", "network"])
    defines = (rows["precision"] == STANDARD) & (rows["property"] == "top1")
    rows = rows[~defines & ~(of_file & again)]
    return make_table("Good settings of the exported network", rows.itertuples(), columns, notes)


# result table -> what shows it, in the order of the report
MAKERS = {
    "recommendations": recommendations_table,
    "rivals": rivals_table,
    "pareto": pareto_table,
    "speedups": speedups_table,
    "payback": payback_table,
    "scenarios": scenarios_table,
    "properties": properties_table,
    "property_risk": property_risk_table,
}
