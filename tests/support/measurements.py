"""Rows of benchmarks.parquet as a target would give them."""

import numpy as np
import pandas as pd

from prunescape.analysis.cost.measured import complete


def entry(variant="base", ms=4.0, *, top1=98.0, batch=1, threads=1, kb=300, samples=None, **more) -> dict:
    """One row of benchmarks.parquet; latency in ms per run."""
    samples = [ms / 1e3] * 30 if samples is None else list(samples)
    known = {"experiment": "e", "variant": variant, "rank": 1, "target": "t", "precision": "fp32", "threads": threads}
    sizes = {"file_bytes": 1000 * kb, "top1": top1, "tested": 600}
    return {**known, "batch": batch, "latency_median_s": float(np.median(samples)), "samples": samples, **sizes, **more}


def with_costs(variant, ms=4.0, **more) -> dict:
    """A row that knows of every cost whether it was measured: memory was, energy and whole passes were not."""
    costs = {"latency_dataset_s": None, "peak_memory_bytes": 1000, "energy_j": None, "flush_to_zero": False}
    return entry(variant, ms, **costs | more)


def three_models() -> list[dict]:
    """base 98 % in 4 ms, uniform 97 % in 2 ms, nonuniform 96 % in 3 ms: uniform beats nonuniform, which is smallest."""
    known = (("base", 4.0, 98.0, 300), ("uniform-0.5", 2.0, 97.0, 200), ("nonuniform-0.5", 3.0, 96.0, 100))
    return [entry(name, ms, top1=top1, kb=kb) for name, ms, top1, kb in known]


def measured(*rows) -> pd.DataFrame:
    return complete(pd.DataFrame(rows))
