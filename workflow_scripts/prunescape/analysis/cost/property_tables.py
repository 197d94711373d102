"""The properties of the models on each target: spread, change by optimisation, correlation, error of an emulation.

The measures are those of liao2022 and, for emulated targets, of edgetune2022.
"""

import itertools
import warnings
from typing import Any

import numpy as np
import pandas as pd

from prunescape.analysis.cost.measured import CONDITION_COLUMNS, CONDITIONS, SETTING, STANDARD, group_table
from prunescape.analysis.cost.speedups import Flops
from prunescape.analysis.read_cells import variant_order

# of all but top1 lower is better
PROPERTIES = (
    *("top1", "latency_median_s", "latency_dataset_s"),
    *("file_bytes", "encoded_bytes", "peak_memory_bytes", "energy_j", "flops"),
)

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
    "r": (
        "float64",
        "Pearson's correlation over these models; null under 3 of them or where one property does not vary. "
        "No p: the models were chosen, not drawn at random, and cuts of one network are not independent",
    ),
}
SAME = ("experiment", *SETTING)
EMULATED = ("latency_median_s", "latency_dataset_s", "peak_memory_bytes", "energy_j", "top1")


def with_flops(measured: pd.DataFrame, flops: Flops) -> pd.DataFrame:
    """The measurements with the FLOPs of each variant of each network, null where they are not known."""
    keys = measured[["experiment", "network", "variant"]].itertuples(index=False, name=None)
    return measured.assign(flops=[flops.get(key, np.nan) for key in keys])


def property_table(measured: pd.DataFrame, flops: Flops) -> pd.DataFrame:
    """Spread and change of every property, one row per condition and property, as PROPERTY_COLUMNS.

    The paper's standard models are those in fp32, its optimised ones any other precision of the same. Decided: models
    are ranked for the pairwise differences by their fp32 accuracy on the target, the paper's by training accuracy.
    FLOPs are those of the architecture: sparse weights do not lower them, so optimised models have no change in them.
    """
    table = with_flops(measured, flops)
    others = [name for name in CONDITIONS if name != "precision"]
    standard = dict(iter(table[table["precision"] == STANDARD].groupby(others)))

    def of_condition(here: pd.DataFrame) -> list[dict]:
        first = here.iloc[0]
        reference = standard.get(tuple(first[others])) if first["precision"] != STANDARD else None
        known = {name: here[here[name].notna()] for name in PROPERTIES}
        return [{**_spread(part, name), **_change(reference, part, name)} for name, part in known.items() if len(part)]

    return group_table(table, CONDITIONS, of_condition, PROPERTY_COLUMNS)


def correlation_table(measured: pd.DataFrame, flops: Flops) -> pd.DataFrame:
    """Pearson's correlation of every two properties over the models of each condition, as CORRELATION_COLUMNS.

    It describes these models. Decided: no p, which would speak of models drawn at random and independently, whereas a
    study chooses them, and most are cuts of one network.
    """
    return group_table(with_flops(measured, flops), CONDITIONS, _correlations, CORRELATION_COLUMNS)


def _correlations(here: pd.DataFrame) -> list[dict]:
    properties = [name for name in PROPERTIES if here[name].notna().any()]
    rows = []
    for first, second in itertools.combinations(properties, 2):
        both = here[[first, second]].dropna().to_numpy("float64")
        rows.append({"first": first, "second": second, "models": len(both), "r": correlation(*both.T)})
    return rows


def _spread(part: pd.DataFrame, name: str) -> dict:
    values = part[name].to_numpy("float64")
    known = {"property": name, "models": len(values), "lowest": values.min(), "highest": values.max()}
    if values.min() > 0:  # elsewhere both stay null
        known |= {"lard": lard(values), "lard_printed": lard_printed(values, higher_is_better=name == "top1")}
    return known


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
    keys = ["network", "variant", "rank"]
    standard = reference[[*keys, name]].assign(ranked_by=reference["top1"])
    both = standard.merge(part[[*keys, name]], on=keys, suffixes=("_standard", "_optimised"))
    both = both[both[f"{name}_standard"] > 0].assign(order=lambda rows: rows["variant"].map(variant_order))
    both = both.sort_values(["ranked_by", "network", "order", "rank"], ascending=[False, True, True, True])
    return tuple(both[f"{name}_{side}"].to_numpy("float64") for side in ("standard", "optimised"))


def lard(values: np.ndarray) -> float:
    """(max − min) / min: how much the largest property exceeds the smallest.

    This is what liao2022's Table 4 and its text ("501 %") hold; its printed formula is `lard_printed`.
    """
    return float(np.ptp(values) / np.min(values))


def lard_printed(values: np.ndarray, *, higher_is_better: bool = False) -> float:
    """|(best − worst) / worst|, as liao2022 prints it in 4.2.2.

    Where lower is better the worst is the largest, so that this cannot exceed 1: the paper's own numbers do.
    """
    best, worst = (np.max(values), np.min(values)) if higher_is_better else (np.min(values), np.max(values))
    return float(abs((best - worst) / worst))


def relative_difference(standard: np.ndarray, optimised: np.ndarray) -> np.ndarray:
    """(n,) (optimised − standard) / standard, model by model (liao2022, Figure 4)."""
    return (np.asarray(optimised) - standard) / standard


def pairwise_differences(values: np.ndarray) -> np.ndarray:
    """(n (n − 1) / 2,) (m1 − m2) / m2 over all pairs of (n,) values in rank order, m1 the better-ranked model."""
    return np.array([(first - second) / second for first, second in itertools.combinations(values, 2)])


def pairwise_changes(standard: np.ndarray, optimised: np.ndarray) -> np.ndarray:
    """(n (n − 1) / 2,) Δ = (m1' − m2') / m2' − (m1 − m2) / m2, models in rank order (liao2022, 4.2.2)."""
    return pairwise_differences(optimised) - pairwise_differences(standard)


def pairwise_test(standard: np.ndarray, optimised: np.ndarray) -> tuple[float, float]:
    """Kolmogorov–Smirnov statistic and p between the pairwise differences before and after (liao2022, Table 5).

    Descriptive only: pairs that share a model are dependent, so p is no error rate. nan for fewer than two models.
    """
    from scipy.stats import ks_2samp

    if len(standard) < 2:
        return np.nan, np.nan
    with warnings.catch_warnings():  # with many ties the exact p fails, and SciPy takes the asymptotic one
        warnings.filterwarnings("ignore", "ks_2samp: Exact calculation unsuccessful")
        found = ks_2samp(pairwise_differences(standard), pairwise_differences(optimised))
    return float(found.statistic), float(found.pvalue)


def correlation(first: np.ndarray, second: np.ndarray) -> float:
    """Pearson's r; nan for fewer than three models or a property that does not vary."""
    from scipy.stats import pearsonr

    if len(first) < 3 or np.ptp(first) == 0 or np.ptp(second) == 0:
        return np.nan
    return float(pearsonr(first, second).statistic)


def percent_error(empirical: float | None, estimated: float | None) -> float | None:
    """|empirical - estimated| / empirical x 100 (METHODS, edgetune2022); None where either is missing or nothing."""
    if empirical is None or estimated is None or empirical == 0:
        return None
    return 100 * abs(empirical - estimated) / abs(empirical)


def emulation_errors(rows: list[dict[str, Any]], emulates: dict[str, str]) -> list[dict[str, Any]]:
    """For each row of an emulated target whose real one was measured alike: the percent error of every property.

    `rows` are rows of benchmarks.parquet, missing values None; `emulates` gives each emulated target's real one. A
    result has `target`, `emulates`, the fields of SAME, and one error per property of EMULATED, in percent.
    """
    rows = [{"network": ""} | row for row in rows]
    real = {(row["target"], *(row[name] for name in SAME)): row for row in rows}
    errors = []
    for row in rows:
        name = emulates.get(row["target"])
        other = real.get((name, *(row[field] for field in SAME)))
        if name is None or other is None:
            continue
        about = {"target": row["target"], "emulates": name, **{field: row[field] for field in SAME}}
        errors.append(about | {field: percent_error(other[field], row[field]) for field in EMULATED})
    return errors
