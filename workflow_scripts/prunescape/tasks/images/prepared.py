"""The one prepared file of a data set and its identity: what every later step reads."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from prunescape.tasks.arrays import Arrays, digest_of, read_arrays

IDENTITY = ("dataset", "digest", "shape", "classes", "train", "test", "mean", "std")
STATISTICS = ("mean", "std", "quartiles", "extremes")
ARRAYS = ("train_images", "train_labels", "test_images", "test_labels")
HELD_OUT = ("validation_images", "validation_labels")  # only where there is a validation split
# An image folder's digest is of these; its test_images are a sample, and another decoder may round a pixel otherwise.
SAMPLED = ("test_images", "test_labels", "test_positions")
LISTED = ("train_listing", "test_listing", "validation_listing", "crop")


@dataclass(frozen=True)
class PreparedData:
    """Images are uint8 (n, channels, height, width), labels int64 (n,).

    `mean` and `std` are those of the TRAINING images, per channel, of pixel values scaled to 0..1 (matthiesen2023,
    3.1.1); `quartiles` (3, channels) and `extremes` (2, channels), lowest and highest, are of the same values, None
    where preparing noted none. The validation split is None where no images are held out for it.
    """

    train_images: np.ndarray
    train_labels: np.ndarray
    test_images: np.ndarray
    test_labels: np.ndarray
    mean: np.ndarray
    std: np.ndarray
    classes: int
    validation_images: np.ndarray | None = None
    validation_labels: np.ndarray | None = None
    quartiles: np.ndarray | None = None
    extremes: np.ndarray | None = None


@dataclass(frozen=True)
class PreparedFolder:
    """An image folder that is streamed from disk. A listing is a structured array (n,), see image_folder.list_splits.

    Images are resized to `resize` pixels on their shorter side, crops are `size` squared. `test_images`, uint8
    (k, 3, size, size), and `test_labels` are of the test split's images number `test_positions`, (k,), for checks that
    need no folder. `mean` and `std` as in PreparedData; `folder` is where the images lie now, `workers` how many
    processes decode them.
    """

    train_listing: np.ndarray
    test_listing: np.ndarray
    test_images: np.ndarray
    test_labels: np.ndarray
    test_positions: np.ndarray
    size: int
    resize: int
    mean: np.ndarray
    std: np.ndarray
    classes: int
    validation_listing: np.ndarray | None = None
    quartiles: np.ndarray | None = None
    extremes: np.ndarray | None = None
    folder: Path | None = None
    workers: int = 0


def data_digest(arrays: Arrays) -> str:
    """SHA-256 over the names, types, shapes and bytes of `arrays`: the same images give the same digest anywhere.

    Of an image folder only over relative paths, labels, sizes in bytes, and how it is resized and cropped: ImageNet's
    content is 150 GB, hours of reading. An image replaced by another of the same size in bytes goes unnoticed; one of
    another size is refused when it is read. Raises KeyError for one without its sample.
    """
    if "crop" not in arrays:
        return digest_of(arrays, (*ARRAYS, *HELD_OUT))
    for name in SAMPLED:
        arrays[name]  # outside the digest: the archive's checksums guard its bytes, this its name
    return digest_of(arrays, LISTED)


def load_prepared(
    data: Path | str, identity: Path | str, *, folder: Path | str | None = None, workers: int = 0
) -> PreparedData | PreparedFolder:
    """Read a prepared data set; raises InputError when the file is missing, damaged or not the one identified.

    Only training from an image folder uses the `folder` and decoding `workers`.
    """
    arrays, known = read_arrays(data, identity, IDENTITY, data_digest)
    noted = [name for name in STATISTICS if name in known]
    about = {name: np.array(known[name], np.float32) for name in noted} | {"classes": known["classes"]}
    if "crop" not in arrays:
        return PreparedData(**arrays, **about)
    resize, size = (int(pixels) for pixels in arrays.pop("crop"))
    streaming = {"resize": resize, "size": size, "folder": Path(folder) if folder else None, "workers": workers}
    return PreparedFolder(**arrays, **about, **streaming)


def tested_labels(prepared: PreparedData | PreparedFolder) -> np.ndarray:
    """The labels (n,) of the whole test split."""
    return prepared.test_listing["label"] if isinstance(prepared, PreparedFolder) else prepared.test_labels
