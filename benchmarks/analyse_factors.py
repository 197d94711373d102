"""Time and memory of `prunescape factors` on 100,000 runs of 12 factors. Needs Linux for the memory.

Run as `python benchmarks/analyse_factors.py`; the status is 1 when a limit is broken. `--null TABLES` instead measures
how often factors without any effect get a p value under 5 %, and how often verdicts on interactions are wrong;
`--importance TABLES` compares shares of variance and their intervals with the truth.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from analyse_table import BYTES, CORES, measured

SECONDS = 20


def synthetic_runs(rows: int, seed: int = 0) -> pd.DataFrame:
    """Six continuous factors, four categories, one switch, the variant; noise, and an interaction with the variant."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({f"number_{place}": rng.uniform(0, 1, rows) for place in range(6)})
    for place in range(4):
        frame[f"category_{place}"] = rng.choice(list("abcdef")[: place + 3], rows)
    frame["flip"] = rng.random(rows) < 0.5
    frame["variant"] = np.tile(["base", "uniform-0.5"], rows // 2 + 1)[:rows]
    pruned = (frame["variant"] != "base").to_numpy()
    top1 = 80 + frame["number_0"] + 3 * frame["number_1"] * frame["number_2"] + (frame["category_0"] == "b") - pruned
    return frame.assign(top1=top1 + pruned * frame["number_3"] + rng.normal(0, 0.5, rows))


def null_rates(tables: int, rows: int = 100) -> tuple[float, float]:
    """Shares of p values under 5 %, and of Holm families with one, in tables whose response no factor changes."""
    from prunescape.analysis.factors.design import Design
    from prunescape.analysis.factors.factor import Factor
    from prunescape.analysis.factors.linear_model import LinearModel

    rng, p = np.random.default_rng(0), []
    for table in range(tables):
        frame = synthetic_runs(rows, seed=table).drop(columns="top1")
        design = Design.of(frame, [Factor.of(frame, name) for name in frame])
        model = LinearModel.fit(design.matrix, rng.normal(size=rows))
        p.append([model.test(design.columns_of(factor)).p for factor in design.factors])
    found = np.array(p)
    return float(np.mean(found < 0.05)), float(np.mean(found.min(axis=1) * found.shape[1] < 0.05))


def interaction_rates(tables: int, settings: int = 100) -> tuple[float, float]:
    """Of base and variant, trained at equal settings: how often a verdict is wrong.

    First: shares of tables where some factor is to look at again though none acts otherwise. Second: shares of tables
    where the number's slope changes by exactly the margin over its range, and it may stay.
    """
    from prunescape.analysis.factors.factor import Factor
    from prunescape.analysis.factors.interactions import AGAIN, STAY, interactions

    again = stay = 0
    for table in range(tables):
        rng = np.random.default_rng(table)
        drawn = synthetic_runs(settings, seed=table).drop(columns=["top1", "variant"])
        frame = pd.concat([drawn.assign(variant="base"), drawn.assign(variant="pruned")], ignore_index=True)
        factors = [Factor.of(frame, name) for name in drawn]
        top1 = np.tile(90 + drawn["number_0"] + rng.normal(0, 2, settings), 2) + rng.normal(0, 0.3, 2 * settings)
        number = (frame["number_0"] - frame["number_0"].min()) / np.ptp(frame["number_0"])
        moved = top1 + 0.5 * number * (frame["variant"] == "pruned")
        again += (interactions(frame, top1, factors, name="top1")[0]["verdict"] == AGAIN).any()
        rows = interactions(frame, moved.to_numpy(), factors, name="top1")[0].set_index("factor")
        stay += rows.loc["number_0", "verdict"] == STAY
    return again / tables, stay / tables


def importance_spread(tables: int, rows: int = 120) -> list[str]:
    """Of a + b + 2 a b + c / 2 with noise, a to d uniform on -1 to 1: true shares, and estimates with their spreads."""
    from prunescape.analysis.factors.design import Design
    from prunescape.analysis.factors.factor import Factor
    from prunescape.analysis.factors.importance import forest_importance

    shares, stated = [], []
    for table in range(tables):
        rng = np.random.default_rng(table)
        frame = pd.DataFrame(rng.uniform(-1, 1, (rows, 4)), columns=list("abcd"))
        response = frame["a"] + frame["b"] + 2 * frame["a"] * frame["b"] + frame["c"] / 2 + rng.normal(0, 0.4, rows)
        design = Design.of(frame, [Factor.of(frame, name) for name in frame])
        found = forest_importance(frame, design, response.to_numpy(), np.arange(rows))
        shares.append(found.share)
        stated.append((found.high - found.low) / 2 / 1.96)
    true = {("a",): 1 / 3, ("b",): 1 / 3, ("a", "b"): 4 / 9, ("c",): 1 / 12}
    mean, spread, claimed = np.mean(shares, 0), np.std(shares, 0, ddof=1), np.mean(stated, 0)
    return [
        f"{' x '.join(name)}: true {true.get(name, 0) / sum(true.values()):.3f}, mean {mean[place]:.3f}, "
        f"standard deviation {spread[place]:.3f}, stated {claimed[place]:.3f}"
        for place, name in enumerate(found.members)
    ]


def main() -> int:
    """Write the table, run the command on it, print a line; or print the rates of false positives."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=100_000, help="runs (default: %(default)s)")
    parser.add_argument("--null", type=int, metavar="TABLES", help="measure false positives in so many tables instead")
    shares = "compare shares and their intervals with the truth in so many tables instead"
    parser.add_argument("--importance", type=int, metavar="TABLES", help=shares)
    options = parser.parse_args()
    if options.importance:
        print("\n".join(importance_spread(options.importance)))
        return 0
    if options.null:
        alone, family = null_rates(options.null)
        print(f"{options.null} tables without effects: p under 5 % in {alone:.4f}, after Holm in {family:.4f} of them")
        again, stay = interaction_rates(options.null)
        print(f"pairs: looked at again without cause in {again:.4f}, may stay at a change of the margin in {stay:.4f}")
        return 0
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:CORES])
    within = True
    with tempfile.TemporaryDirectory() as folder:
        for kind in ("parquet", "csv"):
            path, runs = Path(folder, f"runs.{kind}"), synthetic_runs(options.rows)
            runs.to_parquet(path) if kind == "parquet" else runs.to_csv(path, index=False)
            command = [sys.executable, "-m", "prunescape.commands.cli", "factors", str(path), "--of", "top1"]
            seconds, cpu, peak = measured([*command, "--out", str(Path(folder, "out"))])
            within &= seconds < SECONDS and peak < BYTES
            size = f"peak memory {peak / 1e6:.0f} MB (limit {BYTES / 1e6:.0f})" if peak else "peak memory not known"
            print(f"{path.name}: {len(runs):,} runs, {seconds:.2f} s (limit {SECONDS}), CPU {cpu:.2f} s, {size}")
    return 0 if within else 1


if __name__ == "__main__":
    sys.exit(main())
