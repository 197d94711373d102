"""Data sets small enough to train on in a moment, and where prepared ones lie. Needs numpy."""

from pathlib import Path

import numpy as np

from prunescape.tasks.images.prepared import PreparedData
from prunescape.tasks.images.preparing import write_prepared


def prepared_files(folder: Path, name: str = "data") -> dict[str, Path]:
    """Where prepared data and their identity lie, by the names under which functions take them."""
    return {"data": folder / f"{name}.npz", "identity": folder / f"{name}.json"}


def noise(shape: tuple, classes: int, *, high: int = 256, **counts: int) -> dict[str, np.ndarray]:
    """Images of noise below `high` for each split, `counts` of them, whose labels are the classes in turn."""
    random, arrays = np.random.default_rng(0), {}
    for split, count in counts.items():
        arrays[f"{split}_images"] = random.integers(0, high, (count, *shape), dtype=np.uint8)
        arrays[f"{split}_labels"] = np.arange(count, dtype=np.int64) % classes
    return arrays


def prepare_noise(folder: Path, *shape_and_classes, **more) -> dict[str, Path]:
    """Write `noise` as a prepared data set called digits; gives its files."""
    files = prepared_files(folder)
    write_prepared(noise(*shape_and_classes, **more), dataset="digits", **files)
    return files


def three_classes(train: int, test: int, validation: int, *, channels: int, pixels: int) -> PreparedData:
    """Square images of noise in three classes, each a little brighter than the one before."""
    random = np.random.default_rng(0)
    splits = {}
    for name, count in (("train", train), ("test", test), ("validation", validation)):
        labels = np.arange(count) % 3
        images = random.integers(0, 150, (count, channels, pixels, pixels)) + 35 * labels[:, None, None, None]
        splits |= {f"{name}_images": images.astype(np.uint8), f"{name}_labels": labels.astype(np.int64)}
    moments = {"mean": np.full(channels, 0.4, np.float32), "std": np.full(channels, 0.2, np.float32)}
    return PreparedData(**splits, **moments, classes=3)
