"""The one prepared file of a data set: arrays whose digest stands in the identity beside it."""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from prunescape.errors import InputError
from prunescape.store.files import AGAIN, read_json, whole_file, write_json

Arrays = dict[str, np.ndarray]


def digest_of(arrays: Mapping[str, np.ndarray], names: Iterable[str]) -> str:
    """SHA-256 over the names, types, shapes and bytes of those of `arrays` that have one of these `names`."""
    digest = hashlib.sha256()
    for name in (name for name in names if name in arrays):
        array = np.ascontiguousarray(arrays[name])
        kind = array.dtype.descr if array.dtype.names else array.dtype.str
        digest.update(f"{name} {kind} {array.shape}".encode())
        digest.update(array.data if array.dtype.names is None else array.tobytes())
    return digest.hexdigest()


def write_arrays(arrays: Arrays, content: dict[str, Any], *, data: Path, identity: Path) -> None:
    """Write the arrays of a data set to `data` (npz without pickle) and what they are to `identity` (JSON)."""
    with whole_file(data) as temporary, open(temporary, "wb") as file:
        np.savez(file, **arrays)
    write_json(identity, content)


def read_arrays(
    data: Path | str, identity: Path | str, needed: Iterable[str], data_digest: Callable[[Arrays], str]
) -> tuple[Arrays, dict[str, Any]]:
    """The arrays in `data` and the identity of a data set, which has the keys `needed`.

    Raises InputError when a file is missing, damaged or not the one identified.
    """
    known = read_json(identity, *needed)
    try:
        with np.load(data, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        digest = data_digest(arrays)
    except Exception as error:  # numpy and zipfile raise many kinds for one damaged file
        raise InputError(f"the data file cannot be read ({error})", where=data, hint=AGAIN) from None
    if digest != known["digest"]:
        raise InputError("the data file is not the one its identity names", where=data, hint=AGAIN)
    return arrays, known
