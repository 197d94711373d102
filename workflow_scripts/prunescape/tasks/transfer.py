"""One file from one address: what a partial file lacks is appended to it, by HTTP's Range where the server has it."""

import http.client
import re
import time
from collections.abc import Callable
from typing import IO
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import FTPHandler, Request, build_opener

TIMEOUT_SECONDS = 60  # of silence: without a limit it would hold the job for ever
CHUNK = 1 << 18  # bytes
SLOW_SECONDS = 30.0  # the time over which a rate is judged
PARTIAL, NOTHING_LEFT = 206, 416  # HTTP's status for a part of the file, and for one that begins behind its end
FOR_NOW = (408, 425, 429)  # the only refusals that a later request may not meet


class Refused(Exception):
    """The address does not have the file; the text is the reason."""


class Broken(Exception):
    """The transfer ended before the file did, or never began; the text is the reason. What came stays."""


def transfer(
    address: str, part: IO[bytes], progress: Callable[[int, int | None], None], *, least_rate: float = 0.0
) -> int:
    """Append to `part` what it lacks of the file at `address`; gives the number of its bytes that were kept for that.

    `part` is open to append, without a buffer. A server that sends the whole file all the same makes it begin anew.
    `progress` is called with the bytes that are there and those of the file, if the server tells. Raises Refused, and
    Broken also for a transfer below `least_rate`, in bytes per second. An error in writing is an OSError.
    """
    response, start = _connected(address, part.seek(0, 2))
    if response is None:
        return start
    with response:
        part.truncate(start)
        coming = _length(response)
        there, total = start, None if coming is None else start + coming
        pace = _Pace(least_rate)
        while chunk := _read(response):
            _append(part, chunk)
            there += len(chunk)
            progress(there, total)
            pace.add(len(chunk))
    if total is not None and there < total:
        raise Broken(f"broke off after {there} of {total} bytes")
    return start


class NoFTP(FTPHandler):
    """Takes the place of the handler that would follow a redirection to ftp."""

    def ftp_open(self, req):
        raise Refused("it leads to ftp")


class _Pace:
    """Raises Broken when too little came within a stretch of time."""

    def __init__(self, least_rate: float) -> None:
        self.least_rate, self.since, self.bytes = least_rate, time.monotonic(), 0

    def add(self, count: int) -> None:
        self.bytes += count
        seconds = time.monotonic() - self.since
        if seconds < SLOW_SECONDS:
            return
        if self.bytes < self.least_rate * seconds:
            raise Broken(f"slow: {self.bytes / seconds / 1e3:.0f} kB/s")
        self.since, self.bytes = time.monotonic(), 0


def _connected(address: str, start: int):
    """The open response, None if nothing is left to send, and the byte of the file with which it begins."""
    try:
        response = _opened(address, start)
    except HTTPError as error:
        if start and error.code == NOTHING_LEFT:
            return None, start
        lasting = error.code < 500 and error.code not in FOR_NOW
        raise (Refused if lasting else Broken)(f"HTTP {error.code} {_reason(error)}") from None
    if start and getattr(response, "status", None) == PARTIAL and not _continues(response, start):
        response.close()
        return _connected(address, 0)
    return response, start if getattr(response, "status", None) == PARTIAL else 0


def _opened(address: str, start: int):
    headers = {"User-Agent": "prunescape", "Accept-Encoding": "identity"}
    if start:
        headers["Range"] = f"bytes={start}-"
    try:
        return build_opener(NoFTP).open(Request(address, headers=headers), timeout=TIMEOUT_SECONDS)
    except HTTPError:
        raise
    except (OSError, http.client.HTTPException, ValueError) as error:
        lasting = isinstance(error, ValueError) or urlsplit(address).scheme == "file"
        raise (Refused if lasting else Broken)(_reason(error)) from None


def _continues(response, start: int) -> bool:
    return re.match(rf"bytes {start}-", response.headers.get("Content-Range", "")) is not None


def _length(response) -> int | None:
    """The bytes to come, where the server tells."""
    text = response.headers.get("Content-Length", "")
    return int(text) if text.isdecimal() else None


def _read(response) -> bytes:
    """What has come, at most a chunk; empty at the end."""
    try:
        return response.read1(CHUNK)
    except (OSError, http.client.HTTPException) as error:
        raise Broken(_reason(error)) from None


def _append(part: IO[bytes], chunk: bytes) -> None:
    left = memoryview(chunk)
    while left:
        left = left[part.write(left) :]


def _reason(error: BaseException) -> str:
    """The system's words for it, in one line."""
    cause = error.reason if isinstance(error, URLError) else error
    words = getattr(cause, "strerror", None) or str(cause) or type(cause).__name__
    return " ".join(str(words).split())
