"""The report's tables of measurements: exported models on the targets, trained weights, emulated targets."""

from types import SimpleNamespace

import numpy as np
import pandas as pd

from prunescape.analysis.cost.comparisons import block_medians
from prunescape.analysis.cost.measured import with_network
from prunescape.analysis.cost.property_tables import EMULATED, emulation_errors
from prunescape.analysis.read_cells import variant_order
from prunescape.present.labels import network_title, variant_title
from prunescape.present.numbers import is_missing, number, significant
from prunescape.present.report import table
from prunescape.present.report.architecture_tables import architecture_tables
from prunescape.present.report.int8_tables import int8_tables
from prunescape.present.report.table import ExperimentResults, Table, make_table

CONDITIONS = ["target", "precision", "threads", "batch"]
ERROR_HEADS = ("latency, %", "whole set, %", "memory, %", "energy, %", "top-1, %")  # of EMULATED


def measured_tables(results: ExperimentResults) -> list[Table]:
    """The tables of one experiment's measurements, before its trainings and after; empty where nothing was measured."""
    before = architecture_tables(results)
    if results.benchmarks is None or results.benchmarks.empty:
        return before
    measured = [benchmarks_table(results), weights_table(results.benchmarks), emulation_table(results)]
    return [*before, *measured, *int8_tables(results)]


def benchmarks_table(results: ExperimentResults) -> Table:
    """Latency, sizes and accuracy of the exported models, each against the base of the same conditions."""
    rows = beside_base(results.benchmarks, results.tables["speedups"])
    shares = shares_kept(results.cells)
    rows = rows.assign(order=rows["variant"].map(variant_order)).sort_values([*CONDITIONS, "network", "order", "rank"])
    columns = {
        "variant": variant_of_network,
        **{name: name for name in ("target", "rank", "precision", "threads", "batch")},
        "latency, ms": lambda row: significant(1e3 * row.latency_median_s),
        "IQR, %": lambda row: number(100 * row.latency_relative_iqr, 1) + "*" * bool(row.noisy),
        "speed-up": ("speedup", 2),
        "FLOPs ÷": lambda row: number(1 / share if (share := shares.get((row.network, row.variant))) else None),
        "file, kB": ("file_bytes", 1, 1e-3),
        "encoded, kB": ("encoded_bytes", 1, 1e-3),
        "top-1, %": lambda row: (
            number(row.top1) + "!" * (not is_missing(row.accuracy_agrees) and not row.accuracy_agrees)
        ),
    }
    notes = [
        "Latency: median over the repeats of one run of the whole batch; IQR: their interquartile range as a share of "
        "it. *: above 3 %, too noisy to rest on.",
        "Speed-up: the base's time ÷ this model's, repeat by repeat, as in all tables; FLOPs ÷: the speed-up that the "
        "FLOPs alone would give. Encoded: after deflate. Top-1: the exported model on the test split; !: not what its "
        "cell scored in torch.",
    ]
    return make_table("On the target", rows.itertuples(), columns, notes)


def beside_base(benchmarks: pd.DataFrame, speedups: pd.DataFrame) -> pd.DataFrame:
    """The rows that stand for a target, each beside the best cell of its network's base under the same conditions.

    Added are `speedup`, that of the table `speedups` (1 for the base itself), `base_file_bytes` and `base_noisy`, null
    where the base was not measured so.
    """
    benchmarks, alike = with_network(subnormals_kept(benchmarks)), ["network", *CONDITIONS]
    base = benchmarks[(benchmarks["variant"] == "base") & (benchmarks["rank"] == 1)].drop_duplicates(alike)
    names = {name: f"base_{name}" for name in ("file_bytes", "noisy")}
    rows = benchmarks.merge(base[[*alike, *names]].rename(columns=names), on=alike, how="left")
    keys = [*alike, "variant", "rank"]
    known = subnormals_kept(with_network(speedups))[[*keys, "speedup"]]
    rows = rows.merge(known.astype({key: rows[key].dtype for key in keys}), on=keys, how="left")
    of_base = (rows["variant"] == "base") & (rows["rank"] == 1)
    return rows.assign(speedup=rows["speedup"].mask(of_base, 1.0))


def variant_of_network(row) -> str:
    """`uniform 0.5`, with the hyperparameters of its network where the setting gives some."""
    return variant_title(row.variant) + network_title(getattr(row, "network", ""))


def shares_kept(cells: pd.DataFrame) -> dict[tuple[str, str], float]:
    """FLOPs of each network and variant as a share of its network's base, where they are known.

    `ratio_achieved` stands in where a partial study has no base.
    """
    groups = with_network(cells).groupby(["network", "variant"], sort=False)
    flops, achieved = (groups[name].first().dropna() if name in cells else {} for name in ("flops", "ratio_achieved"))
    shares = dict(achieved)
    for (network, variant), count in flops.items():
        if (network, "base") in flops:
            shares[network, variant] = count / flops[network, "base"]
    return shares


def weights_table(benchmarks: pd.DataFrame) -> Table:
    """How far the latencies of one variant's files are apart, which differ in their trained weights alone.

    No rows where no variant has several files. Subnormal numbers may slow a processor down: hence with and without.
    """
    groups = with_network(benchmarks).groupby(["network", "variant", *CONDITIONS], sort=True)
    rows = [_compared(files) for _, files in groups if files["rank"].nunique() > 1]

    def treated(end: str) -> table.Columns:
        return {"apart, %": (f"apart_{end}", 1, 100), "noise, %": (f"noise_{end}", 1, 100), "p": (f"p_{end}", 3)}

    named = {"variant": variant_of_network} | {name: name for name in (*CONDITIONS, "files")}
    spans = [("", named), ("subnormal numbers kept", treated("kept")), ("flushed to zero", treated("flushed"))]
    notes = [
        "Apart: (slowest − fastest median) ÷ fastest over the files. Noise: the largest relative interquartile range "
        "of one of them. p: Kruskal–Wallis over the medians of blocks of successive samples, descriptive and not "
        "corrected. Gain: the largest ratio of a file's latency kept to its latency flushed.",
    ]
    return make_table("Do trained weights change latency?", rows, [*spans, ("", {"gain": ("gain", 2)})], notes)


def _compared(files: pd.DataFrame) -> SimpleNamespace:
    """One line of `weights_table`: the files of one variant under one set of conditions."""
    medians = files.pivot(index="rank", columns="flush_to_zero", values="latency_median_s")
    gain = None if len(medians.columns) < 2 else (medians[False] / medians[True]).max()
    line = files.iloc[0][["network", "variant", *CONDITIONS]].to_dict() | {
        "files": files["rank"].nunique(),
        "gain": gain,
    }
    for flushed, end in ((False, "kept"), (True, "flushed")):
        line |= {f"{name}_{end}": value for name, value in _apart(files[files["flush_to_zero"] == flushed]).items()}
    return SimpleNamespace(**line)


def _apart(files: pd.DataFrame) -> dict[str, float | None]:
    """Spread, noise and p of the files under one treatment of subnormal numbers; None for fewer than two."""
    from scipy.stats import kruskal

    if len(files) < 2:
        return dict.fromkeys(("apart", "noise", "p"))
    medians = files["latency_median_s"]
    blocks = [block_medians(values) for values in files["samples"]]  # successive samples are correlated
    same = len({value for values in blocks for value in values}) == 1  # which the test refuses
    p = 1.0 if same else kruskal(*blocks).pvalue
    return {"apart": medians.max() / medians.min() - 1, "noise": files["latency_relative_iqr"].max(), "p": p}


def emulation_table(results: ExperimentResults) -> Table:
    """The error of every emulated target against the real one, in percent; no rows where no setting has both."""
    records = [
        {name: None if np.ndim(value) == 0 and is_missing(value) else value for name, value in row.items()}
        for row in results.benchmarks.to_dict("records")
    ]
    rows = [SimpleNamespace(**errors) for errors in emulation_errors(records, results.emulates)]
    columns = {
        "variant": variant_of_network,
        "target": "target",
        "stands for": "emulates",
        **{name: name for name in ("rank", "precision", "threads", "batch")},
        **{head: (name, 1) for name, head in zip(EMULATED, ERROR_HEADS, strict=True)},
    }
    note = "|measured − emulated| ÷ measured × 100, for each property that both have."
    return make_table("How far the emulation is from the real target", rows, columns, [note])


def subnormals_kept(benchmarks: pd.DataFrame) -> pd.DataFrame:
    """The rows that stand for a target: subnormal numbers kept where both ways were measured."""
    if "flush_to_zero" not in benchmarks or benchmarks["flush_to_zero"].all():
        return benchmarks
    return benchmarks[~benchmarks["flush_to_zero"].astype(bool)]
