"""Original files from the network, from the first of several sources that gives what has the published md5.

Written with the standard library: pooch, torch.hub and torchvision verify digests, but none continues a partial file.
"""

import fcntl
import hashlib
import os
import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

from prunescape.config.datasets import missing_files
from prunescape.config.originals import addresses_of
from prunescape.errors import InputError
from prunescape.store.exhaustion import out_of_space
from prunescape.tasks.transfer import Broken, Refused, transfer

PART = ".part"
PAUSES = (1.0, 4.0)  # seconds before all sources are tried again; so many times without anything new, then it ends
NEW = 1 << 18  # bytes that must have come for a round to count as one with something new
LEAST_RATE = 100e3  # bytes per second: a slower source gives way to the next one, but is kept for the second round
PROGRESS_SECONDS = 5.0  # between two lines
Report = Callable[[str], None]


def fetch_originals(options: dict, report: Report = print) -> None:
    """Download what is missing of the original files of a data set with these resolved options.

    `report` gets lines of progress. Raises InputError for missing files that are not to be, or cannot be, downloaded.
    """
    for path, md5 in missing_files(options).items():
        download(path, addresses_of(options, path.name), md5, report)


def download(path: Path, addresses: Sequence[str], md5: str, report: Report = print) -> None:
    """Fetch the file with this `md5` to `path` from one of the `addresses`; it takes its name when it is whole.

    What came of it stays in `path` with .part added, also after a failure, and the next download goes on from there.
    Another process that wants the same file waits. Raises InputError when no source gives the file, or the folder
    cannot be written to.
    """
    try:
        with _part_of(path, report) as part:
            if path.exists():
                return
            fetch = _Fetch(path.name, md5, part, report)
            if not fetch.from_any(addresses):
                raise _unavailable(path, md5, fetch)
            os.fsync(part.fileno())
            os.replace(part.name, path)
            report(f"{path.name}: complete, its md5 is the published one")
    except OSError as error:
        space = out_of_space(error)
        hint = f"free some space and run again: {path.name}{PART} is kept" if space else "name another folder"
        raise InputError(f"cannot be written: {space or error.strerror or error}", where=path, hint=hint) from None


@contextmanager
def _part_of(path: Path, report: Report) -> Iterator[IO[bytes]]:
    """The partial file of `path`, open to append and locked; one that nobody can go on with is deleted in the end."""
    path.parent.mkdir(parents=True, exist_ok=True)
    shared = path.with_name(path.name + PART)
    part = _locked(shared, report)
    try:
        yield part
    finally:
        _close(part, keep=Path(part.name) == shared)


def _locked(path: Path, report: Report) -> IO[bytes]:
    """Open and lock it, anew where the process before renamed it; another file of our own where there are no locks."""
    while True:
        part = open(path, "ab", buffering=0)  # noqa: SIM115 (the caller closes it)
        try:
            _lock(part, report)
        except OSError:
            _close(part)
            return open(path.with_name(f".{path.name}.{secrets.token_hex(6)}"), "ab", buffering=0)
        if _in_place(part):
            return part
        part.close()


def _close(part: IO[bytes], *, keep: bool = True) -> None:
    """Close it, and delete it unless there is something to keep."""
    with suppress(OSError):
        if _in_place(part) and not (keep and os.fstat(part.fileno()).st_size):
            os.unlink(part.name)
    part.close()


def _lock(part: IO[bytes], report: Report) -> None:
    try:
        fcntl.flock(part, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        report(f"{part.name}: another process is downloading it, this one waits")
        fcntl.flock(part, fcntl.LOCK_EX)


def _in_place(part: IO[bytes]) -> bool:
    """Whether the open file still is the one that has its name."""
    try:
        return os.path.samestat(os.fstat(part.fileno()), os.stat(part.name))
    except FileNotFoundError:
        return False


class _Fetch:
    """Fills one partial file from several sources; `failures` has the reason of each that failed, by its address."""

    def __init__(self, name: str, md5: str, part: IO[bytes], report: Report) -> None:
        self.name, self.md5, self.part, self.report = name, md5, part, report
        self.failures: dict[str, str] = {}
        self.refused: set[str] = set()

    def from_any(self, addresses: Sequence[str]) -> bool:
        """Try the sources in turn until the file is whole; False when nothing new came for some rounds."""
        idle, patient, most = 0, len(addresses) == 1, self.size
        while True:
            if any(self._from(address, patient) for address in addresses if address not in self.refused):
                return True
            idle, most = (0, self.size) if self.size >= most + NEW else (idle + 1, most)
            if idle > len(PAUSES) or self.refused.issuperset(addresses):
                return False
            time.sleep(PAUSES[max(idle - 1, 0)])
            patient = True

    @property
    def size(self) -> int:
        """Bytes that are there."""
        return os.fstat(self.part.fileno()).st_size

    def _from(self, address: str, patient: bool) -> bool:
        self.report(f"{self.name}: from {shown(address)}" + (f", {_mb(self.size)} are here" if self.size else ""))
        progress = Progress(self.name, self.size, self.report)
        try:
            kept = transfer(address, self.part, progress, least_rate=0.0 if patient else LEAST_RATE)
        except (Refused, Broken) as error:
            self._failed(address, str(error), lasting=isinstance(error, Refused))
            return False
        found = _md5_of(self.part.name)
        if found == self.md5:
            return True
        self.part.truncate(0)
        self._failed(address, f"not the published file, its md5 is {found}", lasting=not kept)
        return bool(kept) and self._from(address, patient)  # what was kept may be at fault: once more from the start

    def _failed(self, address: str, reason: str, *, lasting: bool) -> None:
        self.failures[address] = reason
        self.report(f"{self.name}: {shown(address)}: {reason}")
        if lasting:
            self.refused.add(address)


class Progress:
    """Reports how much of a file is there, from time to time; `first` bytes of it were there before."""

    def __init__(self, name: str, first: int, report: Report) -> None:
        self.name, self.first, self.report = name, first, report
        self.started = self.printed = time.monotonic()

    def __call__(self, there: int, total: int | None) -> None:
        now = time.monotonic()
        if now - self.printed < PROGRESS_SECONDS:
            return
        self.printed = now
        rate = (there - min(self.first, there)) / (now - self.started)
        of = "" if total is None else f" of {_mb(total)}"
        self.report(f"{self.name}: {_mb(there)}{of}, {rate / 1e6:.2f} MB/s")


def shown(address: str) -> str:
    """An address for a log: without its query, which may be a key."""
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}{parts.path}"


def _mb(count: int) -> str:
    return f"{count / 1e6:.1f} MB"


def _md5_of(path: str) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def _unavailable(path: Path, md5: str, fetch: _Fetch) -> InputError:
    reasons = "; ".join(f"{shown(address)}: {reason}" for address, reason in fetch.failures.items())
    hint = f"put the file with the md5 {md5} into this folder, or name other addresses with the data set's option url"
    stays = fetch.size and fetch.part.name.endswith(PART)  # a file of our own, where there are no locks, does not
    kept = f"; {_mb(fetch.size)} are kept in {path.name}{PART} for the next run" if stays else ""
    return InputError(f"{path.name} cannot be downloaded ({reasons})", where=path.parent, hint=hint + kept)
