"""Fashion-MNIST from its four original idx.gz files: Debian's, the user's, or downloaded."""

import gzip
import zlib
from pathlib import Path

import numpy as np

from prunescape.config.datasets import FASHION_FILES
from prunescape.errors import InputError
from prunescape.tasks.images.download import download

UNSIGNED_BYTE = 0x08


def read_fashion_mnist(options: dict) -> dict[str, np.ndarray]:
    """Fashion-MNIST as uint8 (n, 1, 28, 28) and int64 (n,), in the files' order.

    A folder with none of the files is filled by a download. Raises InputError for a missing or damaged file.
    """
    folder = Path(options["folder"])
    if not any((folder / name).exists() for name in FASHION_FILES):
        download(_addresses(), folder)
    arrays = {}
    for split, prefix in (("train", "train"), ("test", "t10k")):
        images = read_idx(folder / f"{prefix}-images-idx3-ubyte.gz", dimensions=3)
        labels = read_idx(folder / f"{prefix}-labels-idx1-ubyte.gz", dimensions=1)
        if len(images) != len(labels):
            raise InputError(f"{len(images)} {split} images but {len(labels)} labels", where=folder)
        arrays |= {f"{split}_images": images[:, None], f"{split}_labels": labels.astype(np.int64)}
    return arrays


def read_idx(path: Path, *, dimensions: int) -> np.ndarray:
    """The unsigned bytes in a gzipped idx file: two zeros, type, number of axes, their lengths (big-endian), values.

    Raises InputError when the file is missing, damaged, or holds something else.
    """
    hint = "get the original file again, or delete all four for a new download"
    try:
        content = gzip.decompress(path.read_bytes())
    except FileNotFoundError:
        raise InputError("the file is missing", where=path, hint=hint) from None
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"the file is damaged ({error})", where=path, hint=hint) from None
    start = 4 + 4 * dimensions
    shape = tuple(int(length) for length in np.frombuffer(content[4:start], ">u4")) if len(content) >= start else ()
    right_kind = content[:4] == bytes([0, 0, UNSIGNED_BYTE, dimensions])
    if not right_kind or len(content) - start != np.prod(shape, dtype=object):
        raise InputError(f"no idx file of unsigned bytes with {dimensions} axes", where=path, hint=hint)
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape)


def _addresses() -> dict[str, tuple[str, str]]:
    from prunescape.tasks.images.torchvision_operators import declare_missing_operators

    declare_missing_operators()
    from torchvision.datasets import FashionMNIST

    return {name: (FashionMNIST.mirrors[0] + name, md5) for name, md5 in FASHION_FILES.items()}
