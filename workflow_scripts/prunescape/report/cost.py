"""What each variant costs on the targets, in words. Needs pandas."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prunescape.report.numbers import number
from prunescape.report.tables import CONDITIONS, NOISY

if TYPE_CHECKING:
    import pandas as pd


def cost_sentences(benchmarks: pd.DataFrame | None, variant: str, flops_share: float | None) -> list[str]:
    """One sentence per target and setting: latency, speed against the base, and what the FLOPs alone would give.

    `benchmarks` holds the rows of one experiment; `flops_share` is the share of the base's FLOPs that is kept.
    """
    if benchmarks is None or benchmarks.empty:
        return []
    best = benchmarks[benchmarks["rank"] == 1]
    base = best[best["variant"] == "base"].set_index(CONDITIONS)
    rows = best[best["variant"] == variant].itertuples()
    return [_sentence(row, _matching(base, row), flops_share) for row in rows]


def _matching(base: pd.DataFrame, row):
    conditions = tuple(getattr(row, name) for name in CONDITIONS)
    return base.loc[conditions] if conditions in base.index else None


def _sentence(row, base, flops_share: float | None) -> str:
    where = f"On {row.target} ({row.threads} thread{'s' if row.threads > 1 else ''}, batch {row.batch})"
    took = f"{where} one run takes {number(1e3 * row.latency_median_s, 3)} ms"
    if base is None or not flops_share:
        return f"{took}."
    speed = f"{number(base.latency_median_s / row.latency_median_s)} times the base's speed"
    expected = f"where the FLOPs alone would give {number(1 / flops_share)}"
    size = f"its file has {number(100 * row.file_bytes / base.file_bytes, 0)} % of the base's size"
    noisy = max(x.latency_iqr_s / x.latency_median_s for x in (row, base)) > NOISY
    return f"{took}: {speed}, {expected}; {size}." + (" The timing was noisy." if noisy else "")
