"""Writes the one prepared file of a data set and its identity."""

import math
from pathlib import Path

import numpy as np

from prunescape.errors import InputError
from prunescape.tasks.arrays import write_arrays
from prunescape.tasks.images.prepared import data_digest


class ChannelStatistics:
    """Per-channel statistics of uint8 images, of pixel values scaled to 0..1.

    `counts` (channels, 256) has how often each value occurs, so sums are exact: the results have no rounding but that
    of the last division.
    """

    def __init__(self, channels: int) -> None:
        self.counts = np.zeros((channels, 256), np.int64)

    def add(self, images: np.ndarray) -> None:
        """Take `images`, uint8 (n, channels, height, width), in."""
        for channel, counts in enumerate(self.counts):
            counts += np.bincount(images[:, channel].ravel(), minlength=256)

    def mean_and_std(self) -> tuple[list[float], list[float]]:
        """Both per channel, of all images taken in so far; the standard deviation is that of 1/n."""
        values, pixels = np.arange(256), int(self.counts[0].sum())
        scale = 255 * pixels
        totals = [(int(counts @ values), int(counts @ values**2)) for counts in self.counts]
        mean = [total / scale for total, _ in totals]
        std = [math.sqrt((pixels * square - total**2) / scale**2) for total, square in totals]
        return mean, std

    def quantiles(self, *shares: float) -> list[list[float]]:
        """For each share the smallest value that this share of the pixels does not exceed, of every channel."""
        reached = self.counts.cumsum(1)
        needed = [np.maximum(1, np.ceil(share * reached[:, -1])) for share in shares]
        return [
            [float((row >= least).argmax() / 255) for row, least in zip(reached, each, strict=True)] for each in needed
        ]

    @property
    def content(self) -> dict[str, list]:
        """The statistics as they stand in the identity of a data set."""
        mean, std = self.mean_and_std()
        quartiles, extremes = self.quantiles(0.25, 0.5, 0.75), self.quantiles(0, 1)
        return {"mean": mean, "std": std, "quartiles": quartiles, "extremes": extremes}


def require_contrast(std: list[float]) -> None:
    """Raise InputError when all pixels of the training images have one value per channel: nothing could be learnt."""
    if not any(std):
        raise InputError("the training images are all of one and the same colour", allowed="images that differ")


def write_prepared(arrays: dict[str, np.ndarray], *, dataset: str, data: Path, identity: Path) -> None:
    """Write the arrays to `data` (npz) and their digest, shapes and statistics to `identity` (JSON)."""
    statistics = ChannelStatistics(arrays["train_images"].shape[1])
    statistics.add(arrays["train_images"])
    require_contrast(statistics.content["std"])
    content = {
        "task": "images",
        "dataset": dataset,
        "digest": data_digest(arrays),
        "shape": list(arrays["train_images"].shape[1:]),
        "classes": count_classes(arrays),
        "train": len(arrays["train_labels"]),
        "test": len(arrays["test_labels"]),
        **statistics.content,
    }
    if "validation_labels" in arrays:
        content["validation"] = len(arrays["validation_labels"])
    write_arrays(arrays, content, data=data, identity=identity)


def count_classes(arrays: dict[str, np.ndarray]) -> int:
    """The number of classes; raises InputError unless the training labels are 0, 1, ... and cover the test labels."""
    found = np.unique(arrays["train_labels"])
    if not np.array_equal(found, np.arange(len(found))) or not np.isin(arrays["test_labels"], found).all():
        allowed = "0, 1, ... for every class of both splits"
        raise InputError(f"the training labels are {found.tolist()}", allowed=allowed)
    return len(found)
