"""The one prepared file of a data set of texts: what every later step reads."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from prunescape.tasks.arrays import Arrays, digest_of, read_arrays

IDENTITY = ("dataset", "digest", "shape", "classes", "train", "test")
ARRAYS = ("train_tokens", "train_labels", "test_tokens", "test_labels")
HELD_OUT = ("validation_tokens", "validation_labels")  # only where there is a validation split
WORDS = "words"  # the vocabulary as UTF-8, one token a line: the first is number 2


@dataclass(frozen=True)
class PreparedTexts:
    """Texts as numbers of tokens, int32 (n, length), below `vocabulary`; labels int64 (n,).

    The validation split is None where no texts are held out for it.
    """

    train_tokens: np.ndarray
    train_labels: np.ndarray
    test_tokens: np.ndarray
    test_labels: np.ndarray
    words: np.ndarray
    vocabulary: int
    classes: int
    validation_tokens: np.ndarray | None = None
    validation_labels: np.ndarray | None = None


def data_digest(arrays: Arrays) -> str:
    """SHA-256 over the names, types, shapes and bytes of `arrays`; raises KeyError where the vocabulary is missing."""
    arrays[WORDS]
    return digest_of(arrays, (*ARRAYS, *HELD_OUT, WORDS))


def load_prepared(
    data: Path | str, identity: Path | str, *, folder: Path | str | None = None, workers: int = 0
) -> PreparedTexts:
    """Read a prepared data set; raises InputError when the file is missing, damaged or not the one identified.

    All texts are in it, whatever `folder` and `workers` are.
    """
    arrays, known = read_arrays(data, identity, IDENTITY, data_digest)
    return PreparedTexts(**arrays, vocabulary=known["shape"][0], classes=known["classes"])


def tested_labels(prepared: PreparedTexts) -> np.ndarray:
    """The labels (n,) of the whole test split."""
    return prepared.test_labels
