"""Folders of small images, sorted into classes as torchvision's ImageFolder wants them. Needs numpy, Pillow."""

from pathlib import Path

import numpy as np
from PIL import Image

CLASSES = ("blue", "green", "red")
SUFFIXES = ("jpg", "png", "JPEG", "bmp", "webp")


def write_tree(folder: Path, *, classes=CLASSES, train=20, val=10, suffixes=SUFFIXES, sides=(16, 30)) -> Path:
    """Noise whose class shows in the brightest channel, in files of many formats; sides differ from image to image."""
    random = np.random.default_rng(0)
    for split, count in (("train", train), ("val", val)):
        for channel, name in enumerate(classes):
            (folder / split / name).mkdir(parents=True, exist_ok=True)
            for number in range(count):
                pixels = random.integers(0, 120, (*random.integers(*sides, 2), 3), dtype=np.uint8)
                pixels[..., channel] += 100
                suffix = suffixes[number % len(suffixes)]
                Image.fromarray(pixels).save(folder / split / name / f"{number:03}.{suffix}")
    return folder
