"""Writes the one prepared file of a data set of texts and its identity."""

from pathlib import Path
from typing import Any

import numpy as np

from prunescape.config.texts import TASK
from prunescape.errors import InputError
from prunescape.tasks.arrays import write_arrays
from prunescape.tasks.subsets import choose_splits
from prunescape.tasks.text.prepared import WORDS, data_digest
from prunescape.tasks.text.readers import Texts, read_texts
from prunescape.tasks.text.tokens import UNKNOWN, encode, most_frequent, tokens_of


def write_texts(options: dict[str, Any], *, data: Path, identity: Path) -> None:
    """Write the texts of a data set as numbers of tokens to `data` (npz), what they are to `identity` (JSON).

    `options` are resolved. The vocabulary comes from the training split alone. The identity's shape is [vocabulary,
    length]: a text is `length` places with one of so many tokens each. Raises InputError as `read_texts` does, and
    where the training split has no word.
    """
    splits = _subsets(*read_texts(options), options)
    words = {name: [tokens_of(text) for text in split.texts] for name, split in splits.items()}
    vocabulary = most_frequent(words["train"], options["vocabulary"])
    if not vocabulary:
        raise InputError("the training texts hold no word", where=f"datasets.{options['name']}")
    arrays = {WORDS: np.frombuffer("\n".join(vocabulary).encode(), np.uint8)}
    for name, split in splits.items():
        arrays |= {f"{name}_tokens": encode(words[name], vocabulary, options["length"]), f"{name}_labels": split.labels}
    content = {
        "task": TASK,
        "dataset": options["name"],
        "digest": data_digest(arrays),
        "shape": [len(vocabulary) + UNKNOWN + 1, options["length"]],
        "classes": len(np.unique(splits["train"].labels)),
        **{name: len(split.labels) for name, split in splits.items()},
    }
    write_arrays(arrays, content, data=data, identity=identity)


def _subsets(train: Texts, test: Texts, options: dict[str, Any]) -> dict[str, Texts]:
    """The splits in the numbers of texts that the options ask for."""
    chosen = choose_splits(train.labels, test.labels, options)
    return {name: (test if name == "test" else train).take(rows) for name, rows in chosen.items()}
