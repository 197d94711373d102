"""A folder of images, train/CLASS/* and val/CLASS/*, listed and sampled for streaming."""

import os
from pathlib import Path

import numpy as np

from prunescape.errors import InputError
from prunescape.tasks.arrays import write_arrays
from prunescape.tasks.images.decoding import read_crop
from prunescape.tasks.images.prepared import data_digest
from prunescape.tasks.images.preparing import ChannelStatistics, require_contrast
from prunescape.tasks.images.torchvision_import import import_torchvision
from prunescape.tasks.subsets import choose_splits

FOLDERS = {"train": "train", "test": "val"}
# A pass over all of ImageNet takes hours; so many leave the mean a standard error of 1 % of the images' deviation.
STATISTICS_IMAGES = 10_000
SAMPLE_IMAGES = 512
SHOWN_EVERY = 1000


def write_image_folder(options: dict, *, data: Path, identity: Path) -> None:
    """Write the listing of an image folder and a sample of its test split to `data`, what they are to `identity`.

    `options` are resolved. Mean and std are of up to 10,000 evenly spaced training images, cropped as for a test.
    Raises InputError for a folder of another layout, and for an image that cannot be decoded.
    """
    folder, crop = Path(options["folder"]), {"resize": options["resize"], "size": options["size"]}
    listings, classes = list_splits(folder, options)
    statistics = ChannelStatistics(channels=3)
    for image in _crops(listings["train"], folder, crop, STATISTICS_IMAGES, "mean and std"):
        statistics.add(image[None])
    positions = evenly_spaced(len(listings["test"]), SAMPLE_IMAGES)
    sample = _crops(listings["test"], folder, crop, SAMPLE_IMAGES, "sample of the test split")
    arrays = {f"{split}_listing": listing for split, listing in listings.items()} | {
        "crop": np.array([crop["resize"], crop["size"]]),
        "test_images": np.stack(list(sample)),
        "test_labels": listings["test"]["label"][positions],
        "test_positions": positions,
    }
    content = _counts(options, listings, statistics) | {"classes": len(classes), "digest": data_digest(arrays)}
    write_arrays(arrays, content, data=data, identity=identity)


def _counts(options: dict, listings: dict[str, np.ndarray], statistics: ChannelStatistics) -> dict:
    require_contrast(statistics.content["std"])
    return {
        "task": "images",
        "dataset": options["name"],
        "digest_of": "relative paths, labels, sizes in bytes, resize, size",
        "shape": [3, options["size"], options["size"]],
        "resize": options["resize"],
        **{split: len(listing) for split, listing in listings.items()},
        **statistics.content,
        "statistics_images": min(STATISTICS_IMAGES, len(listings["train"])),
    }


def list_splits(folder: Path, options: dict) -> tuple[dict[str, np.ndarray], list[str]]:
    """The listing of each split, subsets taken, and the names of the classes in the order of their numbers.

    A listing is a structured array (n,), sorted: `path` relative to the folder, as the file system's bytes; `label`,
    the number of the class; `bytes`, the size of the file.
    Raises InputError when the folder, train/, val/ or the images of a class are missing, or the classes differ.
    """
    if not folder.is_dir():
        raise InputError("the folder of images is missing", where=folder, hint="it is the data set's option folder")
    found = {split: _list_split(folder, name) for split, name in FOLDERS.items()}
    (train, classes), (test, others) = found["train"], found["test"]
    differing = sorted(set(classes) ^ set(others))
    if differing:
        name = differing[0]
        here, there = (FOLDERS["train"], FOLDERS["test"]) if name in classes else (FOLDERS["test"], FOLDERS["train"])
        what = f'class "{name}" is in {here}/ but not in {there}/ ({len(differing)} classes differ)'
        raise InputError(what, where=folder, allowed="the same classes in both")
    chosen = choose_splits(train["label"], test["label"], options)
    return {name: (test if name == "test" else train)[chosen[name]] for name in chosen}, classes


def _list_split(folder: Path, name: str) -> tuple[np.ndarray, list[str]]:
    """All images of one split in the order of class and path, and its classes; hidden files and folders left out."""
    reader, layout, root = import_torchvision().datasets.folder, f"{name}/CLASS/IMAGE", folder / name
    if not root.is_dir():
        raise InputError(f"there is no folder {name}/", where=folder, allowed="train/CLASS/IMAGE and val/CLASS/IMAGE")
    _check_links(root)
    try:
        found, _ = reader.find_classes(str(root))
    except FileNotFoundError:
        found = []
    classes = [name for name in found if not _hidden(name)]
    if len(classes) < 2:
        what, hint = f"it holds too few folders of classes ({len(classes)})", "sort the images into one per class"
        raise InputError(what, where=root, allowed=f"{layout}, two classes or more", hint=hint)
    numbers = {name: number for number, name in enumerate(classes)}
    listed = reader.make_dataset(str(root), numbers, extensions=reader.IMG_EXTENSIONS, allow_empty=True)
    images = [(path, label) for path, label in listed if not _hidden(os.path.relpath(path, root))]
    if len(classes) < len(found) or len(images) < len(listed):
        print(f"{name}: left out what is hidden (its name begins with a dot)", flush=True)
    counts = np.bincount([label for _, label in images], minlength=len(classes))
    if not counts.all():
        what, allowed = "the class has no image", ", ".join(reader.IMG_EXTENSIONS)
        raise InputError(what, where=root / classes[counts.argmin()], allowed=f"files that end in {allowed}")
    print(f"{name}: {len(images)} images of {len(classes)} classes", flush=True)
    start = len(str(root)) - len(name)
    rows = [(os.fsencode(path[start:]), label, _file_bytes(path)) for path, label in images]
    longest = max(len(path) for path, _, _ in rows)
    return np.array(rows, dtype=[("path", f"S{longest}"), ("label", "<i8"), ("bytes", "<i8")]), classes


def _hidden(path: str) -> bool:
    """Whether a part of a relative path begins with a dot, as those that file browsers and notebooks leave."""
    return any(part.startswith(".") for part in Path(path).parts)


def _check_links(root: Path) -> None:
    """Raise InputError when links lead to a folder below `root` in two ways, before a loop is followed, or nowhere.

    A link to nowhere may have been a class or images; one that is called as an image is found where that is read.
    """
    seen: dict[str, str] = {}
    for path, _, names in os.walk(root, followlinks=True):
        first = seen.setdefault(os.path.realpath(path), path)
        if first != path:
            raise InputError(f"this is the same folder as {first}", where=path, hint="remove the link")
        for link in (os.path.join(path, name) for name in names if not _hidden(name) and not _is_image(name)):
            if not os.path.exists(link):
                hint = "remove it, or put back what it leads to"
                raise InputError("the link leads nowhere", where=link, hint=hint)


def _is_image(name: str) -> bool:
    """Whether a file is called as an image that torchvision reads."""
    return name.lower().endswith(import_torchvision().datasets.folder.IMG_EXTENSIONS)


def _file_bytes(path: str) -> int:
    try:
        return os.stat(path).st_size
    except OSError as error:  # a link to nowhere, say
        raise InputError(f"the image cannot be read ({error.strerror})", where=path) from None


def evenly_spaced(total: int, count: int) -> np.ndarray:
    """Up to `count` of the positions 0 to total - 1, the first among them, evenly spaced."""
    count = min(count, total)
    return np.arange(count) * total // count


def _crops(listing: np.ndarray, folder: Path, crop: dict, count: int, purpose: str):
    """Up to `count` evenly spaced images of a listing, cropped as for a test: uint8 (3, size, size) each."""
    rows = listing[evenly_spaced(len(listing), count)]
    for done, row in enumerate(rows, start=1):
        path = folder / os.fsdecode(row["path"])
        yield read_crop(path, **crop, file_bytes=int(row["bytes"])).transpose(2, 0, 1)
        if done % SHOWN_EVERY == 0 or done == len(rows):
            print(f"{purpose}: {done} of {len(rows)} images", flush=True)
