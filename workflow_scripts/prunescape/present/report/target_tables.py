"""Do trained weights change latency, and how far is an emulated target from the real one? Needs pandas and scipy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from prunescape.analysis.cost.emulation import PROPERTIES, emulation_errors
from prunescape.present.figures.style import variant_title
from prunescape.present.numbers import is_missing, number, whole
from prunescape.present.report.tables import Table

if TYPE_CHECKING:
    import pandas as pd

SETTING = ["variant", "target", "precision", "threads", "batch"]


def weights_table(benchmarks: pd.DataFrame) -> Table | None:
    """How far the latencies of one variant's files are apart, which differ in their trained weights alone.

    None where no variant has several files. Subnormal numbers may slow a processor down: hence with and without them.
    """
    rows = []
    for setting, files in benchmarks.groupby(SETTING, sort=True):
        if files["rank"].nunique() < 2:
            continue
        apart = [text for flushed in (False, True) for text in _apart(files[files["flush_to_zero"] == flushed])]
        variant, target, precision, threads, batch = setting
        named = [variant_title(variant), target, precision, whole(threads), whole(batch)]
        rows.append([*named, whole(files["rank"].nunique()), *apart, number(_gain(files))])
    if not rows:
        return None
    heads = ["variant", "target", "precision", "threads", "batch", "files", *(["apart, %", "noise, %", "p"] * 2)]
    groups = [("", 6), ("subnormal numbers kept", 3), ("flushed to zero", 3), ("", 1)]
    notes = [
        "Apart: (slowest − fastest median) ÷ fastest over the files. Noise: the largest relative interquartile range "
        "of one of them. p: Kruskal–Wallis over the samples, which follow each other and so are not independent: "
        "descriptive, not corrected. Gain: the most that a file's latency kept is of its latency flushed.",
    ]
    return Table("Do trained weights change latency?", [*heads, "gain"], rows, notes, groups)


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


def emulation_table(benchmarks: pd.DataFrame, emulates: dict[str, str]) -> Table | None:
    """The error of every emulated target against the real one, in percent; None where no setting has both."""
    records = [{str(name): _plain(value) for name, value in row.items()} for row in benchmarks.to_dict("records")]
    errors = emulation_errors(records, emulates)
    if not errors:
        return None
    rows = []
    for error in errors:
        named = [variant_title(error["variant"]), error["target"], error["emulates"], whole(error["rank"])]
        setting = [error["precision"], whole(error["threads"]), whole(error["batch"])]
        rows.append([*named, *setting, *(number(error[name], 1) for name in PROPERTIES)])
    heads = ["variant", "target", "stands for", "rank", "precision", "threads", "batch"]
    heads += ["latency, %", "whole set, %", "memory, %", "energy, %", "top-1, %"]
    note = "|measured − emulated| ÷ measured × 100, for each property that both have."
    return Table("How far the emulation is from the real target", heads, rows, [note])


def _plain(value: Any) -> Any:
    return None if not hasattr(value, "__len__") and is_missing(value) else value


def subnormals_kept(benchmarks: pd.DataFrame) -> pd.DataFrame:
    """The rows that stand for a target: subnormal numbers kept where both ways were measured."""
    if "flush_to_zero" not in benchmarks or benchmarks["flush_to_zero"].all():
        return benchmarks
    return benchmarks[~benchmarks["flush_to_zero"].astype(bool)]
