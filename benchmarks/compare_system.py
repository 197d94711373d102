"""System parameters in a search for hyperparameters, three ways (pipetune2020, Table 2 and Figures 9 to 14).

`v1` seeks accuracy and leaves the system as it is, without workers. `v2` draws workers like a hyperparameter and seeks
accuracy / duration. `pipetune` seeks accuracy and tries workers between the epochs of its trials; `again` is a second
such search, which has the first one's store. All four train at the same settings, on generated JPEGs of 500 × 375
pixels, in another order in each repeat. `--read-ms` makes every read of an image wait, as remote storage does. The
measured durations of searches then pass through a simulated queue with one server, beside its formula (Pollaczek and
Khinchine). Prints tables in Markdown: `python benchmarks/compare_system.py --out system.json`. Needs torch and Pillow.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "workflow_scripts"))

import numpy as np
import torch
from PIL import Image
from scipy import stats

from prunescape.config.datasets import resolve_options
from prunescape.models.build import build_model, initialise
from prunescape.space.recipe import Recipe
from prunescape.tasks.images import decoding, streaming
from prunescape.tasks.images.image_folder import write_image_folder
from prunescape.tasks.images.prepared import PreparedFolder, load_prepared
from prunescape.tasks.images.task import Task
from prunescape.training.device import reproducible_device
from prunescape.training.loop import start_training
from prunescape.training.system.opening import open_system
from prunescape.training.together import train_together

HEIGHT, WIDTH, QUALITY, CLASSES = 375, 500, 90, 4  # files of about 110 kB, as most of ImageNet's
APPROACHES = ("v1", "v2", "pipetune", "again")
BATCHES = (8, 16)
LOADS = (0.5, 0.7, 0.9)  # of v1's jobs
ARRIVALS, WARM_UP = 200_000, 5_000


def write_images(folder: Path, train: int, test: int) -> None:
    """Coloured clouds with fine noise; a class is brighter in one corner."""
    random = np.random.default_rng(0)
    for split, count in (("train", train), ("val", test)):
        for index in range(count):
            kind = index % CLASSES
            grid = random.integers(0, 200, (12, 16, 3), dtype=np.uint8)
            grid[6 * (kind // 2) : 6 * (kind // 2) + 6, 8 * (kind % 2) : 8 * (kind % 2) + 8] += 40
            cloud = np.asarray(Image.fromarray(grid).resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC), np.int16)
            pixels = np.clip(cloud + random.normal(0, 8, cloud.shape), 0, 255).astype(np.uint8)
            path = folder / split / f"class-{kind}" / f"{index:05d}.jpg"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels).save(path, quality=QUALITY)


def prepare(folder: Path) -> PreparedFolder:
    """The prepared form of the images in `folder`."""
    options = {"format": "image-folder", "folder": str(folder), "size": 32, "resize": 36}
    files = {"data": folder / "prepared.npz", "identity": folder / "prepared.json"}
    write_image_folder(resolve_options("generated", options), **files)
    return load_prepared(**files, folder=folder)


def wait_for_reads(milliseconds: float) -> None:
    """Let every read of an image take so much longer."""

    def read_crop(*arguments, **options):
        time.sleep(milliseconds / 1000)
        return decoding.read_crop(*arguments, **options)

    streaming.read_crop = read_crop


def drawn_trials(count: int, workers: list[int], repeat: int) -> list[dict]:
    """The settings of one repeat's trials: the same for all approaches; the workers are v2's."""
    random = np.random.default_rng(repeat)
    rates, decays = random.uniform(-3, -0.5, count), random.uniform(-5, -2, count)
    sizes, drawn = random.choice(BATCHES, count), random.choice(workers, count)
    return [
        {"log10_lr": float(rate), "log10_wd": float(decay), "batch_size": int(size), "workers": int(number)}
        for rate, decay, size, number in zip(rates, decays, sizes, drawn, strict=True)
    ]


def train_trial(
    data: PreparedFolder, trial: dict, given: argparse.Namespace, settings: dict | None, workers: int
) -> dict:
    """One training: its accuracy, seconds with tests, and what became of its system parameters."""
    hyperparameters = {name: trial[name] for name in ("log10_lr", "log10_wd", "batch_size")}
    recipe = Recipe(epochs=given.epochs, flip=True, schedule="cosine", **hyperparameters)
    network = initialise(build_model("resnet_cifar", "resnet8", in_channels=3, classes=CLASSES), 0)
    system = open_system(settings, max(given.workers), {"batch_size": trial["batch_size"]})
    device = torch.device("cpu")
    training = start_training(network, Task(replace(data, workers=workers), device), recipe, seed=0, system=system)
    started = time.perf_counter()
    train_together([training])
    seconds, outcome, noted = time.perf_counter() - started, training.outcome, {}
    system.note_in(noted)
    accuracy = 100 / CLASSES if outcome.diverged else 100 * float(outcome.test.correct.float().mean())
    known = {"accuracy": accuracy, "seconds": seconds, "epoch_seconds": outcome.seconds, "workers": workers}
    return known | {"system": noted.get("system")}


def search(approach: str, data: PreparedFolder, trials: list[dict], given: argparse.Namespace, store: str) -> dict:
    """All trials of one approach, and the winner by its objective."""
    tuned = approach in ("pipetune", "again")
    settings = {"values": {"workers": given.workers}, "goal": "epoch_seconds", "store": store} if tuned else None
    done = [
        train_trial(data, trial, given, settings, trial["workers"] if approach == "v2" else given.workers[0])
        for trial in trials
    ]
    objective = (lambda one: one["accuracy"] / one["seconds"]) if approach == "v2" else (lambda one: one["accuracy"])
    winner = max(done, key=objective)
    return {
        "approach": approach,
        "accuracy": winner["accuracy"],
        "training_seconds": winner["seconds"],
        "last_epoch_seconds": winner["epoch_seconds"][-1],
        "tuning_seconds": sum(one["seconds"] for one in done),
        "probes": sum(
            sum(e["use"] in ("first", "probe") for e in one["system"]["epochs"]) for one in done if one["system"]
        ),
        "trials": done,
    }


def measured(given: argparse.Namespace) -> list[dict]:
    """Every search of every repeat; `again` comes at any time after the `pipetune` whose store it has."""
    random = np.random.default_rng(1)
    searches = []
    with tempfile.TemporaryDirectory() as folder:
        write_images(Path(folder), given.images, given.tested)
        data = prepare(Path(folder))
        for repeat in range(given.repeats):
            order = [str(name) for name in random.permutation(APPROACHES)]
            first, last = sorted((order.index("pipetune"), order.index("again")))
            order[first], order[last] = "pipetune", "again"
            trials = drawn_trials(given.trials, given.workers, repeat)
            for approach in order:
                found = search(approach, data, trials, given, f"{folder}/store-{repeat}.parquet")
                searches.append({"repeat": repeat} | found)
                print(repeat, approach, round(found["tuning_seconds"], 1), file=sys.stderr, flush=True)
    return searches


def interval(values: np.ndarray) -> tuple[float, float, float]:
    """Mean and 95 % interval (Student's t over the repeats)."""
    half = stats.t.ppf(0.975, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values))
    return values.mean(), values.mean() - half, values.mean() + half


def of(searches: list[dict], approach: str, name: str) -> np.ndarray:
    """One value of each repeat."""
    return np.array([each[name] for each in searches if each["approach"] == approach])


def ratio_text(searches: list[dict], approach: str, name: str) -> str:
    """The geometric mean of the paired ratios to v1 with its interval."""
    logs = np.log(of(searches, approach, name) / of(searches, "v1", name))
    return "{:.2f} ({:.2f} to {:.2f})".format(*np.exp(interval(logs)))


def print_comparison(searches: list[dict]) -> None:
    """Table 2's columns: differences and ratios to v1 within a repeat, with 95 % intervals."""
    heads = ("accuracy of the winner, points against v1", "its training time", "its last epoch", "tuning time")
    print(f"| approach | {' | '.join(heads)} | epochs that probe |")
    print("| --- | --- | --- | --- | --- | --- |")
    for approach in APPROACHES:
        points = "{:+.1f} ({:+.1f} to {:+.1f})".format(
            *interval(of(searches, approach, "accuracy") - of(searches, "v1", "accuracy"))
        )
        ratios = [
            ratio_text(searches, approach, n) for n in ("training_seconds", "last_epoch_seconds", "tuning_seconds")
        ]
        print(f"| {approach} | {points} | {' | '.join(ratios)} | {of(searches, approach, 'probes').mean():.1f} |")


def print_convergence(searches: list[dict]) -> None:
    """Figure 9: the best accuracy so far, after each trial, over the time spent as a share of v1's whole search."""
    print("| approach | " + " | ".join(f"trial {n + 1}" for n in range(len(searches[0]["trials"]))) + " |")
    print("| --- |" + " --- |" * len(searches[0]["trials"]))
    whole = of(searches, "v1", "tuning_seconds").mean()
    for approach in APPROACHES:
        own = [each["trials"] for each in searches if each["approach"] == approach]
        spent = np.array([np.cumsum([one["seconds"] for one in trials]) for trials in own]).mean(0) / whole
        best = np.array([np.maximum.accumulate([one["accuracy"] for one in trials]) for trials in own]).mean(0)
        cells = [f"{accuracy:.0f} % at {share:.2f}" for accuracy, share in zip(best, spent, strict=True)]
        print(f"| {approach} | {' | '.join(cells)} |")


def response(service: np.ndarray, rate: float, random: np.random.Generator) -> float:
    """Mean time from arrival to end with one server, first come, first served: waits by Lindley's recursion."""
    took = random.choice(service, ARRIVALS)
    gaps = random.exponential(1 / rate, ARRIVALS)
    steps = np.concatenate(([0.0], np.cumsum(took[:-1] - gaps[1:])))
    waits = steps - np.minimum.accumulate(steps)
    return float((waits + took)[WARM_UP:].mean())


def formula(service: np.ndarray, rate: float) -> float:
    """The same by Pollaczek and Khinchine: E[S] + λ E[S²] / (2 (1 − ρ))."""
    load = rate * service.mean()
    return float(service.mean() + rate * (service**2).mean() / (2 * (1 - load)))


def print_queue(searches: list[dict]) -> None:
    """Figures 13 and 14: response times of several tenants' jobs, as multiples of v1's mean service time."""
    print("| utilisation by v1's jobs | approach | its own utilisation | response, simulated | by the formula |")
    print("| --- | --- | --- | --- | --- |")
    unit, random = of(searches, "v1", "tuning_seconds").mean(), np.random.default_rng(0)
    for load in LOADS:
        for approach in APPROACHES:
            service = of(searches, approach, "tuning_seconds") / unit
            own = load * service.mean()
            times = [f"{f:.2f}" for f in (response(service, load, random), formula(service, load))]
            print(f"| {load:g} | {approach} | {own:.2f} | {' | '.join(times if own < 1 else ['none', 'none'])} |")


def main() -> None:
    """Measure, or read what was measured, and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--trials", type=int, default=4)
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--images", type=int, default=32)
    parser.add_argument("--tested", type=int, default=16)
    parser.add_argument("--workers", type=int, nargs="+", default=[0, 1, 2], help="the first is v1's")
    parser.add_argument("--read-ms", type=float, default=0.0, help="what a read of an image waits for")
    parser.add_argument("--out", type=Path, help="JSON of all that was measured")
    parser.add_argument("--read", type=Path, help="such a file, instead of measuring")
    given = parser.parse_args()
    if given.read:
        searches = json.loads(given.read.read_text())
    else:
        reproducible_device("cpu")
        if given.read_ms:
            wait_for_reads(given.read_ms)
        searches = measured(given)
        if given.out:
            given.out.write_text(json.dumps(searches))
    for printed in (print_comparison, print_convergence, print_queue):
        printed(searches)
        print()


if __name__ == "__main__":
    main()
