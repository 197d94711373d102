"""Cells per hour of this workflow beside plain scripts and Optuna, in turns on this machine, and their accuracies.

Run as `make bench`, or `python benchmarks/compare_throughput.py --quick`. Ratios are taken within a round, since speeds
drift. Contenders: ours; plain (one process after the other, torch's own threads); xargs (a process per core, one thread
and two loading workers each); tuned (the same without workers); optuna (a process per core, one thread); and
xargs-own-threads and optuna-own-threads, minutes per cell, since the threads of all processes wait for one another.
"""

from __future__ import annotations

import argparse
import json
import platform
import signal
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import yaml
from scipy.stats import mannwhitneyu
from throughput_contenders import CONTENDERS, ROOT, Lap, Scratch, Workload

TRAINING = 3  # forward and backward passes cost about three times the forward's operations
DEFAULT = ("ours", "plain", "xargs", "tuned", "optuna")
MATMUL = """
import time, torch
torch.set_num_threads(1)
a = torch.rand(1024, 1024)
done, started = 0, time.perf_counter()
while time.perf_counter() - started < 3:
    a @ a
    done += 1
print(2 * 1024**3 * done / (time.perf_counter() - started))
"""


def workloads() -> dict[str, Workload]:
    """The default study's base, and a larger network on real images at their own 28x28 pixels, both short.

    The larger one also in the precision that is faster here; the scripts have torch's own, fp32.
    """
    config = yaml.safe_load((ROOT / "config/config.yaml").read_text())
    experiment = config["experiments"]["digits-resnet8"]
    options = config["datasets"]["digits"]
    digits = Workload(
        "digits", experiment["model"], "digits", options, experiment["recipe"], [-1.5, -1.0], [-4.0, -3.2]
    )
    recipe = {"epochs": 3, "batch_size": 128, "schedule": "cosine", "crop_padding": 4, "flip": True}
    images = {"train": 2000, "test": 500}
    fashion = Workload("fashion", "resnet20", "fashion-mnist", images, recipe, [-1.0], [-4.0, -3.4])
    faster = replace(fashion, name="fashion-auto", recipe=recipe | {"precision": "auto"})
    return {workload.name: workload for workload in (digits, fashion, faster)}


def matmul_rate(processes: int) -> float:
    """Operations per second of single-precision matrix products, one thread in each of so many processes at once."""
    command = [sys.executable, "-c", MATMUL]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(processes)]
    return sum(float(process.communicate(timeout=120)[0]) for process in running)


def race(scratch: Scratch, names: list[str], rounds: int, seeds: int) -> tuple[dict[str, list[Lap]], list[float]]:
    """Every contender's laps, round by round, each round in another order; and the matmul rates in between."""
    laps, rates = {name: [] for name in names}, []
    for number in range(rounds):
        rates.append(matmul_rate(scratch.cores))
        drawn = list(range(number * seeds, (number + 1) * seeds))
        for name in names[number % len(names) :] + names[: number % len(names)]:
            laps[name].append(CONTENDERS[name](scratch, drawn))
            lap = laps[name][-1]
            print(f"round {number + 1}, {name}: {len(lap.outcomes)} cells in {lap.seconds:.1f} s", flush=True)
    return laps, rates


def spread(values: list[float]) -> str:
    """Geometric mean, with the smallest and the largest."""
    return f"{np.exp(np.mean(np.log(values))):.2f} ({min(values):.2f} to {max(values):.2f})"


def throughput_lines(laps: dict[str, list[Lap]]) -> list[str]:
    """Cells per hour, and the ratio of ours to each other contender within each round."""
    rates = {name: [lap.cells_per_hour for lap in done] for name, done in laps.items()}
    lines = []
    for name, values in rates.items():
        ratios = [first / other for first, other in zip(rates["ours"], values, strict=True)]
        lines.append(f"{name}: {np.median(values):.0f} cells an hour; ours is {spread(ratios)} times as fast")
    return lines


def accuracy_lines(laps: dict[str, list[Lap]]) -> list[str]:
    """For each other contender: mean top-1 over the same cells, paired difference and a rank test."""
    tops = {
        name: {cell: row["top1"] for lap in done for cell, row in lap.outcomes.items()} for name, done in laps.items()
    }
    lines = []
    for name in (name for name in tops if name != "ours"):
        cells = sorted(tops["ours"].keys() & tops[name].keys())
        first, other = (np.array([tops[which][cell] for cell in cells]) for which in ("ours", name))
        difference, error = np.mean(first - other), np.std(first - other, ddof=1) / np.sqrt(len(cells))
        chance = mannwhitneyu(first, other).pvalue
        agree = "within" if abs(difference) <= 2 * error else "OUTSIDE"
        lines.append(
            f"{name}: {len(cells)} matched cells, top-1 {first.mean():.2f} (ours), {other.mean():.2f}; difference "
            f"{difference:+.3f}, {agree} 2 standard errors ({2 * error:.3f}); Mann-Whitney p = {chance:.2f}"
        )
    return lines


def utilisation_lines(laps: dict[str, list[Lap]], rates: list[float], cores: int) -> list[str]:
    """The share of the best matmul rate that ours reaches: while its training loop runs, and over the whole run.

    The best, since other work on the machine can only lower it.
    """
    rate, done = max(rates), [row for lap in laps["ours"] for row in lap.outcomes.values()]
    image = TRAINING * done[0]["flops"]
    inside = cores * image * np.median([row["images_per_second"] for row in done]) / rate
    images = [
        sum(row["images_per_second"] * sum(row["epoch_seconds"]) for row in lap.outcomes.values())
        for lap in laps["ours"]
    ]
    whole = np.median([image * count / lap.seconds / rate for count, lap in zip(images, laps["ours"], strict=True)])
    return [
        f"matmul, {cores} processes: {rate / 1e9:.0f} GFLOP/s ({min(rates) / 1e9:.0f} to {max(rates) / 1e9:.0f})",
        f"ours reaches {100 * inside:.1f} % of it in its training loops, {100 * whole:.1f} % over the whole run",
    ]


def compare(workload: Workload, given: argparse.Namespace) -> dict:
    """Race on one workload in a scratch folder, print what came out, return the raw laps."""
    with tempfile.TemporaryDirectory(prefix="throughput-") as folder:
        scratch = Scratch(Path(folder), workload, cores=given.cores, timeout=given.timeout)
        print(f"\n{workload.name}: {workload.model}, recipe {workload.recipe}, {workload.options}")
        print(f"data, widths and recipe, once per study: {scratch.prepare():.1f} s, not counted below")
        laps, rates = race(scratch, given.contenders, given.rounds, given.seeds)
    lines = throughput_lines(laps) + utilisation_lines(laps, rates, given.cores)
    print(*lines, *(accuracy_lines(laps) if given.rounds * given.seeds > 1 else []), sep="\n", flush=True)
    rows = {name: [[lap.seconds, list(lap.outcomes.values())] for lap in done] for name, done in laps.items()}
    return {"workload": workload.name, "matmul": rates, "laps": rows, "machine": platform.platform()}


def main() -> None:
    known = workloads()
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--workloads", nargs="+", choices=known, default=list(known))
    parser.add_argument("--contenders", nargs="+", choices=CONTENDERS, default=list(DEFAULT), help="ours is always one")
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--seeds", type=int, default=2, help="per round, at 4 settings of digits, 2 of fashion")
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--timeout", type=float, default=1800, help="seconds that one lap, or one plain cell, may take")
    parser.add_argument("--quick", action="store_true", help="one round of one seed, digits, ours against tuned")
    parser.add_argument("--out", type=Path, help="write every lap and outcome there, JSON")
    given = parser.parse_args()
    if given.quick:
        given.workloads, given.contenders, given.rounds, given.seeds = ["digits"], ["ours", "tuned"], 1, 1
    given.contenders = list(dict.fromkeys(["ours", *given.contenders]))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))  # so that the lap's processes and the scratch go too
    raw = [compare(known[name], given) for name in given.workloads]
    if given.out:
        given.out.write_text(json.dumps(raw))


if __name__ == "__main__":
    main()
