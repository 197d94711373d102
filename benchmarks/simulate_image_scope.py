"""How often a verdict about images like those tested is wrong, with and without the correction for the point's choice.

Draws test sets and seeds, keeps which image each cell gets right, and gives the table to the package's own `verdicts`:
`python benchmarks/simulate_image_scope.py` (about five minutes on one core). Needs numpy, scipy and pandas.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import norm, t

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "workflow_scripts"))

from prunescape.analysis.axes import DEFAULT_AXES
from prunescape.analysis.verdict.screening import ALPHA, MARGIN
from prunescape.analysis.verdict.verdicts import verdicts

IMAGES, ACCURACY = 1000, 0.92
# standard deviations in the latent score of: an image's difficulty, an image at one setting, a seed; 1 is left over
DIFFICULTY, AT_SETTING, SEED = 1.5, 1.0, 0.02
MEMBERS = 2
RISK_THRESHOLD = 0.5  # percentage points: the x of the base's x-ROI


def study(rng: np.random.Generator, gains: np.ndarray, seeds: int) -> pd.DataFrame:
    """A long table of one base and one variant whose points are `gains` (percentage points) over Θ_b, the first two.

    An image is right where its latent score is positive; its expectation over images and seeds is the point's accuracy.
    """
    scale = np.sqrt(DIFFICULTY**2 + AT_SETTING**2 + SEED**2 + 1)
    centre = norm.ppf(ACCURACY + gains / 100) * scale
    at_image = DIFFICULTY * rng.standard_normal(IMAGES) + AT_SETTING * rng.standard_normal((len(gains), IMAGES))
    latent = (centre[:, None] + at_image)[:, None] + SEED * rng.standard_normal((len(gains), seeds + 1, 1))
    right = latent + rng.standard_normal(latent.shape) > 0
    cells = pd.MultiIndex.from_product([np.arange(len(gains)), np.arange(seeds + 1)], names=["log10_lr", "seed"])
    table = cells.to_frame(index=False).assign(variant="p", score=100 * right.mean(axis=2).ravel())
    table["correct_bits"] = [bits.tobytes() for bits in np.packbits(right, axis=2).reshape(len(table), -1)]
    base = pd.DataFrame({"log10_lr": np.arange(MEMBERS), "seed": 0, "variant": "base", "score": 90.0})
    table = pd.concat([table, base.assign(correct_bits=None)], ignore_index=True)
    key = {"experiment": "e", "model": "m", "dataset": "d", "metric": "top1", "status": "ok", "log10_wd": 0.0}
    return table.assign(**key, stage="grid", tested=IMAGES)


def uncorrected_lower(row: pd.Series) -> float:
    """The retune bound without the correction, from what the verdict table reports."""
    error = (row["gain"] - row["lower_images"]) / t.isf(ALPHA / row["points"], row["freedom"])
    return row["gain"] - t.isf(ALPHA, row["freedom"]) * error


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repetitions", type=int, default=2000, help="simulated studies per case")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    shapes = {"one point at the margin": [0.0] * MEMBERS + [MARGIN] + [0.0] * 37}
    shapes["all points at the margin"] = [0.0] * MEMBERS + [MARGIN] * 38
    print("| landscape | R | keep | retune | retune uncorrected | keep, this test set | SE |\n|" + " --- |" * 7)
    for number, (name, gains) in enumerate(shapes.items()):
        for seeds in (3, 5):
            rng = np.random.default_rng([given.seed, number, seeds])
            tables = [
                verdicts(study(rng, np.array(gains), seeds), DEFAULT_AXES, RISK_THRESHOLD)
                for _ in range(given.repetitions)
            ]
            found = pd.concat(tables, ignore_index=True)
            shares = [(found["verdict_images"] == verdict).mean() for verdict in ("keep", "retune")]
            shares += [(found.apply(uncorrected_lower, axis=1) > MARGIN).mean(), (found["verdict"] == "keep").mean()]
            error = np.sqrt(ALPHA * (1 - ALPHA) / given.repetitions)
            print(
                f"| {name} | {seeds} | " + " | ".join(f"{share:.3f}" for share in [*shares, error]) + " |", flush=True
            )


if __name__ == "__main__":
    main()
