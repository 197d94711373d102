"""How far an emulated target is from the one it stands for, where both were measured (edgetune2022)."""

from __future__ import annotations

from typing import Any

SAME = ("experiment", "variant", "rank", "precision", "threads", "batch", "flush_to_zero")
PROPERTIES = ("latency_median_s", "latency_dataset_s", "peak_memory_bytes", "energy_j", "top1")


def percent_error(empirical: float | None, estimated: float | None) -> float | None:
    """|empirical - estimated| / empirical x 100 (METHODS, edgetune2022); None where either is missing or nothing."""
    if empirical is None or estimated is None or empirical == 0:
        return None
    return 100 * abs(empirical - estimated) / abs(empirical)


def emulation_errors(rows: list[dict[str, Any]], emulates: dict[str, str]) -> list[dict[str, Any]]:
    """For each row of an emulated target whose real one was measured alike: the percent error of every property.

    `rows` are rows of benchmarks.parquet, missing values None; `emulates` gives each emulated target's real one. A
    result has `target`, `emulates`, the fields of SAME, and one error per property, in percent.
    """
    real = {(row["target"], *(row[name] for name in SAME)): row for row in rows}
    errors = []
    for row in rows:
        name = emulates.get(row["target"])
        other = real.get((name, *(row[field] for field in SAME)))
        if name is None or other is None:
            continue
        about = {"target": row["target"], "emulates": name, **{field: row[field] for field in SAME}}
        errors.append(about | {field: percent_error(other[field], row[field]) for field in PROPERTIES})
    return errors
