"""What trainings on this host learnt about system parameters: one Parquet file that all studies share.

A row is one epoch of one training: host, key, configuration, result, and the profile of a first epoch. Concurrent runs
append under a lock, and the file is replaced as a whole. A file that is damaged or of another version is left as it is.
"""

import fcntl
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa

from prunescape.errors import InputError
from prunescape.store.tables import Columns, arrow_schema, read_table, write_table

VERSION = b"1"
MARK = b"prunescape_system_store"
LOCK_SECONDS = 20.0  # that an append waits for others
STORE_COLUMNS: Columns = {
    "host": ("string", "name of the host"),
    "key": ("string", "SHA-256 of `about`"),
    "about": ("string", "what was trained (JSON): widths, data, batch size, precision and so on"),
    "configuration": ("string", "the neutral system parameters during the epoch (JSON)"),
    "seconds": ("float64", "wall time of the epoch's training, without its test"),
    "joules": ("float64", "energy of that; null where none is known"),
    "profile": (
        "string",
        "what the first epoch of a training did per second (JSON, log10); such an epoch warms caches up and is not "
        "compared with others; null of any other",
    ),
    "finished": ("string", "when, in universal time (ISO 8601)"),
}


def read_observations(path: Path | str) -> list[dict[str, Any]]:
    """The rows of the store in `path`, none where there is no file.

    Raises InputError for one that is damaged, or of another version of this program.
    """
    path = Path(path)
    if not os.path.exists(path):  # which takes what is closed, or no path, for nothing
        return []
    aside = "it is left aside; name another file as system.store, or move this one away"
    try:
        table = read_table(path)
    except InputError as error:
        raise InputError(error.what, where=path, hint=aside) from None
    version = (table.schema.metadata or {}).get(MARK)
    if version is None:
        raise InputError("the file is no store of system parameters", where=path, hint=aside)
    if version != VERSION:
        what = f"the store is of version {version.decode(errors='replace')}"
        raise InputError(what, where=path, allowed=VERSION.decode(), hint=aside)
    return table.to_pylist()


def append_observations(path: Path | str, rows: Sequence[dict[str, Any]]) -> None:
    """Add rows to the store, which is made where there is none.

    Raises InputError as `read_observations`, and when the file cannot be written.
    """
    path = Path(path)
    with _locked(path):
        known = read_observations(path)
        schema = arrow_schema(STORE_COLUMNS).with_metadata({MARK: VERSION})
        write_table(pa.Table.from_pylist([*known, *rows], schema=schema), path)


def check_writable(path: Path | str) -> None:
    """Raise InputError where a store cannot be written to `path`. Nothing is made."""
    path = Path(path).absolute()
    if os.path.isdir(path):
        raise InputError("this is a folder", where=path, allowed="the path of a file")
    folder = next(parent for parent in path.parents if os.path.exists(parent))
    if not folder.is_dir() or not os.access(folder, os.W_OK | os.X_OK):
        raise InputError(f"cannot be written: {folder} takes no file", where=path)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Within, no other process of ours writes the store."""
    lock = path.with_name(f"{path.name}.lock")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock.touch()
    except OSError as error:
        raise InputError(f"cannot be written: {error.strerror}", where=lock) from None
    with open(lock, "w") as file:
        until = time.monotonic() + LOCK_SECONDS
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except OSError as error:
                if time.monotonic() > until:
                    what = f"no lock within {LOCK_SECONDS:g} s ({error.strerror})"
                    raise InputError(what, where=lock, hint="is the file system shared, and does it lock?") from None
                time.sleep(0.05)
        yield
