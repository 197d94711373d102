"""Writes the one prepared file of a data set and its identity."""

from pathlib import Path

import numpy as np

from prunescape.errors import InputError
from prunescape.store.files import whole_file, write_json
from prunescape.tasks.images.channel_statistics import ChannelStatistics
from prunescape.tasks.images.cifar import read_cifar
from prunescape.tasks.images.digits import read_digits
from prunescape.tasks.images.fashion_mnist import read_fashion_mnist
from prunescape.tasks.images.prepared import array_digest
from prunescape.tasks.images.subsets import take_subsets

READERS = {
    "digits": read_digits,
    "fashion-mnist": read_fashion_mnist,
    "cifar10": read_cifar,
    "cifar100": read_cifar,
}


def read_dataset(options: dict) -> dict[str, np.ndarray]:
    """The arrays of the data set with these resolved options (see config/datasets.py), subsets taken.

    Raises InputError for missing or damaged original files and for subsets that cannot be drawn.
    """
    return take_subsets(READERS[options["name"]](options), options)


def write_prepared(arrays: dict[str, np.ndarray], *, dataset: str, data: Path, identity: Path) -> None:
    """Write the arrays to `data` (npz without pickle) and their digest, shapes, mean and std to `identity` (JSON)."""
    mean, std = channel_mean_and_std(arrays["train_images"])
    content = {
        "task": "images",
        "dataset": dataset,
        "digest": array_digest(arrays),
        "shape": list(arrays["train_images"].shape[1:]),
        "classes": count_classes(arrays),
        "train": len(arrays["train_labels"]),
        "test": len(arrays["test_labels"]),
        "mean": mean,
        "std": std,
    }
    if "validation_labels" in arrays:
        content["validation"] = len(arrays["validation_labels"])
    with whole_file(data) as temporary, open(temporary, "wb") as file:
        np.savez(file, **arrays)
    write_json(identity, content)


def channel_mean_and_std(images: np.ndarray) -> tuple[list[float], list[float]]:
    """Mean and standard deviation (1/n) per channel of uint8 images (n, c, h, w), of pixel values scaled to 0..1."""
    statistics = ChannelStatistics(images.shape[1])
    statistics.add(images)
    return statistics.mean_and_std()


def count_classes(arrays: dict[str, np.ndarray]) -> int:
    """The number of classes: training labels are 0, 1, ... without a gap, and the test split has no others.

    Raises InputError for labels that are not.
    """
    found = np.unique(arrays["train_labels"])
    if not np.array_equal(found, np.arange(len(found))) or not np.isin(arrays["test_labels"], found).all():
        raise InputError(
            f"the training labels are {found.tolist()}", allowed="0, 1, ... for every class of both splits"
        )
    return len(found)
