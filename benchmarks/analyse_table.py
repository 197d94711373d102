"""Time and memory of `prunescape analyse` on 100,000 synthetic cells, Parquet and CSV. Needs Linux for the memory.

Run as `python benchmarks/analyse_table.py`; the status is 1 when a limit is broken.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

PACKAGES = Path(__file__).resolve().parent.parent / "workflow_scripts"
CORES = 2
SECONDS, BYTES = 10, 10**9
POLL_SECONDS = 0.005


def synthetic_cells(variants: int, side: int = 10) -> pd.DataFrame:
    """A base and other variants, each a side x side grid with one peak, noise of one seed, and diverged cells."""
    rng = np.random.default_rng(0)
    variant, lr, wd = np.meshgrid(
        np.arange(variants), np.linspace(-3, 0, side).round(6), np.linspace(-6, -2, side).round(6), indexing="ij"
    )
    peak_lr, peak_wd = rng.normal(-1, 0.3, (variants, 1, 1)), rng.normal(-4, 0.4, (variants, 1, 1))
    top1 = 93 - 4 * (lr - peak_lr) ** 2 - (wd - peak_wd) ** 2 + rng.normal(0, 0.2, lr.shape)
    diverged = (lr > -0.4) & (wd > -2.5)
    names = np.array(["base", *(f"variant-{number}" for number in range(1, variants))])
    columns = {"variant": names[variant], "log10_lr": lr, "log10_wd": wd, "top1": np.where(diverged, 10.0, top1)}
    table = pd.DataFrame({name: values.ravel() for name, values in columns.items()})
    status = np.where(diverged.ravel(), "diverged", "ok")
    return table.assign(model="model", dataset="data", seed=0, status=status, classes=10)


def measured(command: list[str]) -> tuple[float, float, int]:
    """Wall seconds, CPU seconds and peak bytes of a command. Raises RuntimeError when it fails.

    The peak is the process' own high-water mark, read until it ends: what `getrusage` says of a child may be the peak
    of the parent that it was forked from.
    """
    environment = {**os.environ, "PYTHONPATH": str(PACKAGES)}
    started, peak, ended = time.perf_counter(), 0, 0
    silent = [(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
    child = os.posix_spawn(command[0], command, environment, file_actions=silent)
    while not ended:
        peak = max(peak, high_water_mark(child))
        time.sleep(POLL_SECONDS)
        ended, status, usage = os.wait4(child, os.WNOHANG)
    seconds = time.perf_counter() - started
    if status:
        raise RuntimeError(f"{' '.join(command)}: status {os.waitstatus_to_exitcode(status)}")
    return seconds, usage.ru_utime + usage.ru_stime, peak


def high_water_mark(process: int) -> int:
    """Peak resident bytes so far; 0 where /proc does not say."""
    try:
        lines = Path(f"/proc/{process}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM")), 0)


def main() -> int:
    """Write the table, run the command on both forms, print a line for each."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--variants", type=int, default=1000, help="each has 100 cells (default: %(default)s)")
    options = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:CORES])
    cells, within = synthetic_cells(options.variants), True
    with tempfile.TemporaryDirectory() as folder:
        parquet, csv = Path(folder, "cells.parquet"), Path(folder, "cells.csv")
        cells.to_parquet(parquet)
        cells.to_csv(csv, index=False)
        for path in (parquet, csv):
            command = [
                sys.executable,
                "-m",
                "prunescape.commands.cli",
                "analyse",
                str(path),
                "--out",
                str(Path(folder, "out")),
            ]
            seconds, cpu, peak = measured(command)
            within &= seconds < SECONDS and peak < BYTES
            size = f"peak memory {peak / 1e6:.0f} MB (limit {BYTES / 1e6:.0f})" if peak else "peak memory not known"
            print(f"{path.name}: {len(cells):,} cells, {seconds:.2f} s (limit {SECONDS}), CPU {cpu:.2f} s, {size}")
    return 0 if within else 1


if __name__ == "__main__":
    sys.exit(main())
