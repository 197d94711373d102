"""The one prepared file of a data set of recordings: what every later step reads."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from prunescape.tasks.arrays import Arrays, digest_of, read_arrays

IDENTITY = ("dataset", "digest", "shape", "classes", "train", "test")
ARRAYS = ("train_waves", "train_labels", "test_waves", "test_labels")
HELD_OUT = ("validation_waves", "validation_labels")  # only where there is a validation split
WORDS = "words"  # what is said, as UTF-8, one class a line
FULL_SCALE = 32_768  # of 16-bit samples: a network takes them over this, -1 to 1


@dataclass(frozen=True)
class PreparedWaves:
    """Recordings as int16 (n, 1, samples), labels int64 (n,).

    The validation split is None where no recordings are held out for it.
    """

    train_waves: np.ndarray
    train_labels: np.ndarray
    test_waves: np.ndarray
    test_labels: np.ndarray
    words: np.ndarray
    classes: int
    validation_waves: np.ndarray | None = None
    validation_labels: np.ndarray | None = None


def data_digest(arrays: Arrays) -> str:
    """SHA-256 over the names, types, shapes and bytes of `arrays`; raises KeyError where the words are missing."""
    arrays[WORDS]
    return digest_of(arrays, (*ARRAYS, *HELD_OUT, WORDS))


def load_prepared(
    data: Path | str, identity: Path | str, *, folder: Path | str | None = None, workers: int = 0
) -> PreparedWaves:
    """Read a prepared data set; raises InputError when the file is missing, damaged or not the one identified.

    All recordings are in it, whatever `folder` and `workers` are.
    """
    arrays, known = read_arrays(data, identity, IDENTITY, data_digest)
    return PreparedWaves(**arrays, classes=known["classes"])


def tested_labels(prepared: PreparedWaves) -> np.ndarray:
    """The labels (n,) of the whole test split."""
    return prepared.test_labels
