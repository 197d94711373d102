"""CIFAR-10 and CIFAR-100 from their python archives or the extracted batches, each checked before it is read."""

import hashlib
import pickle
import tarfile
import zlib
from pathlib import Path

import numpy as np

from prunescape.config.datasets import CIFAR, source_files
from prunescape.errors import InputError
from prunescape.tasks.images.download import download

TITLES = {"cifar10": "CIFAR-10", "cifar100": "CIFAR-100"}
LABELS = {"cifar10": "labels", "cifar100": "fine_labels"}
HINT = "get the original file again, or delete it for a new download"


def read_cifar(options: dict) -> dict[str, np.ndarray]:
    """CIFAR-10 or CIFAR-100 as uint8 (n, 3, 32, 32) and int64 (n,): all batches but the last for training, in order.

    CIFAR-100's labels are the 100 fine ones. The archive is read in memory, nothing is extracted; a folder with
    neither archive nor batches is filled by a download. Raises InputError for a missing or damaged file.
    """
    name, folder = options["name"], Path(options["folder"])
    if not source_files(options):
        download(_addresses(name), folder)
    batches = [_unpickle(content, batch, options) for batch, content in _read_batches(options).items()]
    images = [batch["data"].reshape(-1, 3, 32, 32) for batch in batches]
    labels = [np.array(batch[LABELS[name]], np.int64) for batch in batches]
    return {
        "train_images": np.concatenate(images[:-1]),
        "train_labels": np.concatenate(labels[:-1]),
        "test_images": images[-1],
        "test_labels": labels[-1],
    }


def _read_batches(options: dict) -> dict[str, bytes]:
    """The bytes of each batch, from the archive where there is one."""
    name, folder = options["name"], Path(options["folder"])
    known, batches = CIFAR[name]
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
    _, batches = CIFAR[options["name"]]
    if hashlib.md5(content, usedforsecurity=False).hexdigest() != batches[batch]:
        what = f"{batch} is not the published file: its md5 differs"
        raise InputError(what, where=options["folder"], hint=HINT)
    return pickle.loads(content, encoding="latin1")  # noqa: S301, the line above verified the bytes


def _addresses(name: str) -> dict[str, tuple[str, str]]:
    from prunescape.tasks.images.torchvision_operators import declare_missing_operators

    declare_missing_operators()
    from torchvision.datasets import CIFAR10, CIFAR100

    url = {"cifar10": CIFAR10.url, "cifar100": CIFAR100.url}[name]
    archive, _ = CIFAR[name]
    return {file: (url, md5) for file, md5 in archive.items()}
