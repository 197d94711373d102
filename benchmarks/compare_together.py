"""Are cells that train together as accurate as each alone? The same cells both ways, on a prepared data set.

Takes a study's data, as in `python benchmarks/compare_together.py results/STUDY/data/fashion-mnist.npz`, and the
identity beside it. Prints the accuracies, their paired differences and a t-test after each group.
"""

from __future__ import annotations

import argparse
import math
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "workflow_scripts"))

import numpy as np
from scipy import stats

from prunescape.config.models import architecture_of
from prunescape.models.build import build_model, initialise
from prunescape.space.recipe import Recipe
from prunescape.tasks.images.prepared import PreparedData, load_prepared
from prunescape.tasks.images.task import Task
from prunescape.training.device import reproducible_device
from prunescape.training.loop import Training, start_training
from prunescape.training.together import train_together

RATES = (0.05, 0.1)


def new_training(data: PreparedData, given: argparse.Namespace, seed: int, beside: Training | None) -> Training:
    """The cell of `seed`, with one of RATES."""
    channels = data.train_images.shape[1]
    network = build_model(architecture_of(given.model), given.model, in_channels=channels, classes=data.classes)
    setting = {"log10_lr": math.log10(RATES[seed % len(RATES)]), "log10_wd": -4.0, "precision": given.precision}
    recipe = Recipe(given.epochs, given.batch_size, schedule="cosine", crop_padding=2, **setting)
    return start_training(initialise(network, seed), Task(data, given.where), recipe, seed=seed, beside=beside)


def accuracies(data: PreparedData, given: argparse.Namespace, seeds: list[int]) -> list[float]:
    """Top-1 in per cent of the cells of `seeds`, trained in one group."""
    group: list[Training] = []
    for seed in seeds:
        group.append(new_training(data, given, seed, group[0] if group else None))
    train_together(group)
    if any(training.outcome.diverged for training in group):
        sys.exit("a cell diverged: with another model or more images it may not")
    return [100 * training.outcome.test.correct.double().mean().item() for training in group]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path, help="a prepared data set, .npz with its .json beside it")
    parser.add_argument("--model", default="resnet20")
    parser.add_argument("--cells", type=int, default=32)
    parser.add_argument("--together", type=int, default=16, help="cells of a group")
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument("--precision", choices=("fp32", "tf32", "bf16"), default="bf16")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cuda")
    given = parser.parse_args()
    given.where = reproducible_device(given.device)
    data = load_prepared(given.data, given.data.with_suffix(".json"))
    together, alone = [], []
    for first in range(0, given.cells, given.together):
        seeds = list(range(first, min(first + given.together, given.cells)))
        together += accuracies(data, given, seeds)
        alone += [accuracies(data, given, [seed])[0] for seed in seeds]
        differences = np.subtract(together, alone)
        print("differences:", " ".join(f"{difference:+.2f}" for difference in differences))
        error, p = stats.sem(differences), stats.ttest_rel(together, alone).pvalue
        means = f"together {np.mean(together):.2f} %, alone {np.mean(alone):.2f} %"
        difference = f"difference {differences.mean():+.2f}, standard error {error:.2f}, p {p:.2f}"
        print(f"{len(alone)} cells: {means}, {difference}", flush=True)


if __name__ == "__main__":
    main()
