"""Tiny but real studies, at least one experiment of each kind, that the golden record is made of. Needs numpy, Pillow.

`seeds`: several seeds of a grid, with pruned variants of both methods, and trainings that diverge. `rounds`: a grid
that grows, a pilot and fresh seeds. `targets`: precisions, several targets, a validation split, an image folder.
"""

from pathlib import Path

import numpy as np
from PIL import Image

DIGITS = {"train": 200, "test": 100}
TINY = {"epochs": 1, "batch_size": 25, "schedule": "cosine"}
CLASSES = 11  # the fewest with which top-5 counts
IMAGES_PER_CLASS = {"train": 5, "val": 3}

SEEDS = {
    "study": "seeds",
    "datasets": {"digits": dict(DIGITS)},
    "experiments": {
        "several": {
            "model": "resnet8",
            "dataset": "digits",
            "recipe": {"epochs": 2, "batch_size": 25, "schedule": "cosine"},
            "variants": {"uniform": [0.5], "nonuniform": [0.5]},
            "pruning": {"round_to": 1},
            "prior": {"log10_lr": -1.0, "log10_wd": -4.0},
            "grid": {"log10_lr": [-1.5, -1.4, -1.0], "log10_wd": [-5.0, -4.0, -3.0]},
            "seeds": [0, 1],
            "verdict": {"sigma": 3.0, "margin": 2.0},
        },
        "diverging": {
            "model": "resnet8",
            "dataset": "digits",
            "recipe": {"epochs": 3, "batch_size": 10},
            "variants": {"uniform": [0.5]},
            "pruning": {"round_to": 1},
            "prior": {"log10_lr": -1.0, "log10_wd": -4.0},
            "grid": {"log10_lr": [-1.0, 1.0], "log10_wd": [-4.0, 0.0]},
            "verdict": {"sigma": 3.0, "margin": 2.0},
        },
    },
    "targets": {},
}

ROUNDS = {
    "study": "rounds",
    "datasets": {"digits": dict(DIGITS)},
    "experiments": {
        "growing": {
            "model": "resnet8",
            "dataset": "digits",
            "recipe": {"epochs": 2, "batch_size": 25, "schedule": "cosine"},
            "variants": {"uniform": [0.5]},
            "pruning": {"round_to": 1},
            "prior": {"log10_lr": -2.5, "log10_wd": -4.0},
            "grid": {"log10_lr": {"step": 0.5, "size": 2}, "log10_wd": [-4.0]},
            "extension": {"max_rounds": 2},
            "verdict": {"replicates": 2, "margin": 5.0, "sigma": 3.0},
        },
        "fixed": {
            "model": "resnet8",
            "dataset": "digits",
            "recipe": {
                **{"epochs": 3, "batch_size": 20, "schedule": "step", "milestones": [2], "decay": 0.2},
                **{"momentum": 0.8, "crop_padding": 1, "flip": True},
            },
            "variants": {"nonuniform": [0.4]},
            "pruning": {"score": "l1", "ranking": "initial", "min_keep": 0.2, "round_to": 1},
            "prior": {"log10_lr": -1.0, "log10_wd": -4.0},
            "grid": {"log10_lr": [-1.0], "log10_wd": [-4.0, -3.0]},
            "verdict": {"replicates": 2, "margin": 1.0},
        },
    },
    "targets": {},
}

TARGETS = {
    "study": "targets",
    "reference": "matthiesen2023",
    "datasets": {
        "digits": {**DIGITS, "validation": 50},
        "patches": {
            **{"format": "image-folder", "folder": "images", "size": 32, "resize": 36, "validation": 11, "workers": 1},
        },
    },
    "experiments": {
        "validated": {
            "model": "resnet8",
            "dataset": "digits",
            "recipe": dict(TINY),
            "variants": {"uniform": [0.5]},
            "pruning": {"round_to": 1},
            "prior": {"log10_lr": -1.0, "log10_wd": -4.0},
            "grid": {"log10_lr": [-1.5, -1.0], "log10_wd": [-4.0]},
            "select_on": "validation",
            "export": {"best": 2},
        },
        "folder": {
            "model": "torchvision:shufflenet_v2_x0_5",
            "dataset": "patches",
            "recipe": {"epochs": 15, "batch_size": 11, "flip": True},
            "variants": {"uniform": [0.5]},
            "pruning": {"round_to": 1},
            "prior": {"log10_lr": -1.0, "log10_wd": -4.0},
            "grid": {"log10_lr": [-1.5, -1.0], "log10_wd": [-4.0]},
        },
    },
    "inference_first": False,
    "objectives": {"accuracy_floor": 5.0, "size_limit_kb": 5000, "server_rates": [1.0], "stream_rates": [2.0]},
    "targets": {
        "one": {"batch": [1, 4], "precisions": ["fp32", "int8", "sparse80"], "repeats": 3, "chunk_seconds": 0.01},
        "two": {"threads": [2], "repeats": 3, "chunk_seconds": 0.01},
    },
}

STUDIES = (SEEDS, ROUNDS, TARGETS)


def write_images(folder: Path) -> None:
    """The image folder of `TARGETS`: noise around one colour per class, the same pixels every time."""
    random = np.random.default_rng(0)
    for split, count in IMAGES_PER_CLASS.items():
        for label in range(CLASSES):
            (folder / split / f"class-{label:02}").mkdir(parents=True)
            colour = np.array([20 * label, 200 - 20 * label, 70 * (label % 3)])
            for number in range(count):
                pixels = (colour + random.integers(0, 40, (40, 44, 3))).astype(np.uint8)
                Image.fromarray(pixels).save(folder / split / f"class-{label:02}" / f"{number}.png")
