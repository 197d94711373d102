"""Code digests that an earlier process of this user found in the same code: to find them all takes half a second."""

import hashlib
import os
import sys
from contextlib import suppress
from functools import cache
from pathlib import Path

from prunescape.errors import InputError
from prunescape.running import code_digest as digests
from prunescape.store.files import private_folder, read_json, write_json

NEWEST = 20  # contents of code whose digests are kept
READ = (".py", ".j2")  # the endings of what a digest may cover


@cache
def cached_digest(*roots: str) -> str:
    """As `code_digest`, from a file of the user's private folder, which belongs to one content of all our code."""
    known, name = _known(), " ".join(roots)
    if name not in known:
        known[name] = digests.code_digest(*roots)
        with suppress(InputError, OSError):
            _file().parent.mkdir(exist_ok=True)
            write_json(_file(), known)
            _delete_old()
    return known[name]


def _delete_old() -> None:
    """Keep the files of the NEWEST contents of code; a run whose file is gone finds its digests once more."""
    files = sorted(_file().parent.glob("*.json"), key=lambda path: path.stat().st_mtime, reverse=True)
    for path in files[NEWEST:]:
        path.unlink(missing_ok=True)


@cache
def _known() -> dict[str, str]:
    try:
        return read_json(_file())
    except (InputError, OSError):
        return {}


@cache
def _file() -> Path:
    return private_folder() / "digests" / f"{_content_of_code()}.json"


def _content_of_code() -> str:
    """A digest of the names and contents of all files that code digests are made from, and of Python's version."""
    package = digests.MODULES / digests.PACKAGE
    files = [path for folder in (digests.SCRIPTS.glob("*"), package.rglob("*")) for path in folder]
    content = hashlib.sha256(sys.version.encode())
    for path in sorted(path for path in files if path.suffix in READ):
        text = path.read_bytes()
        content.update(f"{os.path.relpath(path, digests.MODULES)} {len(text)}\n".encode() + text)
    return content.hexdigest()
