"""The data sets, their options, and the original files each reads: enough to check a config. Needs nothing."""

import hashlib
from pathlib import Path

from prunescape.errors import InputError, nearest

# As torchvision lists them (a test compares); md5 guards against damage in transit, and comes before any unpickling.
FASHION_FILES = {
    "train-images-idx3-ubyte.gz": "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
    "train-labels-idx1-ubyte.gz": "25c81989df183df01b3e8a0aad5dffbe",
    "t10k-images-idx3-ubyte.gz": "bef4ecab320f06d8554ea6380940ec79",
    "t10k-labels-idx1-ubyte.gz": "bb300cfdad3c16e7a12a480ee83cd310",
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
DEBIAN_FASHION = Path("/usr/share/datasets/fashion-mnist")  # the package dataset-fashion-mnist

# `train` and `test` are numbers of images, drawn by `split_seed` with equal shares per class; None takes all there are.
DATASETS: dict[str, dict[str, object]] = {
    "digits": {"train": None, "test": 600, "split_seed": 0},
    "fashion-mnist": {"folder": "data/fashion-mnist", "train": None, "test": None, "split_seed": 0},
    "cifar10": {"folder": "data/cifar10", "train": None, "test": None, "split_seed": 0},
}


def check_options(name: str, options: dict) -> None:
    """Raise InputError when `name` is no data set of ours, or `options` hold an unknown key or impossible value."""
    if name not in DATASETS:
        raise InputError(f'no data set is called "{name}"', allowed=", ".join(DATASETS), hint=nearest(name, DATASETS))
    known = DATASETS[name]
    for key, value in options.items():
        if key not in known:
            raise InputError(
                f'the data set {name} has no option "{key}" (given: {value!r})',
                allowed=", ".join(known),
                hint=nearest(key, known),
            )
        _check_value(name, key, value, known[key])


def _check_value(name: str, key: str, value: object, default: object) -> None:
    whole = isinstance(value, int) and not isinstance(value, bool)
    rules = {
        "folder": (isinstance(value, str) and bool(value), "the path of a folder"),
        "split_seed": (whole and 0 <= value < 2**32, "a whole number from 0 to 2^32 - 1"),
    }
    count = ((whole and value > 0) or (value is None and default is None), "a whole number above 0")
    fits, allowed = rules.get(key, count)
    if not fits:
        raise InputError(f"the data set {name} cannot take {value!r} for {key}", allowed=allowed)


def resolve_options(name: str, options: dict) -> dict:
    """Every option of data set `name` (defaults filled in) and its `name`, keys sorted. Raises as `check_options`.

    Fashion-MNIST's default folder is Debian's where that exists.
    """
    check_options(name, options)
    defaults = dict(DATASETS[name])
    if name == "fashion-mnist" and DEBIAN_FASHION.is_dir():
        defaults["folder"] = str(DEBIAN_FASHION)
    return dict(sorted({**defaults, **options, "name": name}.items()))


def wanted_files(options: dict) -> dict[Path, str]:
    """The original files that the data set `options` (resolved) would read, with the md5 of a fresh download.

    CIFAR-10 reads its archive; extracted batches only where they are there and the archive is not.
    """
    name = options["name"]
    if name == "digits":
        return {}
    folder = Path(options["folder"])
    files = FASHION_FILES if name == "fashion-mnist" else CIFAR10_ARCHIVE
    if name == "cifar10" and _holds_batches_only(folder):
        files = CIFAR10_BATCHES
    return {folder / file: md5 for file, md5 in files.items()}


def _holds_batches_only(folder: Path) -> bool:
    archive = any((folder / name).exists() for name in CIFAR10_ARCHIVE)
    return not archive and any((folder / name).exists() for name in CIFAR10_BATCHES)


def source_files(options: dict) -> list[Path]:
    """The original files of a data set that exist now; empty for digits, which come with scikit-learn."""
    return [path for path in wanted_files(options) if path.is_file()]


def source_digest(options: dict) -> str:
    """A digest of the original files' content, equal before and after a download; changed data changes it.

    A missing file counts with the md5 that its download must have.
    """
    digest = hashlib.sha256()
    for path, md5 in wanted_files(options).items():
        if path.is_file():
            with open(path, "rb") as file:
                md5 = hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
        digest.update(f"{path.name} {md5}\n".encode())
    return digest.hexdigest()
