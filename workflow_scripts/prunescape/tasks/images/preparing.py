"""Writes the one prepared file of a data set and its identity."""

import math
from pathlib import Path

import numpy as np

from prunescape.errors import InputError
from prunescape.tasks.arrays import write_arrays
from prunescape.tasks.images.prepared import data_digest


class ChannelStatistics:
    """Per-channel mean and standard deviation (1/n) of uint8 images, of pixel values scaled to 0..1.

    Sums of whole numbers are exact, so the result has no rounding but that of the last division.
    """

    def __init__(self, channels: int) -> None:
        self.pixels = 0
        self.sums, self.squares = [0] * channels, [0] * channels

    def add(self, images: np.ndarray) -> None:
        """Take `images`, uint8 (n, channels, height, width), in."""
        self.pixels += images.size // images.shape[1]
        sums = np.einsum("nchw->c", images, dtype=np.int64)
        squares = np.einsum("nchw,nchw->c", images, images, dtype=np.int64)
        self.sums = [total + int(part) for total, part in zip(self.sums, sums, strict=True)]
        self.squares = [total + int(part) for total, part in zip(self.squares, squares, strict=True)]

    def mean_and_std(self) -> tuple[list[float], list[float]]:
        """Both per channel, of all images taken in so far."""
        scale, totals = 255 * self.pixels, list(zip(self.sums, self.squares, strict=True))
        mean = [total / scale for total, _ in totals]
        std = [math.sqrt((self.pixels * square - total**2) / scale**2) for total, square in totals]
        return mean, std


def require_contrast(std: list[float]) -> None:
    """Raise InputError when all pixels of the training images have one value per channel: nothing could be learnt."""
    if not any(std):
        raise InputError("the training images are all of one and the same colour", allowed="images that differ")


def write_prepared(arrays: dict[str, np.ndarray], *, dataset: str, data: Path, identity: Path) -> None:
    """Write the arrays to `data` (npz) and their digest, shapes, mean and std to `identity` (JSON)."""
    mean, std = channel_mean_and_std(arrays["train_images"])
    require_contrast(std)
    content = {
        "task": "images",
        "dataset": dataset,
        "digest": data_digest(arrays),
        "shape": list(arrays["train_images"].shape[1:]),
        "classes": count_classes(arrays),
        "train": len(arrays["train_labels"]),
        "test": len(arrays["test_labels"]),
        "mean": mean,
        "std": std,
    }
    if "validation_labels" in arrays:
        content["validation"] = len(arrays["validation_labels"])
    write_arrays(arrays, content, data=data, identity=identity)


def channel_mean_and_std(images: np.ndarray) -> tuple[list[float], list[float]]:
    """Mean and standard deviation (1/n) per channel of uint8 images (n, c, h, w), of pixel values scaled to 0..1."""
    statistics = ChannelStatistics(images.shape[1])
    statistics.add(images)
    return statistics.mean_and_std()


def count_classes(arrays: dict[str, np.ndarray]) -> int:
    """The number of classes; raises InputError unless the training labels are 0, 1, ... and cover the test labels."""
    found = np.unique(arrays["train_labels"])
    if not np.array_equal(found, np.arange(len(found))) or not np.isin(arrays["test_labels"], found).all():
        allowed = "0, 1, ... for every class of both splits"
        raise InputError(f"the training labels are {found.tolist()}", allowed=allowed)
    return len(found)
