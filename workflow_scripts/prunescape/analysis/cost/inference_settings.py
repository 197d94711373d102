"""How to run each architecture on each target, and which ones the target rules out, before anything is trained.

`prunescape tune` and others read the recommended settings with `read_inference_settings`.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from prunescape.analysis.cost.architectures import ARCHITECTURE_KEYS
from prunescape.analysis.cost.measured import RUN_COLUMNS, group_table, with_network
from prunescape.analysis.cost.recommendation import (
    CEILINGS,
    ESTIMATED,
    MEASURED,
    NONE,
    OBJECTIVES,
    RECOMMENDED,
    limit_masks,
)
from prunescape.store.tables import Columns, read_result

INFERENCE_SETTING_COLUMNS: Columns = {
    **ARCHITECTURE_KEYS,
    "objective": ("string", "latency, throughput or energy"),
    "status": ("string", "recommended, or none: nothing keeps the limits, or the objective was not measured"),
    "reason": ("string", "why there is none, or what it rests on; empty without need"),
    **{name: (kind, f"recommended: {meaning}") for name, (kind, meaning) in RUN_COLUMNS.items()},
    "frequency_mhz": ("int64", "recommended: CPU frequency, MHz; null where none was set"),
    "value": ("float64", "the objective: seconds per run, seconds per image, or joules per image"),
    "unit": ("string", "its unit"),
    "latency_median_s": ("float64", "seconds per run of one batch there"),
    "seconds_per_image": ("float64", "latency / batch there"),
    "energy_per_image_j": ("float64", "joules per image there; null where it was not measured"),
    "peak_memory_bytes": ("int64", "peak memory there; null where it was not measured"),
    "file_bytes": ("int64", "size of the ONNX file"),
    "encoded_bytes": ("int64", "its size after deflate, with untrained weights"),
    "architecture_digest": ("string", "SHA-256 of network and widths alone"),
    "measured": ("int64", "settings that were measured"),
    "feasible": ("int64", "those of them that keep every limit and tell the objective"),
}
VARIANT_KEYS: Columns = {name: column for name, column in ARCHITECTURE_KEYS.items() if name != "precision"}
RULED_OUT_COLUMNS: Columns = {
    **VARIANT_KEYS,
    "ruled_out": ("bool", "no setting in any precision keeps every limit that can be told before training"),
    "reason": ("string", "the limits that are broken, and the nearest to them; or what could not be told; else empty"),
    "measured": ("int64", "settings that were measured, over all precisions"),
    "feasible": ("int64", "those of them that break no limit"),
    "least_latency_s": ("float64", "shortest median latency of a run, seconds"),
    "least_memory_bytes": ("int64", "least peak memory; null where it was not measured"),
    "least_file_bytes": ("int64", "smallest ONNX file"),
    "flops": ("int64", "2 x multiply-accumulates of convolutions and linear layers, one image"),
    "parameters": ("int64", "trainable parameters"),
    "architecture_digest": ("string", "SHA-256 of network and widths alone"),
}
LEAST = {"latency_median_s": "least_latency_s", "peak_memory_bytes": "least_memory_bytes"}
LEAST |= {"file_bytes": "least_file_bytes"}
NO_LIMIT = "no limit is set"


def read_inference_settings(path: Path | str) -> pd.DataFrame:
    """The recommended settings in `path` (inference_settings.parquet) with INFERENCE_SETTING_COLUMNS.

    One row per experiment, target, network (empty for the declared one), variant, precision and objective; rows with
    status `none` have no setting. Raises InputError when the file is missing, damaged or lacks a column.
    """
    needed = {name: column for name, column in INFERENCE_SETTING_COLUMNS.items() if name != "network"}
    return with_network(read_result(path, needed))


def inference_settings(architectures: pd.DataFrame, limits: Mapping[str, Any]) -> pd.DataFrame:
    """The cheapest measured setting that keeps the limits, of each architecture, precision, target and objective.

    As `recommend` does for trained models (edgetune2022, 3.4): threads, batch and frequency; of equal settings the one
    with fewer threads, then the smaller batch. What was not measured keeps no limit. `limits` as `recommend` takes
    them; that of accuracy has no meaning here.
    """

    def of_model(here: pd.DataFrame) -> list[dict[str, Any]]:
        return [_recommended(here, objective, limits) for objective in OBJECTIVES]

    table = group_table(architectures, list(ARCHITECTURE_KEYS), of_model, INFERENCE_SETTING_COLUMNS)
    return _typed(table, INFERENCE_SETTING_COLUMNS)


def _recommended(here: pd.DataFrame, objective: str, limits: Mapping[str, Any]) -> dict[str, Any]:
    column, unit = OBJECTIVES[objective]
    kept, reason = _feasible(here, objective, limits)
    about = {"objective": objective, "unit": unit, "reason": reason, "measured": len(here), "feasible": len(kept)}
    about["architecture_digest"] = here["architecture_digest"].iloc[0]
    if kept.empty:
        return {"status": NONE, **about}
    best = kept.sort_values([column, "threads", "batch", "frequency_mhz"], kind="stable").iloc[0]
    shown = [
        name for name in INFERENCE_SETTING_COLUMNS if name in best.index and name not in (*ARCHITECTURE_KEYS, *about)
    ]
    return {"status": RECOMMENDED, **about, "value": best[column], **{name: best[name] for name in shown}}


def _feasible(here: pd.DataFrame, objective: str, limits: Mapping[str, Any]) -> tuple[pd.DataFrame, str]:
    """The rows of ONE model that keep the limits and tell the objective; why there are none, or what they rest on."""
    rows, note = here[here[OBJECTIVES[objective][0]].notna()], ""
    if objective == "energy":
        source = MEASURED if (rows["energy_source"] == MEASURED).any() else ESTIMATED
        rows = rows[rows["energy_source"] == source]
        note = "the energy is an estimate" if source == ESTIMATED else ""
    if rows.empty:
        return rows, f"{objective} was not measured on this target"
    masks = limit_masks(rows, _before_training(limits))
    kept = rows[pd.concat([pd.Series(True, rows.index), *(keeps for keeps, _ in masks)], axis=1).all(axis=1)]
    broken = [f"{text} by {int((~keeps).sum())}" for keeps, text in masks if not keeps.all()]
    return kept, note if len(kept) else f"no setting keeps the limits; of {len(rows)} are broken: {', '.join(broken)}"


def _before_training(limits: Mapping[str, Any]) -> dict[str, Any]:
    return {name: limits.get(name) for name in CEILINGS}


def ruled_out(architectures: pd.DataFrame, limits: Mapping[str, Any]) -> pd.DataFrame:
    """Which variants a target rules out whatever they learn: no precision and setting keeps every limit.

    Only what is known to break a limit counts; `reason` says what was not measured. `limits` as `recommend` takes them.
    """
    asked = {name: limit for name, limit in _before_training(limits).items() if limit is not None}
    table = group_table(architectures, list(VARIANT_KEYS), lambda here: [_judged(here, asked)], RULED_OUT_COLUMNS)
    return _typed(table, RULED_OUT_COLUMNS)


def _judged(here: pd.DataFrame, limits: Mapping[str, float]) -> dict[str, Any]:
    kept, broken, unknown = pd.Series(True, here.index), [], []
    for name, limit in limits.items():
        column, unit, text = CEILINGS[name]
        keeps = ~(here[column] > unit * limit).fillna(False).astype(bool)
        kept &= keeps
        if not keeps.any():
            broken.append(f"no {text.format(limit)}: at least {here[column].min() / unit:.4g}")
        unknown += (
            [f"{column.split('_bytes')[0].replace('_', ' ')} was not measured"] if here[column].isna().all() else []
        )
    out = not kept.any()
    reasons = (broken or ["no setting keeps all limits at once"]) if out else unknown
    first = here.iloc[0]
    return {
        "ruled_out": out,
        "reason": "; ".join(reasons) if limits else NO_LIMIT,
        "measured": len(here),
        "feasible": int(kept.sum()),
        **{least: here[column].min() for column, least in LEAST.items()},
        **{name: first[name] for name in ("flops", "parameters", "architecture_digest")},
    }


def _typed(table: pd.DataFrame, columns: Columns) -> pd.DataFrame:
    return table.astype({name: "Int64" for name, (kind, _) in columns.items() if kind == "int64"})
