"""How long a step takes when several cells train together on a GPU: the real loop, on generated images.

For each number of cells: milliseconds per step and per cell, memory, and how many the GPU's memory would hold. Run as
`python benchmarks/train_together.py --cells 1 8 32 --precision bf16 fp32`; on a CPU too, to see that it works.
"""

from __future__ import annotations

import argparse
import gc
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "workflow_scripts"))

import numpy as np
import torch

from prunescape.config.models import architecture_of
from prunescape.models.build import build_model, initialise
from prunescape.space.recipe import Recipe
from prunescape.tasks.images.prepared import PreparedData
from prunescape.tasks.images.task import Task
from prunescape.training.device import reproducible_device
from prunescape.training.loop import Training, start_training
from prunescape.training.together import most_together, train_together

CLASSES, TESTED = 10, 1024


def generated(count: int, size: int) -> PreparedData:
    """`count` training images of `size` pixels, each class bright in other places."""
    random = np.random.default_rng(0)
    typical = random.integers(0, 120, (CLASSES, 3, size, size))
    splits = {}
    for name, number in (("train", count), ("test", TESTED)):
        labels = np.arange(number) % CLASSES
        images = [typical[label] + random.integers(0, 130, (3, size, size)) for label in labels]
        splits |= {f"{name}_images": np.array(images, np.uint8), f"{name}_labels": labels.astype(np.int64)}
    return PreparedData(**splits, mean=np.full(3, 0.4, np.float32), std=np.full(3, 0.2, np.float32), classes=CLASSES)


def trainings(data: PreparedData, given: argparse.Namespace, precision: str, cells: int) -> list[Training]:
    """So many cells of one variant."""
    setting = {"log10_lr": -1.3, "log10_wd": -4.0, "crop_padding": 4, "flip": True}
    recipe = Recipe(given.epochs, given.batch_size, schedule="cosine", precision=precision, **setting)
    task, made = Task(data, given.where), []
    for seed in range(cells):
        network = build_model(architecture_of(given.model), given.model, in_channels=3, classes=CLASSES)
        beside = made[0] if made else None
        made.append(start_training(initialise(network, seed), task, recipe, seed=seed, beside=beside))
    return made


def measure(data: PreparedData, given: argparse.Namespace, precision: str, cells: int) -> str:
    """One line about `cells` cells in step."""
    on_gpu = given.where.type == "cuda"
    started, made = time.perf_counter(), trainings(data, given, precision, cells)
    most = most_together(made[0]) if on_gpu else "?"
    if on_gpu:
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
    train_together(made)
    steps, first = -(-len(data.train_labels) // given.batch_size), made[0].outcome
    each = 1000 * min(first.seconds[1:] or first.seconds) / steps
    memory = f"{torch.cuda.max_memory_reserved() / 2**30:.2f} GiB" if on_gpu else "? GiB"
    speed = f"{each:8.2f} ms a step, {each / cells:8.2f} per cell"
    ended = f"{time.perf_counter() - started:.1f} s in all, training loss {first.history[-1]['train_loss']:.3f}"
    return f"{given.model} {precision} {cells:3} cells: {speed}; {memory}, room for {most}; {ended}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="resnet56")
    parser.add_argument("--size", type=int, default=32, help="pixels of a side")
    parser.add_argument("--images", type=int, default=6400, help="for training")
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument("--epochs", type=int, default=3, help="the fastest but the first counts")
    parser.add_argument("--precision", nargs="+", choices=("fp32", "tf32", "bf16"), default=["bf16", "fp32"])
    parser.add_argument("--cells", type=int, nargs="+", default=[1, 2, 4, 8, 16, 32])
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cuda")
    given = parser.parse_args()
    given.where = reproducible_device(given.device)
    data = generated(given.images, given.size)
    for precision in given.precision:
        for cells in given.cells:
            print(measure(data, given, precision, cells), flush=True)
            gc.collect()


if __name__ == "__main__":
    main()
