"""What `prunescape init` has to know of a folder of images; its pixels are left to the run."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from statistics import median_low

from prunescape.errors import InputError

ENDINGS = (".jpg", ".jpeg", ".png", ".ppm", ".bmp", ".pgm", ".tif", ".tiff", ".webp")  # those of torchvision
LAYOUT = "train/CLASS/IMAGE and val/CLASS/IMAGE"
MEASURED = 200  # images whose size is read, evenly spaced


@dataclass(frozen=True)
class ImageFolder:
    """How many `classes`, images to `train` and to `test` with, and the median of the shorter `side`s in pixels."""

    classes: int
    train: int
    test: int
    side: int


def look_at(folder: Path) -> ImageFolder:
    """What a folder of images holds.

    Raises InputError for another layout, a link to nowhere, and a file that is no image.
    """
    train, test = _images(folder, "train"), _images(folder, "val")
    if differing := sorted(set(train) ^ set(test)):
        what = f'class "{differing[0]}" is in one of train/ and val/ only ({len(differing)} classes differ)'
        raise InputError(what, where=folder, allowed="the same classes in both")
    images = [image for of_class in train.values() for image in of_class]
    sides = [_shorter_side(image) for image in images[:: -(-len(images) // MEASURED)]]
    return ImageFolder(len(train), len(images), sum(map(len, test.values())), median_low(sides))


def _images(folder: Path, split: str) -> dict[str, list[Path]]:
    """The images of each class of a split, but for hidden ones."""
    root = folder / split
    if not root.is_dir():
        raise InputError(f"there is no folder {split}/", where=folder, allowed=LAYOUT)
    there = [path for path in root.iterdir() if not path.name.startswith(".")]
    _refuse_dead_links(there)
    classes = sorted(path for path in there if path.is_dir())
    if len(classes) < 2:
        raise InputError(f"it holds too few folders of classes ({len(classes)})", where=root, allowed=LAYOUT)
    found = {path.name: sorted(filter(_is_image, path.rglob("*"))) for path in classes}
    for name, images in found.items():
        if not images:
            allowed = f"files that end in {', '.join(ENDINGS)}"
            raise InputError("the class has no image", where=root / name, allowed=allowed)
        _refuse_dead_links(images)
    return found


def _refuse_dead_links(paths: Iterable[Path]) -> None:
    for path in paths:
        if not os.path.exists(path):
            raise InputError("the link leads nowhere", where=path, hint="remove it, or put back what it leads to")


def _is_image(path: Path) -> bool:
    return path.suffix.lower() in ENDINGS and not path.name.startswith(".")


def _shorter_side(path: Path) -> int:
    from PIL import Image

    try:
        with Image.open(path) as image:
            return min(image.size)
    except OSError as error:
        raise InputError(f"the image cannot be read ({error})", where=path) from None
