"""What every connection to a target needs: one benchmark at a time, and another try when it drops."""

import fcntl
import hashlib
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from prunescape.errors import InputError
from prunescape.store.files import private_folder

Result = TypeVar("Result")


class ConnectionLost(Exception):
    """The connection dropped or timed out: another try may succeed."""


def with_retries(target: dict, attempt: Callable[[], Result]) -> Result:
    """The result of `attempt`, tried `retries` times more when its connection is lost, then InputError."""
    tries = 1 + target["retries"]
    for number in range(1, tries + 1):
        try:
            return attempt()
        except ConnectionLost as error:
            print(f"{target['name']}: attempt {number} of {tries}: {error}", file=sys.stderr, flush=True)
            last = str(error)
        if number < tries:
            time.sleep(target["retry_wait_seconds"])
    raise InputError(f"the target cannot be reached: {last}", where=f"targets.{target['name']}")


@contextmanager
def alone_on(kind: str, address: str) -> Iterator[None]:
    """Waits until no other benchmark started from this host measures on the same target, then keeps others away."""
    try:
        folder = private_folder()
    except PermissionError as error:
        raise InputError(str(error), hint="set TMPDIR to a folder of your own") from None
    name = hashlib.sha256(f"{kind} {address}".encode()).hexdigest()[:16]
    with open(folder / f"target-{name}.lock", "a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(f"waiting: another benchmark measures on {address}", file=sys.stderr, flush=True)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
