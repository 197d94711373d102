"""The report's tables of measurements: exported models on the targets, trained weights, emulated targets."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from prunescape.analysis.cells_table import variant_order
from prunescape.analysis.cost.emulation import PROPERTIES, emulation_errors
from prunescape.present.labels import variant_title
from prunescape.present.numbers import is_missing, number, whole
from prunescape.present.report.table import (
    Column,
    ExperimentResults,
    Table,
    counted_in,
    first_known,
    make_table,
    shown,
    text_in,
    variant_columns,
)

if TYPE_CHECKING:
    import pandas as pd

CONDITIONS = ["target", "precision", "threads", "batch"]
ERROR_HEADS = ("latency, %", "whole set, %", "memory, %", "energy, %", "top-1, %")  # of emulation.PROPERTIES


def measured_tables(results: ExperimentResults) -> list[Table]:
    """The tables of one experiment's measurements; empty where nothing was measured."""
    if results.benchmarks is None or results.benchmarks.empty:
        return []
    tables = (benchmarks_table(results), weights_table(results.benchmarks), emulation_table(results))
    return [table for table in tables if table.rows]


def benchmarks_table(results: ExperimentResults) -> Table:
    """Latency, sizes and accuracy of the exported models, each against the base of the same conditions."""
    benchmarks = subnormals_kept(results.benchmarks)
    base = benchmarks[(benchmarks["variant"] == "base") & (benchmarks["rank"] == 1)]
    of_base = base.drop_duplicates(CONDITIONS).set_index(CONDITIONS)["latency_median_s"].to_dict()
    shares = {name: share_kept(results.cells, name) for name in benchmarks["variant"].unique()}

    def speed(row: Any) -> str:
        reached = of_base.get(tuple(getattr(row, name) for name in CONDITIONS))
        return number(None if reached is None else reached / row.latency_median_s)

    def agreed(row: Any) -> str:
        return "" if is_missing(row.accuracy_agrees) or row.accuracy_agrees else "!"

    columns = [
        *variant_columns(benchmarks),
        ("target", text_in("target")),
        ("rank", counted_in("rank")),
        ("precision", text_in("precision")),
        ("threads", counted_in("threads")),
        ("batch", counted_in("batch")),
        ("latency, ms", shown("latency_median_s", 3, 1e3)),
        ("IQR, %", lambda row: number(100 * row.latency_relative_iqr, 1) + "*" * bool(row.noisy)),
        ("speed-up", speed),
        ("FLOPs ÷", lambda row: number(1 / share if (share := shares[row.variant]) else None)),
        ("file, kB", shown("file_bytes", 1, 1e-3)),
        ("encoded, kB", shown("encoded_bytes", 1, 1e-3)),
        ("top-1, %", lambda row: number(row.top1) + agreed(row)),
    ]
    notes = [
        "Latency: median over the repeats of one run of the whole batch; IQR: their interquartile range as a share of "
        "it. *: above 3 %, too noisy to rest on.",
        "Speed-up: the base's latency under the same conditions ÷ this one; FLOPs ÷: the speed-up that the FLOPs alone "
        "would give. Encoded: after deflate. Top-1: the exported model on the test split; !: not what its cell scored "
        "in torch.",
    ]
    order = benchmarks.assign(order=[variant_order(name) for name in benchmarks["variant"]])
    rows = order.sort_values([*CONDITIONS, "order", "rank"]).drop(columns="order").itertuples()
    return make_table("On the target", rows, columns, notes)


def share_kept(cells: pd.DataFrame, variant: str) -> float | None:
    """FLOPs of the variant as a share of the base's; `ratio_achieved` where a partial study has no base."""
    flops = [first_known(cells[cells["variant"] == name], "flops") for name in (variant, "base")]
    if all(value is not None for value in flops):
        return flops[0] / flops[1]
    return first_known(cells[cells["variant"] == variant], "ratio_achieved")


def weights_table(benchmarks: pd.DataFrame) -> Table:
    """How far the latencies of one variant's files are apart, which differ in their trained weights alone.

    No rows where no variant has several files. Subnormal numbers may slow a processor down: hence with and without.
    """
    groups = benchmarks.groupby(["variant", *CONDITIONS], sort=True)
    rows = [(*key, files) for key, files in groups if files["rank"].nunique() > 1]

    def treated(flushed: bool, place: int) -> Callable[[tuple], str]:
        return lambda row: _apart(row[-1][row[-1]["flush_to_zero"] == flushed])[place]

    measures = ("apart, %", "noise, %", "p")
    columns: list[Column] = [
        ("variant", lambda row: variant_title(row[0])),
        ("target", lambda row: row[1]),
        ("precision", lambda row: row[2]),
        ("threads", lambda row: whole(row[3])),
        ("batch", lambda row: whole(row[4])),
        ("files", lambda row: whole(row[-1]["rank"].nunique())),
        *((head, treated(flushed, place)) for flushed in (False, True) for place, head in enumerate(measures)),
        ("gain", lambda row: number(_gain(row[-1]))),
    ]
    spans = [("", 6), ("subnormal numbers kept", 3), ("flushed to zero", 3), ("", 1)]
    notes = [
        "Apart: (slowest − fastest median) ÷ fastest over the files. Noise: the largest relative interquartile range "
        "of one of them. p: Kruskal–Wallis over the samples, which follow each other and so are not independent: "
        "descriptive, not corrected. Gain: the largest ratio of a file's latency kept to its latency flushed.",
    ]
    return make_table("Do trained weights change latency?", rows, columns, notes, spans)


def _apart(files: pd.DataFrame) -> list[str]:
    """Spread, noise and p of the files under one treatment of subnormal numbers."""
    from scipy.stats import kruskal

    if len(files) < 2:
        return [number(None)] * 3
    medians = files["latency_median_s"]
    samples = [list(values) for values in files["samples"]]
    same = len({value for values in samples for value in values}) == 1  # which the test refuses
    p = 1.0 if same else kruskal(*samples).pvalue
    spread = 100 * (medians.max() / medians.min() - 1)
    return [number(spread, 1), number(100 * files["latency_relative_iqr"].max(), 1), number(p, 3)]


def _gain(files: pd.DataFrame) -> float | None:
    medians = files.pivot(index="rank", columns="flush_to_zero", values="latency_median_s")
    return None if len(medians.columns) < 2 else (medians[False] / medians[True]).max()


def emulation_table(results: ExperimentResults) -> Table:
    """The error of every emulated target against the real one, in percent; no rows where no setting has both."""
    records = [
        {str(name): _known(value) for name, value in row.items()} for row in results.benchmarks.to_dict("records")
    ]
    columns: list[Column] = [
        ("variant", lambda row: variant_title(row["variant"])),
        ("target", lambda row: row["target"]),
        ("stands for", lambda row: row["emulates"]),
        ("rank", lambda row: whole(row["rank"])),
        ("precision", lambda row: row["precision"]),
        ("threads", lambda row: whole(row["threads"])),
        ("batch", lambda row: whole(row["batch"])),
        *(
            (head, lambda row, name=name: number(row[name], 1))
            for name, head in zip(PROPERTIES, ERROR_HEADS, strict=True)
        ),
    ]
    note = "|measured − emulated| ÷ measured × 100, for each property that both have."
    errors = emulation_errors(records, results.emulates)
    return make_table("How far the emulation is from the real target", errors, columns, [note])


def _known(value: Any) -> Any:
    return None if not hasattr(value, "__len__") and is_missing(value) else value


def subnormals_kept(benchmarks: pd.DataFrame) -> pd.DataFrame:
    """The rows that stand for a target: subnormal numbers kept where both ways were measured."""
    if "flush_to_zero" not in benchmarks or benchmarks["flush_to_zero"].all():
        return benchmarks
    return benchmarks[~benchmarks["flush_to_zero"].astype(bool)]
