"""How often the rank correlation of two equal landscapes lies in the interval that `similarity` gives for equal ones.

Base and variant are the same true landscape, one point apart in level, with independent noise between seeds. Prints a
table in Markdown (ten minutes on one core, fixed seed): `python benchmarks/simulate_similarity.py`. Needs numpy, scipy
and pandas.
"""

from __future__ import annotations

import argparse
import itertools
import sys
from pathlib import Path

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "workflow_scripts"))

from prunescape.analysis.axes import DEFAULT_AXES
from prunescape.analysis.seeds.similarity import similarity

SIDE = 9
NOISE, SEEDS = (0.1, 0.2, 0.4, 0.8), (2, 3, 5)  # percentage points; of variant and base each
LEVELS = {"base": 0.0, "uniform-0.5": -1.0}
LANDSCAPES = ("band", "peak", "cliff", "plateau")
COLUMNS = ("landscape", "noise", *(f"{seeds} seeds" for seeds in SEEDS), "above the ceiling, 3 seeds")


def true_scores(landscape: str) -> pd.DataFrame:
    """Settings of a grid from -1 to 1 in both axes, and their scores without noise, percent."""
    axis = np.linspace(-1, 1, SIDE)
    lr, wd = (each.ravel() for each in np.meshgrid(axis, axis))
    falls = np.where(lr > 0.6, 20 * (lr - 0.6), 0)
    lost = {
        "band": 8 * (lr + wd - 0.3) ** 2 + (lr - wd) ** 2,
        "peak": 6 * ((lr - 0.2) ** 2 + (wd + 0.1) ** 2),
        "cliff": 1.5 * (lr**2 + wd**2) + falls,
        "plateau": 0.15 * (lr**2 + wd**2) + falls,
    }
    return pd.DataFrame({"log10_lr": lr, "log10_wd": wd, "score": 90 - lost[landscape]})


def equal_landscapes(
    random: np.random.Generator, landscape: str, noise: float, seeds: int, studies: int
) -> pd.DataFrame:
    """The table `similarity` of so many experiments whose variant equals its base."""
    keys = [(str(study), variant, seed) for study in range(studies) for variant in LEVELS for seed in range(seeds)]
    rows = pd.DataFrame(keys, columns=["experiment", "variant", "seed"]).merge(true_scores(landscape), how="cross")
    score = rows["score"] + rows["variant"].map(LEVELS) + random.normal(0, noise, len(rows))
    return similarity(rows.assign(model="m", dataset="d", metric="top1", score=score, chosen_on=score), DEFAULT_AXES)


def inside(found: pd.DataFrame) -> float:
    """The share of correlations in their interval, of those that have one."""
    known = found.dropna(subset=["spearman", "equal_low"])
    return ((known["equal_low"] <= known["spearman"]) & (known["spearman"] <= known["equal_high"])).mean()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--studies", type=int, default=200)
    studies = parser.parse_args().studies
    print(f"| {' | '.join(COLUMNS)} |\n{'| --- ' * len(COLUMNS)}|")
    for landscape, noise in itertools.product(LANDSCAPES, NOISE):
        random = np.random.default_rng(1)
        tables = {seeds: equal_landscapes(random, landscape, noise, seeds, studies) for seeds in SEEDS}
        above = (tables[3]["spearman"] > tables[3]["ceiling"]).mean()
        shares = (*map(inside, tables.values()), above)
        print(f"| {landscape} | {noise} | {' | '.join(f'{share:.2f}' for share in shares)} |", flush=True)


if __name__ == "__main__":
    main()
