"""Whole files or none: results are written beside their place and moved there when complete. Needs nothing."""

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from prunescape.errors import InputError


@contextmanager
def whole_file(path: Path | str) -> Iterator[Path]:
    """Gives a temporary path beside `path`; it takes that name when the block ends well, else it is deleted."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        yield temporary
        with open(temporary, "rb") as written:
            os.fsync(written.fileno())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def write_json(path: Path | str, content: dict) -> None:
    """Write `content` as strict JSON (a NaN is a ValueError) with sorted keys: equal content, equal bytes."""
    text = json.dumps(content, indent=1, sort_keys=True, allow_nan=False)
    with whole_file(path) as temporary:
        temporary.write_text(text + "\n")


AGAIN = "delete it and run again"


def read_json(path: Path | str, *needed: str) -> dict:
    """Read a JSON object; raises InputError that names the file when it is missing, damaged or lacks a `needed` key."""
    try:
        content = json.loads(Path(path).read_text())
    except FileNotFoundError:
        raise InputError("the file is missing", where=path) from None
    except (ValueError, OSError) as error:
        raise InputError(f"the file cannot be read as JSON ({error})", where=path, hint=AGAIN) from None
    if not isinstance(content, dict):
        raise InputError("the file holds no JSON object", where=path, hint=AGAIN)
    for key in needed:
        if key not in content:
            raise InputError(f'the file has no "{key}"', where=path, hint=AGAIN)
    return content


def file_digest(path: Path | str) -> str:
    """SHA-256 of a file's bytes, in hexadecimal."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
