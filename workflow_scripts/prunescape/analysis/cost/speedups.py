"""How much faster than its base a pruned model runs, beside what its FLOPs promise, and widths that slow it down."""

from pathlib import Path

import numpy as np
import pandas as pd

from prunescape.analysis.cost.comparisons import TEST_COLUMNS, Comparison, Comparisons
from prunescape.analysis.cost.measured import CONDITIONS, PLACE_COLUMNS, SETTING_COLUMNS, group_table, with_network
from prunescape.space.cells import VARIANT_PATH
from prunescape.store.files import read_json

BLOCK = 8  # channels that runtimes compute together: what `round_to: auto` takes first

SPEEDUP_COLUMNS: dict[str, tuple[str, str]] = {
    **PLACE_COLUMNS,
    **SETTING_COLUMNS,
    "base_median_s": ("float64", "the base's median latency under the same conditions, seconds per run"),
    "median_s": ("float64", "this model's, seconds per run"),
    "speedup": ("float64", "the base's time ÷ this model's, repeat by repeat: mean of the logs of blocks' medians"),
    **TEST_COLUMNS,
    "flops_speedup": ("float64", "the base's FLOPs ÷ this model's: the speed-up that the FLOPs alone would give"),
    "share_of_flops_speedup": ("float64", "speedup ÷ flops_speedup"),
}


Flops = dict[tuple[str, str, str], float]  # of one image, by experiment, network and variant


def speedups(measured: pd.DataFrame, flops: Flops, compared: Comparisons) -> pd.DataFrame:
    """Every pruned model against the base of its network, in the same precision, threads and batch on the same target.

    A variant that is not in `flops` has null FLOPs columns. `compared` as `rivals.comparisons` gives it. Models without
    a measured base have no row.
    """

    def of_conditions(here: pd.DataFrame) -> list[dict]:
        rows = {row.Index: row for row in here.itertuples()}
        pairs = pairs_with_base(here)
        return [_row(rows[model], rows[base], compared[model, base].inverted(), flops) for model, base in pairs]

    return group_table(measured, CONDITIONS, of_conditions, SPEEDUP_COLUMNS).astype({"pairs": "int64"})


def pairs_with_base(measured: pd.DataFrame) -> list[tuple[int, int]]:
    """The rows of every pruned model and of its network's base that was measured under the same conditions."""
    pairs = []
    for _, here in measured.groupby([*CONDITIONS, "network"], sort=True):
        base = here.index[(here["variant"] == "base") & (here["rank"] == 1)]
        pairs += [(model, base[0]) for model in here.index[here["variant"] != "base"] if len(base)]
    return pairs


def _row(row, base, comparison: Comparison, flops: Flops) -> dict:
    """One row of `speedups`; `comparison` is that of the base's time with the model's, but for the verdict."""
    both = [flops.get((row.experiment, row.network, name)) for name in ("base", row.variant)]
    promised = both[0] / both[1] if all(both) else np.nan
    return {
        **{name: getattr(row, name) for name in SETTING_COLUMNS},
        "base_median_s": base.latency_median_s,
        "median_s": row.latency_median_s,
        "speedup": comparison.ratio,
        **comparison.columns(),
        "verdict": comparison.inverted().verdict,
        "flops_speedup": promised,
        "share_of_flops_speedup": comparison.ratio / promised,
    }


def variant_flops(cells: pd.DataFrame) -> Flops:
    """The FLOPs in a table of cells; empty where it holds none."""
    if "flops" not in cells:
        return {}
    keys = ["experiment", "network", "variant"]
    known = with_network(cells.dropna(subset="flops")).drop_duplicates(keys)
    return {(row.experiment, row.network, row.variant): float(row.flops) for row in known.itertuples()}


OddWidths = dict[tuple[str, str], dict[str, int]]  # by the network's name in paths and the variant


def odd_widths(study: Path) -> dict[str, OddWidths]:
    """By experiment the layers that were cut to no multiple of a runtime's block, with their channels.

    From the widths of every variant in the folder `study`; raises InputError for a damaged file.
    """
    odd: dict[str, OddWidths] = {}
    for network in ("", "/network=*"):
        folders = VARIANT_PATH.format(experiment="*", network=network, variant="*")
        for path in sorted(study.glob(f"{folders}/widths.json")):
            experiment, *between, variant = path.parent.relative_to(study).parts
            layers = read_json(path, "layers")["layers"]
            cut = {name: layer["out"] for name, layer in layers.items() if layer["out"] < layer["of"]}
            key = "".join(f"/{part}" for part in between), variant.partition("=")[2]
            known = odd.setdefault(experiment.partition("=")[2], {})
            known[key] = {name: width for name, width in cut.items() if width % BLOCK}
    return odd
