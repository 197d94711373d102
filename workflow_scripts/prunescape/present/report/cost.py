"""What each variant costs on the targets, as sentences."""

import pandas as pd

from prunescape.present.numbers import number
from prunescape.present.report.target_tables import CONDITIONS


def overall_cost(benchmarks: pd.DataFrame | None) -> list[str]:
    """One sentence per target and setting: between which speeds, against the base, the pruned variants run."""
    speeds: dict[str, list[float]] = {}
    for row, base in _measured(benchmarks):
        if row.variant != "base" and base is not None:
            speeds.setdefault(_where(row), []).append(base.latency_median_s / row.latency_median_s)
    return [
        f"{where} the pruned variants run at {number(min(values))} to {number(max(values))} times the base's speed."
        for where, values in speeds.items()
    ]


def cost_sentences(benchmarks: pd.DataFrame | None, variant: str, flops_share: float | None) -> list[str]:
    """One sentence per target and setting: latency, speed against the base, and what the FLOPs alone would give.

    `benchmarks` holds the rows of one experiment; `flops_share` is the share of the base's FLOPs that is kept.
    """
    return [_sentence(row, base, flops_share) for row, base in _measured(benchmarks) if row.variant == variant]


def _measured(benchmarks: pd.DataFrame | None) -> list[tuple]:
    """Every variant's best cell with the base under the same conditions, or None where that was not measured."""
    if benchmarks is None or benchmarks.empty:
        return []
    best = benchmarks[benchmarks["rank"] == 1]
    base = best[best["variant"] == "base"].set_index(CONDITIONS)
    rows = [(row, tuple(getattr(row, name) for name in CONDITIONS)) for row in best.itertuples()]
    return [(row, base.loc[conditions] if conditions in base.index else None) for row, conditions in rows]


def _where(row) -> str:
    precision = "" if row.precision == "fp32" else f"{row.precision}, "
    threads = f"{row.threads} thread{'s' if row.threads > 1 else ''}"
    return f"On target {row.target} ({precision}{threads}, batch {row.batch})"


def _sentence(row, base, flops_share: float | None) -> str:
    took = f"{_where(row)} one run takes {number(1e3 * row.latency_median_s, 3)} ms"
    if base is None or not flops_share:
        return f"{took}."
    speed = f"{number(base.latency_median_s / row.latency_median_s)} times the base's speed"
    expected = f"where the FLOPs alone would give {number(1 / flops_share)}"
    size = f"its file has {number(100 * row.file_bytes / base.file_bytes, 0)} % of the base's size"
    noisy = " The timing was noisy." if row.noisy or base.noisy else ""
    return f"{took}: {speed}, {expected}; {size}.{noisy}"
