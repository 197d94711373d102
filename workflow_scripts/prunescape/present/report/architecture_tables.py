"""The report's tables of untrained variants: how to run each on each target, and how far they are from trained ones."""

import pandas as pd

from prunescape.analysis.cost.measured import with_network
from prunescape.analysis.cost.untrained_errors import PROPERTIES
from prunescape.present.architecture_words import in_order, variant_of
from prunescape.present.numbers import is_missing, number
from prunescape.present.report.table import ExperimentResults, Table, interval, make_table

OBJECTIVE = "throughput"  # least seconds per image: the one for which threads and batch are a choice
RUN = ["target", "network", "variant", "precision", "threads", "batch"]


def architecture_tables(results: ExperimentResults) -> list[Table]:
    """The tables of one experiment; empty where no variant was measured before its training."""
    if "inference_settings" not in results.tables:
        return []
    return [settings_table(results.tables), errors_table(results.tables["untrained_errors"])]


def settings_table(tables: dict[str, pd.DataFrame]) -> Table:
    """The recommended setting of each architecture, and whether the target rules the variant out."""
    settings = with_network(tables["inference_settings"])
    rows = settings[settings["objective"] == OBJECTIVE]
    measured = with_network(tables["architectures"])
    ends = measured[[*RUN, "frequency_mhz", "latency_low_s", "latency_high_s", "noisy"]]
    rows = rows.merge(ends, on=[*RUN, "frequency_mhz"], how="left")
    out = with_network(tables["ruled_out"])[["target", "network", "variant", "ruled_out"]]
    rows = in_order(rows.merge(out, on=["target", "network", "variant"]))
    with_frequency = rows["frequency_mhz"].notna().any()
    columns = {
        "variant": variant_of,
        **{name: name for name in ("target", "precision")},
        "ruled out": lambda row: "yes" if row.ruled_out else "no",
        **{name: name for name in ("threads", "batch")},
        **({"MHz": "frequency_mhz"} if with_frequency else {}),
        "images per s": lambda row: number(1 / row.seconds_per_image if row.seconds_per_image > 0 else None, 0),
        "latency, ms": ("latency_median_s", 3, 1e3),
        "95 %": _interval,
        "memory, MB": ("peak_memory_bytes", 1, 1e-6),
        "file, kB": ("file_bytes", 1, 1e-3),
    }
    notes = [
        "Untrained weights: what inference costs belongs to the architecture (edgetune2022, 3.1). Threads and batch: "
        "the measured setting with the least seconds per image that keeps the limits; a dash where none does. Ruled "
        "out: no precision and setting keeps every limit but that of accuracy. *: noisy.",
    ]
    return make_table("Before training: how to run each architecture", rows.itertuples(), columns, notes)


def _interval(row) -> str:
    """The interval of a median latency, ms; a star marks a noisy one."""
    noisy = not is_missing(row.noisy) and bool(row.noisy)
    return interval(1e3 * row.latency_low_s, 1e3 * row.latency_high_s, 3) + "*" * noisy


def errors_table(errors: pd.DataFrame) -> Table:
    """The percent error of measurements of untrained variants, by target, precision and property."""
    keys = ["target", "precision", "property"]
    found = errors.groupby(keys)["percent_error"].agg(["count", "median", "min", "max"]).reset_index()
    found["order"] = found["property"].map(list(PROPERTIES).index)
    rows = found.sort_values(["target", "precision", "order"]).itertuples()
    columns = {
        **{name: name for name in keys},
        "models": "count",
        "median, %": ("median", 2),
        "least, %": ("min", 2),
        "most, %": ("max", 2),
    }
    notes = [
        "|trained − untrained| ÷ trained × 100, over variants and settings; the paper takes it for zero. Both were "
        "measured at different times: drift of the host is part of the error of latency.",
    ]
    return make_table("Untrained against trained weights", rows, columns, notes)
