"""The data sets, their options, and the original files each reads: enough to check a config."""

import hashlib
from pathlib import Path

from prunescape.config import texts
from prunescape.errors import InputError, nearest

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
DEBIAN_FASHION = Path("/usr/share/datasets/fashion-mnist")  # the package dataset-fashion-mnist
FORMAT = "image-folder"

# schema_values.py says what each option means; None of `train` or `test` is all there are, of `validation` none.
DRAWN = {"train": None, "test": None, "validation": None, "split_seed": 0}
# any folder of images under any name
IMAGE_FOLDER = {"format": FORMAT, "folder": None, "size": None, "resize": None, "workers": None, **DRAWN}
DATASETS: dict[str, dict[str, object]] = {
    "digits": {**DRAWN, "test": 600},
    "mnist": {"folder": "data/mnist", **DRAWN},
    "fashion-mnist": {"folder": "data/fashion-mnist", **DRAWN},
    "cifar10": {"folder": "data/cifar10", **DRAWN},
    "cifar100": {"folder": "data/cifar100", **DRAWN},
    "imagenet": {**IMAGE_FOLDER, "folder": "data/imagenet", "size": 224, "resize": 256},
    **texts.TEXTS,
}
NEEDED = {"folder": "the path of a folder that holds train/ and val/", "size": "the side of the crops, in pixels"}
# channels, images of the training and of the test files, classes; digits' test split is drawn from its one set
SIZES = {
    "digits": (1, 1797, None, 10),
    "mnist": (1, 60_000, 10_000, 10),
    "fashion-mnist": (1, 60_000, 10_000, 10),
    "cifar10": (3, 50_000, 10_000, 10),
    "cifar100": (3, 50_000, 10_000, 100),
}
# Where the files lie and who decodes them: no result depends on it.
WITHOUT_INFLUENCE = ("folder", "workers")
GPU_WORKERS = 4  # about 200 images of ImageNet's size per second each


def check_options(name: str, options: dict) -> None:
    """Raise InputError for a name that is no data set, an unknown key, or an impossible value."""
    known = _defaults(name, options)
    for key, value in options.items():
        if key not in known:
            what = f'the data set {name} has no option "{key}" (given: {value!r})'
            raise InputError(what, allowed=", ".join(known), hint=nearest(key, known))
        if key in texts.LARGEST:
            texts.check_number(name, key, value)
        else:
            _check_value(name, key, value, known[key])


def _defaults(name: str, options: dict) -> dict[str, object]:
    if name in DATASETS:
        return DATASETS[name]
    if options.get("format") == FORMAT:
        return IMAGE_FOLDER
    hint = nearest(name, DATASETS) or nearest(str(options.get("format", "")), [FORMAT])
    allowed = f"{', '.join(DATASETS)}, or any name with `format: {FORMAT}`"
    raise InputError(f'no data set is called "{name}"', allowed=allowed, hint=hint)


def _check_value(name: str, key: str, value: object, default: object) -> None:
    whole = isinstance(value, int) and not isinstance(value, bool)
    rules = {
        "folder": (isinstance(value, str) and bool(value), "the path of a folder"),
        "format": (value == FORMAT, FORMAT),
        "split_seed": (whole and 0 <= value < 2**32, "a whole number from 0 to 2^32 - 1"),
        "validation": (value is None or (whole and value >= 0), "a whole number, 0 for none"),
        "workers": (value is None or (whole and 0 <= value <= 256), "a whole number from 0 to 256"),
    }
    count = ((whole and value > 0) or (value is None and default is None), "a whole number above 0")
    fits, allowed = rules.get(key, count)
    if not fits:
        raise InputError(f"the data set {name} cannot take {value!r} for {key}", allowed=allowed)


def resolve_options(name: str, options: dict) -> dict:
    """Every option of data set `name` (defaults filled in) and its `name`, keys sorted. Raises as `check_options`.

    Fashion-MNIST's default folder is Debian's where that exists. An image folder's `resize` is to its `size` as
    ImageNet's 256 to 224 by default.
    """
    check_options(name, options)
    resolved = {**_defaults(name, options), **options, "name": name}
    if name == "fashion-mnist" and "folder" not in options and DEBIAN_FASHION.is_dir():
        resolved["folder"] = str(DEBIAN_FASHION)
    resolved["validation"] = resolved["validation"] or None
    _check_sizes(resolved)
    return dict(sorted((_sized(resolved) if is_image_folder(resolved) else resolved).items()))


def _check_sizes(options: dict) -> None:
    """Raise InputError for numbers of images that a data set of known size has not; preparing counts those of folders.

    A split holds one image of every class at least, and leaves as many to the split that comes after it.
    """
    if options["name"] not in SIZES | texts.SIZES:
        return
    _, train, test, classes = (SIZES | texts.SIZES)[options["name"]]
    if test is None:
        _check_size("test", options, classes, train - classes)
        train, test = train - options["test"], options["test"]
    _check_size("test", options, classes, test)
    _check_size("validation", options, classes, train - classes)
    _check_size("train", options, classes, train - (options["validation"] or 0))


def _check_size(split: str, options: dict, least: int, most: int) -> None:
    count = options[split]
    if count is not None and not least <= count <= most:
        kind = "texts" if texts.is_text(options) else "images"
        what = f"{count} {kind} cannot be drawn for the {split} split of {options['name']}"
        raise InputError(what, allowed=f"{least} to {most}")


def task_of(options: dict[str, object]) -> str:
    """The task, a folder of the room `tasks`, that a data set of these resolved options is for."""
    return texts.TASK if texts.is_text(options) else "images"


def is_image_folder(options: dict) -> bool:
    """Whether the data set with these resolved options is streamed from a folder of images."""
    return options.get("format") == FORMAT


def channels_of(options: dict) -> int:
    """Channels of the images of a data set with these resolved options; an image folder's always are 3."""
    return 3 if is_image_folder(options) else SIZES[options["name"]][0]


def _sized(options: dict) -> dict:
    """An image folder's options with `resize` filled in; raises InputError for one without folder or size."""
    for key, meaning in NEEDED.items():
        if options[key] is None:
            raise InputError(f"the data set {options['name']} needs the option {key}", allowed=meaning)
    resize = options["resize"] or round(options["size"] * 256 / 224)
    if resize < options["size"]:
        what = f"the data set {options['name']} cannot crop {options['size']} from images resized to {resize}"
        raise InputError(what, allowed="a resize (the shorter side) of at least size")
    return options | {"resize": resize}


def identity_options(options: dict) -> dict:
    """The resolved options that decide what the prepared data are."""
    return {key: value for key, value in options.items() if key not in WITHOUT_INFLUENCE}


def decoding_workers(options: dict, device: str) -> int:
    """How many processes decode this data set's images for a training on `device` (cpu or cuda); 0 for data in memory.

    By default 0 on a CPU: it trains far slower than it decodes, and cores are better spent on other cells.
    """
    workers = options.get("workers", 0)
    return (GPU_WORKERS if device == "cuda" else 0) if workers is None else workers


def wanted_files(options: dict) -> dict[Path, str]:
    """The original files that the data set `options` (resolved) would read, with the md5 of a fresh download.

    None for an image folder: a plan looks at none of its million files, and what they are stands in the identity that
    preparing writes.
    """
    if texts.is_text(options):
        return texts.text_files(options)
    if "folder" not in options or is_image_folder(options):
        return {}
    folder, (downloads, extracted) = Path(options["folder"]), ORIGINALS[options["name"]]

    def there(files: dict[str, str]) -> bool:
        return any((folder / file).exists() for file in files)

    files = extracted if there(extracted) and not there(downloads) else downloads
    return {folder / file: md5 for file, md5 in files.items()}


def source_files(options: dict) -> list[Path]:
    """The original files of a data set that exist now; empty for digits (scikit-learn's) and for image folders."""
    return [path for path in wanted_files(options) if path.is_file()]


def source_digest(options: dict) -> str:
    """A digest of the original files' content; a missing file counts with the md5 that its download must have."""
    digest = hashlib.sha256()
    for path, md5 in wanted_files(options).items():
        if path.is_file():
            with open(path, "rb") as file:
                md5 = hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
        digest.update(f"{path.name} {md5}\n".encode())
    return digest.hexdigest()
