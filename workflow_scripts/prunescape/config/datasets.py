"""The data sets, their options, and the original files each reads: enough to check a config."""

import hashlib
from pathlib import Path
from types import ModuleType

from prunescape.config import speech, texts
from prunescape.config.originals import DRAWN, OFFERED, ORIGINALS, check_offered, md5_of
from prunescape.config.types import refuse_tilde
from prunescape.errors import InputError, nearest
from prunescape.store.files import is_path

DEBIAN_FASHION = Path("/usr/share/datasets/fashion-mnist")  # the package dataset-fashion-mnist
FORMAT = "image-folder"
IMAGES = "images"  # the task of the data sets that stand here
# The other tasks, each with the module that has its data sets, what their examples are called, and their checks.
OTHER_TASKS: dict[str, ModuleType] = {module.TASK: module for module in (texts, speech)}

# any folder of images under any name
IMAGE_FOLDER = {"format": FORMAT, "folder": None, "size": None, "resize": None, "workers": None, **DRAWN}
DATASETS: dict[str, dict[str, object]] = {
    "digits": {**DRAWN, "test": 600},
    "mnist": {"folder": "data/mnist", **OFFERED, **DRAWN},
    "fashion-mnist": {"folder": "data/fashion-mnist", **OFFERED, **DRAWN},
    "cifar10": {"folder": "data/cifar10", **OFFERED, **DRAWN},
    "cifar100": {"folder": "data/cifar100", **OFFERED, **DRAWN},
    "imagenet": {**IMAGE_FOLDER, "folder": "data/imagenet", "size": 224, "resize": 256},
    **{name: known for module in OTHER_TASKS.values() for name, known in module.DATASETS.items()},
}
NEEDED = {"folder": "the path of a folder that holds train/ and val/", "size": "the side of the crops, in pixels"}
# channels, examples of the training and of the test files, classes; digits' test split is drawn from its one set
SIZES = {
    "digits": (1, 1797, None, 10),
    "mnist": (1, 60_000, 10_000, 10),
    "fashion-mnist": (1, 60_000, 10_000, 10),
    "cifar10": (3, 50_000, 10_000, 10),
    "cifar100": (3, 50_000, 10_000, 100),
}
# Where the files lie and come from, and who decodes them: no result depends on it.
WITHOUT_INFLUENCE = ("folder", "workers", *OFFERED)
LARGEST_READ = 1_000_000_000  # bytes of an original file that each plan reads; preparing verifies larger ones
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
        elif key in OFFERED:
            check_offered(name, key, value)
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
        "folder": (isinstance(value, str) and bool(value) and is_path(value), "the path of a folder"),
        "format": (value == FORMAT, FORMAT),
        "split_seed": (whole and 0 <= value < 2**32, "a whole number from 0 to 2^32 - 1"),
        "validation": (value is None or (whole and value >= 0), "a whole number, 0 for none"),
        "workers": (value is None or (whole and 0 <= value <= 256), "a whole number from 0 to 256"),
    }
    count = ((whole and value > 0) or (value is None and default is None), "a whole number above 0")
    fits, allowed = rules.get(key, count)
    if not fits:
        raise InputError(f"the data set {name} cannot take {repr(value)[:60]} for {key}", allowed=allowed)
    if key == "folder" and value is not None:
        refuse_tilde(value)


def resolve_options(name: str, options: dict) -> dict:
    """Every option of data set `name` (defaults filled in) and its `name`, keys sorted. Raises as `check_options`.

    Fashion-MNIST's default folder is Debian's where that exists. An image folder's `resize` is to its `size` as
    ImageNet's 256 to 224 by default. Missing files are downloaded by default into the default folder, which nobody
    filled, and where there is a `url`; a folder that was named and lacks files may be the wrong one.
    """
    check_options(name, options)
    resolved = {**_defaults(name, options), **options, "name": name}
    named = "folder" in options
    if name == "fashion-mnist" and not named and DEBIAN_FASHION.is_dir():
        resolved["folder"], named = str(DEBIAN_FASHION), True
    if resolved.get("download", True) is None:
        resolved["download"] = not named or resolved["url"] is not None
    resolved["validation"] = resolved["validation"] or None
    _check_sizes(resolved)
    return dict(sorted((_sized(resolved) if is_image_folder(resolved) else resolved).items()))


def _check_sizes(options: dict) -> None:
    """Raise InputError for numbers of images that a data set of known size has not; preparing counts those of folders.

    A split holds one image of every class at least, and leaves as many to the split that comes after it.
    """
    if task_of(options) == speech.TASK:
        for split, most in speech.SPLITS.items():
            _check_size(split, options, 1, most)
        return
    sizes = OTHER_TASKS[task_of(options)].SIZES if task_of(options) in OTHER_TASKS else SIZES
    if options["name"] not in sizes:
        return
    _, train, test, classes = sizes[options["name"]]
    if test is None:
        _check_size("test", options, classes, train - classes)
        train, test = train - options["test"], options["test"]
    _check_size("test", options, classes, test)
    _check_size("validation", options, classes, train - classes)
    _check_size("train", options, classes, train - (options["validation"] or 0))


def _check_size(split: str, options: dict, least: int, most: int) -> None:
    count = options[split]
    if count is not None and not least <= count <= most:
        what = f"{count} {examples_of(options)} cannot be drawn for the {split} split of {options['name']}"
        raise InputError(what, allowed=f"{least} to {most}")


def task_of(options: dict[str, object]) -> str:
    """The task, a folder of the room `tasks`, that a data set of these resolved options is for."""
    return next((task for task, module in OTHER_TASKS.items() if options["name"] in module.DATASETS), IMAGES)


def examples_of(options: dict[str, object]) -> str:
    """What the examples of a data set of these resolved options are called: images, texts, clips."""
    return examples_called(task_of(options))


def examples_called(task: str) -> str:
    """What the examples of a task are called."""
    return OTHER_TASKS[task].EXAMPLES if task in OTHER_TASKS else IMAGES


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

    By default 0 on a CPU, whose cores are better spent on other cells; system.py gives it those that are spare.
    """
    workers = options.get("workers", 0)
    return (GPU_WORKERS if device == "cuda" else 0) if workers is None else workers


def wanted_files(options: dict) -> dict[Path, str]:
    """The original files that the data set `options` (resolved) would read, with the md5 of a fresh download.

    None for an image folder: a plan looks at none of its million files, and what they are stands in the identity that
    preparing writes.
    """
    if task_of(options) in OTHER_TASKS:
        return OTHER_TASKS[task_of(options)].original_files(options)
    if "folder" not in options or is_image_folder(options):
        return {}
    folder, (downloads, extracted) = Path(options["folder"]), ORIGINALS[options["name"]]
    there = [(folder / file).exists() for file in extracted]
    # a new archive takes the place of an extracted one that lacks files
    unpacked = any(there) and (all(there) or not options["download"])
    files = downloads if not unpacked or any((folder / file).exists() for file in downloads) else extracted
    return {folder / file: md5 for file, md5 in files.items()}


def missing_files(options: dict) -> dict[Path, str]:
    """The original files of a data set with these resolved options that are not there, with their published md5.

    Raises InputError that names them where they are not to be downloaded. Empty for a data set without downloads.
    """
    if "download" not in options or has_tree(options):
        return {}
    missing = {path: md5 for path, md5 in wanted_files(options).items() if not path.exists()}
    if missing and not options["download"]:
        what = f"original files are missing: {', '.join(path.name for path in missing)}"
        hint = f"put them there, or have them downloaded with datasets.{options['name']}.download: true, or from a url"
        raise InputError(what, where=options["folder"], hint=hint)
    return missing


def has_tree(options: dict) -> bool:
    """Whether a data set that is no images lies there as the folder that its archive unpacks to."""
    return task_of(options) in OTHER_TASKS and OTHER_TASKS[task_of(options)].has_tree(options)


def check_sources(options: dict) -> None:
    """Raise InputError for original files of a data set that is no images which are missing or not whole."""
    if task_of(options) in OTHER_TASKS:
        OTHER_TASKS[task_of(options)].check_sources(options)


def source_files(options: dict) -> list[Path]:
    """The original files of a data set that exist now; empty for digits (scikit-learn's) and for image folders."""
    return [path for path in wanted_files(options) if path.is_file()]


def source_digest(options: dict) -> str:
    """A digest of the original files' content; a missing or very large file counts with its published md5."""
    digest = hashlib.sha256()
    for path, md5 in wanted_files(options).items():
        if path.is_file() and path.stat().st_size <= LARGEST_READ:
            md5 = md5_of(path)
        digest.update(f"{path.name} {md5}\n".encode())
    return digest.hexdigest()
