"""A study's table of cells for the report, and what was measured of its models."""

import numpy as np
import pandas as pd

from support.measurements import with_costs

CORRECT = {"base": [180, 180, 196, 195], "uniform-0.5": [180, 180, 190, 194], "nonuniform-0.5": [180, 150, 120, 100]}
COST = {"base": (1.0, 2_000_000), "uniform-0.5": (0.502, 1_004_000), "nonuniform-0.5": (0.499, 998_000)}


def study_cells(**columns) -> pd.DataFrame:
    """Three variants at four settings, 200 test images each: one image is 0.5 points."""
    parts = []
    for name, correct in CORRECT.items():
        cells = pd.DataFrame({"log10_wd": [-4.0, -3.0, -4.0, -3.0], "log10_lr": [-2.0, -2.0, -1.0, -1.0]})
        achieved, flops = COST[name]
        known = {"variant": name, "ratio": round(achieved, 1), "ratio_achieved": achieved, "flops": flops}
        parts.append(cells.assign(correct=correct, top1=np.array(correct) / 2, parameters=flops // 20, **known))
    frame = pd.concat(parts, ignore_index=True).assign(experiment="d-m", model="m", dataset="d", seed=0, tested=200)
    run = {"classes": 10, "device": "cpu", "host": "lab", "torch": "2.13.0", "seconds": 30.0}
    return frame.assign(status="ok", **run, data_digest="ab" * 32, code_digest="cd" * 32).assign(**columns)


def benchmarks() -> pd.DataFrame:
    """Latencies of 2 ms and 1.25 ms, the second one noisy: its quartiles are 4 % apart."""
    known = {"experiment": "d-m", "target": "here", "top1": 97.5, "host": "lab", "cpu": "a <b> processor"}
    known |= {"peak_memory_bytes": 1_000_000, "tested": None}
    rows = []
    for name, median, spread, kb in (("base", 2e-3, 2e-5, 300), ("uniform-0.5", 1.25e-3, 5e-5, 150)):
        timing = {"samples": [median] * 2, "latency_relative_iqr": spread / median, "noisy": spread / median > 0.03}
        size = {"kb": kb, "encoded_bytes": 900 * kb, "accuracy_agrees": name == "base"}
        rows.append(with_costs(name, **timing, **size, **known))
    return pd.DataFrame(rows)


def replicated(gains: dict[str, float]) -> pd.DataFrame:
    """`study_cells` with five fresh seeds at every setting of the pruned variants.

    A variant's fresh scores are 90 % at the base's good settings (log10_lr -1) and `gains` points more at the others;
    the seeds differ by -0.2, -0.1, 0, 0.1, 0.2 points everywhere.
    """
    grid = study_cells(stage="grid")
    parts = [grid]
    for variant, gain in gains.items():
        own = grid[grid["variant"] == variant]
        score = np.where(own["log10_lr"] == -1.0, 90.0, 90.0 + gain)
        parts += [
            own.assign(stage="replicate", seed=seed, top1=score + 0.1 * (seed - 3), correct=None)
            for seed in range(1, 6)
        ]
    return pd.concat(parts, ignore_index=True)
