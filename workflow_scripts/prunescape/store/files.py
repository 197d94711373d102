"""Whole files or none, and a folder of this user alone.

JSON files are sealed: a flipped digit is another number and still JSON.
"""

import hashlib
import json
import os
import secrets
import stat
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from prunescape.errors import InputError
from prunescape.store.exhaustion import out_of_space

AGAIN = "delete it and run again"
HALF = ".part"
HALF_FILES = f".*{HALF}"  # what a process that was killed may leave of a file it was writing
NAME_BYTES = 255  # that file systems take for a name in a path
# bytes; endings and the signs of a half-written file need some 40 more
LONGEST_NAME, DIGEST_CHARACTERS = 200, 12
SEAL = "sha256"  # the key of a JSON file's checksum, over the canonical text of all else


def is_path(text: str) -> bool:
    """Whether the system takes a text for a path, be something there or not: it, or a name in it, may be too long.

    Behind a folder that is missing the system looks at no name.
    """
    try:
        os.lstat(text)
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return max(len(os.fsencode(name)) for name in text.split(os.sep)) <= NAME_BYTES
    except (OSError, ValueError):
        return False
    return True


def short_name(name: str, most: int = LONGEST_NAME, *, of: str = "") -> str:
    """A file's name of at most `most` bytes: of a longer one the start and a digest, which keeps it apart.

    A name that was made from another text, `of` which it may not be the only one, gets the digest of that.
    """
    if not of and len(name.encode()) <= most:
        return name
    digest = hashlib.sha256((of or name).encode()).hexdigest()[:DIGEST_CHARACTERS]
    start = name.encode()[: most - DIGEST_CHARACTERS - 1].decode(errors="ignore")
    return f"{start}-{digest}"


@contextmanager
def whole_file(path: Path | str) -> Iterator[Path]:
    """Gives a temporary path beside `path`; it takes that name when the block ends well, else it is deleted.

    Raises InputError when there is no space left or the folder cannot be written to. The name is drawn, since two hosts
    of one file system may have the same process number. The folder is not synchronised: a rename that a power failure
    undoes leaves no half file, only a job to do again.
    """
    path = Path(path)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(6)}{HALF}")
    try:
        mode = _touch(temporary, path)
        yield temporary
        with open(temporary, "rb") as written:
            os.fsync(written.fileno())
        os.chmod(temporary, mode)
        os.replace(temporary, path)
    except Exception as error:
        space = out_of_space(error)
        if not space or isinstance(error, InputError):
            raise
        raise InputError(f"cannot be written: {space}", where=path, hint="free some space and run again") from error
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def _touch(path: Path, final: Path) -> int:
    """Make an empty file, which an error calls by its `final` name; gives its mode by the user's umask.

    Some libraries write one for its owner alone.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    except OSError as error:
        if out_of_space(error):
            raise
        blocked = Path(error.filename or path)
        where = final if blocked == path else blocked
        raise InputError(f"cannot be written: {error.strerror}", where=where) from None
    return stat.S_IMODE(path.stat().st_mode)


def write_json(path: Path | str, content: dict) -> None:
    """Write `content` as strict, sealed JSON (a NaN is a ValueError) with sorted keys: equal content, equal bytes.

    Raises ValueError for content that has the seal's key.
    """
    if SEAL in content:
        raise ValueError(f'"{SEAL}" is the key of the checksum')
    plain = json.loads(json.dumps(content, allow_nan=False))  # keys are texts and sort as such when they are read
    text = json.dumps({**plain, SEAL: _seal(plain)}, indent=1, sort_keys=True)
    with whole_file(path) as temporary:
        temporary.write_text(text + "\n")


def read_json(path: Path | str, *needed: str) -> dict:
    """The object that `write_json` wrote to `path`, without its seal.

    Raises InputError that names the file when it is missing, damaged, not sealed or lacks a `needed` key.
    """
    try:
        content = json.loads(Path(path).read_text())
    except FileNotFoundError:
        raise InputError("the file is missing", where=path) from None
    except (ValueError, OSError) as error:
        raise InputError(f"the file cannot be read as JSON ({error})", where=path, hint=AGAIN) from None
    if not isinstance(content, dict):
        raise InputError("the file holds no JSON object", where=path, hint=AGAIN)
    seal = content.pop(SEAL, None)
    if seal is None:
        raise InputError("the file has no checksum: damaged, or of another version", where=path, hint=AGAIN)
    if seal != _seal(content):
        raise InputError("the file is damaged: its content is not that of its checksum", where=path, hint=AGAIN)
    for key in needed:
        if key not in content:
            raise InputError(f'the file has no "{key}"', where=path, hint=AGAIN)
    return content


def _seal(content: dict) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def damaged_files(paths: Iterable[Path | str]) -> list[str]:
    """One line for each of these sealed JSON files that is there and damaged."""
    lines = []
    for path in (path for path in paths if Path(path).exists()):
        try:
            read_json(path)
        except InputError as error:
            lines.append(str(error))
    return lines


def file_digest(path: Path | str) -> str:
    """SHA-256 of a file's bytes, in hexadecimal."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def private_folder(base: str | None = None) -> Path:
    """The folder in `base`, by default the temporary one, made when there is none.

    Raises PermissionError when others own it or can look into it.
    """
    folder = Path(base or tempfile.gettempdir()) / f"prunescape-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise PermissionError(f"{folder} is not this user's alone")
    return folder
