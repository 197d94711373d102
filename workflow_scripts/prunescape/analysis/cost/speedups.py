"""How much faster than its base a pruned model runs, beside what its FLOPs promise, and widths that slow it down."""

from pathlib import Path

import numpy as np
import pandas as pd

from prunescape.analysis.cost.measured import CONDITIONS, PLACE_COLUMNS, SETTING_COLUMNS, group_table, paired_log_ratio
from prunescape.space.cells import VARIANT_PATH
from prunescape.store.files import read_json

RESAMPLES = 9999
CONFIDENCE = 0.95
SEED = 0
BLOCK = 8  # channels that runtimes compute together: what `round_to: auto` takes first

SPEEDUP_COLUMNS: dict[str, tuple[str, str]] = {
    **PLACE_COLUMNS,
    **SETTING_COLUMNS,
    "base_median_s": ("float64", "the base's median latency under the same conditions, seconds per run"),
    "median_s": ("float64", "this model's, seconds per run"),
    "pairs": ("int64", "repeats of both, taken in turns"),
    "speedup": ("float64", "median over the repeats of the base's time ÷ this model's"),
    "low": ("float64", "lower end of its 95 % interval (percentile bootstrap over the repeats); null under 2 repeats"),
    "high": ("float64", "upper end"),
    "contains_one": ("bool", "the interval holds 1: not shown to be faster or slower; null without an interval"),
    "flops_speedup": ("float64", "the base's FLOPs ÷ this model's: the speed-up that the FLOPs alone would give"),
    "share_of_flops_speedup": ("float64", "speedup ÷ flops_speedup"),
}


def speedups(measured: pd.DataFrame, flops: dict[tuple[str, str], float]) -> pd.DataFrame:
    """Every pruned model against the base of the same precision, threads and batch on the same target.

    `flops` holds the FLOPs by (experiment, variant); a variant that is not there has null FLOPs columns. Models without
    a measured base have no row.
    """

    def of_conditions(here: pd.DataFrame) -> list[dict]:
        base = next(here[(here["variant"] == "base") & (here["rank"] == 1)].itertuples(), None)
        return [_row(row, base, flops) for row in here[here["variant"] != "base"].itertuples() if base]

    table = group_table(measured, CONDITIONS, of_conditions, SPEEDUP_COLUMNS)
    return table.astype({"contains_one": "boolean", "pairs": "int64"})


def median_interval(ratios: np.ndarray) -> tuple[float, float]:
    """The 95 % interval of the median of (n,) ratios: percentile bootstrap, fixed seed; nan under 2 values."""
    from scipy.stats import bootstrap

    if len(ratios) < 2:
        return np.nan, np.nan
    options = {"method": "percentile", "n_resamples": RESAMPLES, "confidence_level": CONFIDENCE}
    found = bootstrap((ratios,), np.median, rng=np.random.default_rng(SEED), **options).confidence_interval
    return float(found.low), float(found.high)


def _row(row, base, flops: dict[tuple[str, str], float]) -> dict:
    logs = paired_log_ratio(base, row)
    ratios = np.array([]) if logs is None else np.exp(logs)
    low, high = median_interval(ratios)
    both = [flops.get((row.experiment, name)) for name in ("base", row.variant)]
    promised = both[0] / both[1] if all(both) else np.nan
    speedup = float(np.median(ratios)) if len(ratios) else np.nan
    return {
        **{name: getattr(row, name) for name in SETTING_COLUMNS},
        "base_median_s": base.latency_median_s,
        "median_s": row.latency_median_s,
        "pairs": len(ratios),
        "speedup": speedup,
        "low": low,
        "high": high,
        "contains_one": None if np.isnan(low) else low <= 1 <= high,
        "flops_speedup": promised,
        "share_of_flops_speedup": speedup / promised,
    }


def variant_flops(cells: pd.DataFrame) -> dict[tuple[str, str], float]:
    """FLOPs of one image by (experiment, variant) from a table of cells; empty where it holds none."""
    if "flops" not in cells:
        return {}
    known = cells.dropna(subset="flops").drop_duplicates(["experiment", "variant"])
    return {(row.experiment, row.variant): float(row.flops) for row in known.itertuples()}


def odd_widths(study: Path) -> dict[tuple[str, str], dict[str, int]]:
    """By (experiment, variant) the layers that were cut to no multiple of a runtime's block, with their channels.

    From the widths of every variant in the folder `study`; raises InputError for a damaged file.
    """
    odd = {}
    for path in sorted(study.glob(f"{VARIANT_PATH.format(experiment='*', variant='*')}/widths.json")):
        experiment, variant = (part.partition("=")[2] for part in path.parent.parts[-2:])
        layers = read_json(path, "layers")["layers"]
        cut = {name: layer["out"] for name, layer in layers.items() if layer["out"] < layer["of"]}
        odd[experiment, variant] = {name: width for name, width in cut.items() if width % BLOCK}
    return odd
