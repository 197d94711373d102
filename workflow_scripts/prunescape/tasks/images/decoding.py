"""One image file -> the crop that a network sees, as torchvision's Resize and crops make it."""

import os
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from prunescape.errors import InputError

CENTRE = None
OF_16_BITS = ("I;16", "I;16L", "I;16B", "I;16N")
WITHOUT_SCALE = ("I", "F")  # nothing in the file says which value is white


def read_crop(
    path: Path | str,
    *,
    resize: int,
    size: int,
    place: tuple[float, float] | None = CENTRE,
    flip: bool = False,
    file_bytes: int | None = None,
) -> np.ndarray:
    """The image in `path` as RGB, its shorter side resized to `resize` pixels, cropped and perhaps mirrored.

    Returns uint8 (size, size, 3). `place` is how far down and right the crop lies, each share in [0, 1) of the whole
    positions there are; CENTRE takes torchvision's CenterCrop. `file_bytes` is what the file's size must be. A photo is
    turned upright as its EXIF orientation says, which torchvision leaves out; grey of 16 bits becomes 8 bits. Raises
    InputError that names the file when it is missing, changed or no image, or its pixels are of 32 bits or floating
    point.
    """
    try:
        with open(path, "rb") as file:
            found = os.fstat(file.fileno()).st_size
            if file_bytes not in (None, found):
                what = f"the image has changed: {found} bytes, not {file_bytes} as when it was prepared"
                raise InputError(what, where=path, hint="delete the prepared data set and run again")
            with Image.open(file) as image:
                ImageOps.exif_transpose(image, in_place=True)
                pixels = np.asarray(_crop(_resized(_as_rgb(image, path), resize), size, place))
    except FileNotFoundError:
        raise InputError("the image is missing", where=path, hint="is this the folder that was prepared?") from None
    except InputError:
        raise
    except Exception as error:  # Pillow raises many kinds for one damaged file
        what = f"the image cannot be decoded ({type(error).__name__}: {error})"
        raise InputError(what, where=path, hint="get it again, or remove it and the prepared data set") from None
    return np.ascontiguousarray(pixels[:, ::-1]) if flip else pixels


def _as_rgb(image: Image.Image, path: Path | str) -> Image.Image:
    """`image` as RGB of 8 bits; Pillow alone would cut 16 bits off at 255."""
    if image.mode in WITHOUT_SCALE:
        what = f"its pixels are of mode {image.mode}, in which white has no fixed value"
        hint = "scale the images and save them again"
        raise InputError(what, where=path, allowed="8 or 16 bits per channel", hint=hint)
    if image.mode in OF_16_BITS:
        image = Image.fromarray(np.rint(np.asarray(image) / 257).astype(np.uint8))
    return image.convert("RGB")


def _resized(image: Image.Image, resize: int) -> Image.Image:
    width, height = image.size
    longer = int(resize * max(width, height) / min(width, height))  # truncated, as torchvision does
    size = (resize, longer) if width <= height else (longer, resize)
    return image if size == image.size else image.resize(size, Image.Resampling.BILINEAR)


def _crop(image: Image.Image, size: int, place: tuple[float, float] | None) -> Image.Image:
    width, height = image.size
    if place is CENTRE:
        top, left = (round((length - size) / 2) for length in (height, width))
    else:
        top, left = (int(share * (length - size + 1)) for share, length in zip(place, (height, width), strict=True))
    return image.crop((left, top, left + size, top + size))
