"""The properties of the models on each target: their spread, their change by optimisation, their correlation."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np

from prunescape.analysis.cells_table import variant_order
from prunescape.analysis.cost.measured import PLACE, PLACE_COLUMNS, RUN, RUN_COLUMNS
from prunescape.analysis.cost.properties import (
    correlation,
    lard,
    lard_printed,
    pairwise_changes,
    pairwise_test,
    relative_difference,
)
from prunescape.analysis.cost.rivals import holm

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

STANDARD = "fp32"
# column -> whether higher is better
PROPERTIES = {
    "top1": True,
    "latency_median_s": False,
    "latency_dataset_s": False,
    "file_bytes": False,
    "encoded_bytes": False,
    "peak_memory_bytes": False,
    "energy_j": False,
    "flops": False,
}
CONDITION_COLUMNS = {
    **PLACE_COLUMNS,
    "precision": ("string", "number format of the exported models"),
    **RUN_COLUMNS,
}
CONDITIONS = [*PLACE, "precision", *RUN]

PROPERTY_COLUMNS: dict[str, tuple[str, str]] = {
    **CONDITION_COLUMNS,
    "property": ("string", "a column of benchmarks.parquet, or flops: in that column's unit"),
    "models": ("int64", "exported models that tell it"),
    "lowest": ("float64", "smallest value among them"),
    "highest": ("float64", "largest value"),
    "lard": ("float64", "(max - min) / min; null where the smallest is 0"),
    "lard_printed": ("float64", "|(best - worst) / worst|, the formula that liao2022 prints"),
    "pairs": ("int64", "models that are there in fp32 too under the same conditions; 0 for fp32 itself"),
    "relative_median": ("float64", "median of (this precision - fp32) / fp32 over them"),
    "delta_median": ("float64", "median of the change of (m1 - m2) / m2 from fp32 to here, over all pairs of models"),
    "delta_furthest": ("float64", "the one of these changes that is furthest from 0"),
    "ks": ("float64", "Kolmogorov-Smirnov statistic between their pairwise relative differences in fp32 and here"),
    "ks_p": ("float64", "its p: descriptive only, for pairs of models are dependent"),
}
CORRELATION_COLUMNS: dict[str, tuple[str, str]] = {
    **CONDITION_COLUMNS,
    "first": ("string", "a property, as in the table of properties"),
    "second": ("string", "another one"),
    "models": ("int64", "models that tell both"),
    "r": ("float64", "Pearson's correlation; null under 3 models or where one does not vary"),
    "p": ("float64", "its two-sided p"),
    "p_holm": ("float64", "the same corrected (Holm) over all pairs of properties under these conditions"),
}


def with_flops(measured: pd.DataFrame, flops: dict[tuple[str, str], float]) -> pd.DataFrame:
    """The measurements with each variant's FLOPs, null where they are not known."""
    keys = zip(measured["experiment"], measured["variant"], strict=True)
    return measured.assign(flops=[flops.get(key, np.nan) for key in keys])


def property_table(measured: pd.DataFrame, flops: dict[tuple[str, str], float]) -> pd.DataFrame:
    """Spread and change of every property, one row per condition and property, as PROPERTY_COLUMNS.

    The paper's standard models are those in fp32, its optimised ones any other precision of the same. Decided: models
    are ranked for the pairwise differences by their fp32 accuracy on the target, the paper's by training accuracy.
    FLOPs are those of the architecture: sparse weights do not lower them, so optimised models have no change in them.
    """
    import pandas as pd

    table = with_flops(measured, flops)
    standard = {key[:2] + key[3:]: part for key, part in _by_condition(table) if key[2] == STANDARD}
    rows = []
    for key, here in _by_condition(table):
        reference = standard.get(key[:2] + key[3:]) if key[2] != STANDARD else None
        known = dict(zip(CONDITIONS, key, strict=True))
        for name, higher in PROPERTIES.items():
            part = here[here[name].notna()]
            if len(part):
                change = _change(reference, part, name)
                rows.append({**known, "property": name, **_spread(part[name].to_numpy("float64"), higher), **change})
    return pd.DataFrame(rows, columns=list(PROPERTY_COLUMNS))


def correlation_table(measured: pd.DataFrame, flops: dict[tuple[str, str], float]) -> pd.DataFrame:
    """Pearson's correlation of every two properties over the models of each condition, as CORRELATION_COLUMNS."""
    import pandas as pd

    rows = []
    for key, here in _by_condition(with_flops(measured, flops)):
        known = dict(zip(CONDITIONS, key, strict=True))
        properties = [name for name in PROPERTIES if here[name].notna().any()]
        found = []
        for first, second in itertools.combinations(properties, 2):
            both = here[[first, second]].dropna().to_numpy("float64")
            r, p = correlation(*both.T)
            found.append({**known, "first": first, "second": second, "models": len(both), "r": r, "p": p})
        corrected = holm([row["p"] for row in found])
        rows += [{**row, "p_holm": value} for row, value in zip(found, corrected, strict=True)]
    return pd.DataFrame(rows, columns=list(CORRELATION_COLUMNS))


def _by_condition(table: pd.DataFrame) -> Iterator[tuple[tuple, pd.DataFrame]]:
    return iter(table.groupby(CONDITIONS, sort=True))


def _spread(values: np.ndarray, higher: bool) -> dict:
    known = {"models": len(values), "lowest": values.min(), "highest": values.max()}
    if values.min() <= 0:
        return {**known, "lard": np.nan, "lard_printed": np.nan}
    return {**known, "lard": lard(values), "lard_printed": lard_printed(values, higher_is_better=higher)}


def _change(reference: pd.DataFrame | None, part: pd.DataFrame, name: str) -> dict:
    """How this precision changes the property `name` against the same models in fp32."""
    known = dict.fromkeys(("relative_median", "delta_median", "delta_furthest", "ks", "ks_p"), np.nan)
    before, after = _paired(reference, part, name) if reference is not None else (np.array([]), np.array([]))
    if len(before):
        known["relative_median"] = float(np.median(relative_difference(before, after)))
    if len(before) > 1 and (after > 0).all():
        changes = pairwise_changes(before, after)
        known |= {"delta_median": float(np.median(changes)), "delta_furthest": float(max(changes, key=abs))}
        known["ks"], known["ks_p"] = pairwise_test(before, after)
    return {"pairs": len(before), **known}


def _paired(reference: pd.DataFrame, part: pd.DataFrame, name: str) -> tuple[np.ndarray, np.ndarray]:
    """The property of the models that are there in both, in fp32 and in this precision, the most accurate first."""
    keys = ["variant", "rank"]
    standard = reference[[*keys, name]].assign(ranked_by=reference["top1"])
    both = standard.merge(part[[*keys, name]], on=keys, suffixes=("_standard", "_optimised"))
    both = both[both[f"{name}_standard"] > 0].assign(order=lambda rows: rows["variant"].map(variant_order))
    both = both.sort_values(["ranked_by", "order", "rank"], ascending=[False, True, True])
    return tuple(both[f"{name}_{side}"].to_numpy("float64") for side in ("standard", "optimised"))
