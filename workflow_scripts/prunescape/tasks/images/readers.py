"""Readers of original files: scikit-learn's digits, MNIST, Fashion-MNIST, CIFAR-10 and CIFAR-100."""

import gzip
import hashlib
import pickle
import tarfile
import zlib
from pathlib import Path

import numpy as np

from prunescape.config.originals import ORIGINALS
from prunescape.errors import InputError
from prunescape.tasks.subsets import draw, take_subsets

UNSIGNED_BYTE = 0x08  # the type of values in an idx file
TITLES = {"cifar10": "CIFAR-10", "cifar100": "CIFAR-100"}
LABELS = {"cifar10": "labels", "cifar100": "fine_labels"}
HINT = "get the original file again, or delete it for a new download"


def read_digits(options: dict) -> dict[str, np.ndarray]:
    """The 1,797 digits as uint8 (n, 1, 8, 8), pixels 0..16 scaled to 0..255 by round(255 x / 16).

    `options["test"]` images are drawn by `options["split_seed"]`, stratified by class, and the rest is for training.
    scikit-learn's copy is the test half of the original set, so this split is ours. Raises InputError when there are
    not that many images.
    """
    from sklearn.datasets import load_digits

    bunch = load_digits()
    images = np.rint(bunch.images * (255 / 16)).astype(np.uint8)[:, None]
    labels = bunch.target.astype(np.int64)
    tested = draw(labels, options["test"], seed=options["split_seed"], split="test", leave=True)
    kept = np.setdiff1d(np.arange(len(labels)), tested)
    return _arrays(images[kept], labels[kept], images[tested], labels[tested])


def _arrays(*arrays: np.ndarray) -> dict[str, np.ndarray]:
    return dict(zip(("train_images", "train_labels", "test_images", "test_labels"), arrays, strict=True))


def read_mnist(options: dict) -> dict[str, np.ndarray]:
    """MNIST or Fashion-MNIST, whose files have one format, as uint8 (n, 1, 28, 28) and int64 (n,), in the files' order.

    Raises InputError for a missing or damaged file.
    """
    folder, arrays = Path(options["folder"]), {}
    for split, prefix in (("train", "train"), ("test", "t10k")):
        images = _read_idx(folder / f"{prefix}-images-idx3-ubyte.gz", dimensions=3)
        labels = _read_idx(folder / f"{prefix}-labels-idx1-ubyte.gz", dimensions=1)
        if len(images) != len(labels):
            raise InputError(f"{len(images)} {split} images but {len(labels)} labels", where=folder)
        arrays |= {f"{split}_images": images[:, None], f"{split}_labels": labels.astype(np.int64)}
    return arrays


def _read_idx(path: Path, *, dimensions: int) -> np.ndarray:
    """The unsigned bytes of a gzipped idx file: 0, 0, type, number of axes, their lengths (big-endian), values."""
    try:
        content = gzip.decompress(path.read_bytes())
    except FileNotFoundError:
        raise InputError("the file is missing", where=path, hint=HINT) from None
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"the file is damaged ({error})", where=path, hint=HINT) from None
    start = 4 + 4 * dimensions
    shape = tuple(int(length) for length in np.frombuffer(content[4:start], ">u4")) if len(content) >= start else ()
    right_kind = content[:4] == bytes([0, 0, UNSIGNED_BYTE, dimensions])
    if not right_kind or len(content) - start != np.prod(shape, dtype=object):
        raise InputError(f"no idx file of unsigned bytes with {dimensions} axes", where=path, hint=HINT)
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape)


def read_cifar(options: dict) -> dict[str, np.ndarray]:
    """CIFAR-10 or CIFAR-100 as uint8 (n, 3, 32, 32) and int64 (n,): all batches but the last for training, in order.

    CIFAR-100's labels are the 100 fine ones. The archive is read in memory, nothing is extracted. Raises InputError for
    a missing or damaged file.
    """
    name = options["name"]
    batches = [_unpickle(content, batch, options) for batch, content in _read_batches(options).items()]
    images = [batch["data"].reshape(-1, 3, 32, 32) for batch in batches]
    labels = [np.array(batch[LABELS[name]], np.int64) for batch in batches]
    return _arrays(np.concatenate(images[:-1]), np.concatenate(labels[:-1]), images[-1], labels[-1])


def _read_batches(options: dict) -> dict[str, bytes]:
    """The bytes of each batch, from the archive where there is one."""
    name, folder = options["name"], Path(options["folder"])
    known, batches = ORIGINALS[name]
    archive = folder / next(iter(known))
    try:
        if not archive.exists():
            return {batch: (folder / batch).read_bytes() for batch in batches}
        with tarfile.open(archive, "r:gz") as tar:
            return {batch: tar.extractfile(batch).read() for batch in batches}
    except (OSError, EOFError, KeyError, AttributeError, tarfile.TarError, zlib.error) as error:
        raise InputError(f"{TITLES[name]} cannot be read ({error})", where=folder, hint=HINT) from None


def _unpickle(content: bytes, batch: str, options: dict) -> dict:
    """A batch, read only when its bytes are the published ones: a pickle from elsewhere could run anything."""
    _, batches = ORIGINALS[options["name"]]
    if hashlib.md5(content, usedforsecurity=False).hexdigest() != batches[batch]:
        what = f"{batch} is not the published file: its md5 differs"
        raise InputError(what, where=options["folder"], hint=HINT)
    return pickle.loads(content, encoding="latin1")  # noqa: S301, the line above verified the bytes


READERS = {
    "digits": read_digits,
    **dict.fromkeys(("mnist", "fashion-mnist"), read_mnist),
    **dict.fromkeys(("cifar10", "cifar100"), read_cifar),
}


def read_dataset(options: dict) -> dict[str, np.ndarray]:
    """The arrays of a data set with these resolved options, subsets taken; raises InputError as the readers do."""
    return take_subsets(READERS[options["name"]](options), options)
