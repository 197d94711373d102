"""The one prepared file of a data set and its identity: what every later step reads. Needs numpy."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from prunescape.errors import InputError
from prunescape.files import read_json

IDENTITY = ("dataset", "digest", "shape", "classes", "train", "test", "mean", "std")
ARRAYS = ("train_images", "train_labels", "test_images", "test_labels")


@dataclass(frozen=True)
class PreparedData:
    """Images are uint8 (n, channels, height, width), labels int64 (n,); `mean` and `std` are the TRAINING set's own,

    per channel, of pixel values scaled to 0..1 (matthiesen2023, 3.1.1); `classes` is their number.
    """

    train_images: np.ndarray
    train_labels: np.ndarray
    test_images: np.ndarray
    test_labels: np.ndarray
    mean: np.ndarray
    std: np.ndarray
    classes: int


def array_digest(arrays: dict[str, np.ndarray]) -> str:
    """SHA-256 over the names, types, shapes and bytes of `arrays`: the same images give the same digest anywhere."""
    digest = hashlib.sha256()
    for name in ARRAYS:
        array = np.ascontiguousarray(arrays[name])
        digest.update(f"{name} {array.dtype.str} {array.shape}".encode())
        digest.update(array.data)
    return digest.hexdigest()


def load_prepared(data: Path | str, identity: Path | str) -> PreparedData:
    """Read a prepared data set; raises InputError when the file is missing, damaged or not the one identified."""
    known = read_json(identity, *IDENTITY)
    try:
        with np.load(data, allow_pickle=False) as file:
            arrays = {name: file[name] for name in ARRAYS}
    except Exception as error:  # numpy and zipfile raise many kinds for one damaged file
        raise InputError(
            f"the data file cannot be read ({error})",
            where=data,
            hint="delete it and run again: its cells are trained again",
        ) from None
    if array_digest(arrays) != known["digest"]:
        raise InputError(
            "the data file is not the one its identity names", where=data, hint=f"delete it and {identity}; run again"
        )
    mean, std = np.array(known["mean"], np.float32), np.array(known["std"], np.float32)
    return PreparedData(**arrays, mean=mean, std=std, classes=known["classes"])
