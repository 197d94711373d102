"""A data set small enough to train on in a moment. Needs numpy."""

import numpy as np

from prunescape.tasks.images.prepared import PreparedData


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
