"""Rows of benchmarks.parquet as a target would give them."""

import numpy as np
import pandas as pd

from prunescape.analysis.cost.measured import complete


def entry(variant="base", ms=4.0, *, top1=98.0, batch=1, threads=1, kb=300, samples=None, **more) -> dict:
    """One row of benchmarks.parquet; latency in ms per run."""
    samples = [ms / 1e3] * 8 if samples is None else list(samples)
    known = {"experiment": "e", "variant": variant, "rank": 1, "target": "t", "precision": "fp32", "threads": threads}
    sizes = {"file_bytes": 1000 * kb, "top1": top1, "tested": 600}
    return {**known, "batch": batch, "latency_median_s": float(np.median(samples)), "samples": samples, **sizes, **more}


def measured(*rows) -> pd.DataFrame:
    return complete(pd.DataFrame(rows))
