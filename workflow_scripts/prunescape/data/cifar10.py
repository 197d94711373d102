"""CIFAR-10 from its python archive or the batches extracted from it, each checked before it is read. Needs numpy."""

import hashlib
import pickle
import tarfile
import zlib
from pathlib import Path

import numpy as np

from prunescape.data.download import download
from prunescape.data.names import CIFAR10_ARCHIVE, CIFAR10_BATCHES, source_files
from prunescape.errors import InputError

HINT = "get the original file again, or delete it for a new download"


def read_cifar10(options: dict) -> dict[str, np.ndarray]:
    """CIFAR-10 as uint8 (n, 3, 32, 32) and int64 (n,): batches 1 to 5 for training, in order, and the test batch.

    The archive is read in memory, nothing is extracted; a folder with neither archive nor batches is filled by a
    download. Raises InputError for a missing or damaged file.
    """
    folder = Path(options["folder"])
    if not source_files(options):
        download(_addresses(), folder)
    batches = [_unpickle(content, name, folder) for name, content in _read_batches(folder).items()]
    images = [batch["data"].reshape(-1, 3, 32, 32) for batch in batches]
    labels = [np.array(batch["labels"], np.int64) for batch in batches]
    return {
        "train_images": np.concatenate(images[:-1]),
        "train_labels": np.concatenate(labels[:-1]),
        "test_images": images[-1],
        "test_labels": labels[-1],
    }


def _read_batches(folder: Path) -> dict[str, bytes]:
    """The bytes of each batch, from the archive where there is one."""
    archive = folder / next(iter(CIFAR10_ARCHIVE))
    try:
        if not archive.exists():
            return {name: (folder / name).read_bytes() for name in CIFAR10_BATCHES}
        with tarfile.open(archive, "r:gz") as tar:
            return {name: tar.extractfile(name).read() for name in CIFAR10_BATCHES}
    except (OSError, EOFError, KeyError, AttributeError, tarfile.TarError, zlib.error) as error:
        raise InputError(f"CIFAR-10 cannot be read ({error})", where=folder, hint=HINT) from None


def _unpickle(content: bytes, name: str, folder: Path) -> dict:
    """A batch, read only when its bytes are the published ones: a pickle from elsewhere could run anything."""
    if hashlib.md5(content, usedforsecurity=False).hexdigest() != CIFAR10_BATCHES[name]:
        raise InputError(f"{name} is not the published file: its md5 differs", where=folder, hint=HINT)
    return pickle.loads(content, encoding="latin1")  # noqa: S301, the line above verified the bytes


def _addresses() -> dict[str, tuple[str, str]]:
    from prunescape.torchvision_operators import declare_missing_operators

    declare_missing_operators()
    from torchvision.datasets import CIFAR10

    return {name: (CIFAR10.url, md5) for name, md5 in CIFAR10_ARCHIVE.items()}
