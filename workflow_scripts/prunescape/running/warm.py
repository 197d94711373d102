"""A job lets the warm process of its run do its work, or does it itself. Imports neither torch nor numpy.

The warm process (warm_server.py) has imported what takes seconds and forks a child per job. A job that cannot reach
it calls the same function in its own process.
"""

import fcntl
import json
import os
import signal
import socket
import subprocess
import sys
import time
import zlib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from prunescape.running.job_log import job_log
from prunescape.running.jobs import current_run
from prunescape.running.run_lock import Run
from prunescape.running.submission import do_together, members_with
from prunescape.store.files import private_folder

SERVER = "prunescape.running.warm_server"
START_SECONDS = 120.0
ORPHAN_SECONDS = 5.0  # by then a child has noticed that the warm process is gone
LONGEST = 103 if sys.platform == "darwin" else 107  # bytes of a socket's path
STOP = b"stop\n"
ALONE = "PRUNESCAPE_ALONE"  # marks a job that was started anew with MEMORY
NO_WARM = "PRUNESCAPE_NO_WARM"  # set to anything, it lets every job do its work in its own process
# How glibc allocates memory, read once when a process starts: from large pages, and kept after every step. The results
# stay the same to the bit, up to 1.5 times as fast (docs/performance.md). No measured process gets this.
MEMORY = {
    "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1",
    "MALLOC_MMAP_MAX_": "0",
    "MALLOC_TRIM_THRESHOLD_": "2000000000",
    "MALLOC_TOP_PAD_": "67108864",
}
ONE_THREAD = {
    **{name: "1" for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")},
    "JE_ARROW_MALLOC_CONF": "background_thread:false",  # of pyarrow
}
LATE = ("pyarrow.parquet", "scipy.stats")  # what most analyses import when they first use it, in half a second and more


@dataclass(frozen=True)
class Together:
    """Jobs with the same `key` may be done by one child, `most` at once (None: any number), by a script's `function`.

    It takes the list of the jobs' logs and arguments.
    """

    function: str
    key: str
    most: int | None = None


def is_used() -> bool:
    """Whether jobs use a warm process and glibc's settings: on Linux, unless the variable NO_WARM says no.

    The frameworks of macOS, on which numpy and torch rest, may crash in a process that was forked, and its allocator is
    not glibc's.
    """
    return sys.platform == "linux" and not os.environ.get(NO_WARM)


def run_job(function: Callable[..., None], log: str, *, together: Together | None = None, **arguments: Any) -> None:
    """Call a script's `function` with `arguments`, plain values, in a child of the warm process; then exit as it did.

    What it prints goes to `log`. Jobs that may be done `together` wait a moment for others. Without a warm process, or
    when that ends too early, the call is made here, on a node of a cluster with those of the same submission.
    """
    known, alone = current_run(), ALONE in os.environ or not is_used()
    members = members_with(log)
    if members and members[0].is_kept:
        members[0].take()
        return
    connection = connect(known[1]) if known and not alone else None
    if connection is not None:
        request = {"function": function.__name__, "log": log, "folder": os.getcwd(), "arguments": arguments}
        status = _send(connection, request | {"together": together and asdict(together)})
        if status is not None:
            sys.exit(status)
    if not alone:  # start this process anew, which takes a tenth of a second
        os.execve(sys.executable, sys.orig_argv, {**os.environ, **MEMORY, ALONE: "1"})
    with job_log(log):
        if members:
            several = getattr(sys.modules[function.__module__], together.function) if together else None
            do_together(function, several, members, arguments)
        else:
            function(**arguments)


def connect(run: Run) -> socket.socket | None:
    """A connection to the warm process of `run`, which is started when there is none; None when that fails."""
    try:
        address = socket_address(run)
        with open(address.with_suffix(".lock"), "w") as starting:
            fcntl.flock(starting, fcntl.LOCK_EX)
            return _connected(address) or _start(address)
    except OSError:
        return None


def load_analysis(*modules: str) -> None:
    """In the warm process import these modules of the analysis, and what they import late."""
    for module in (*modules, *LATE):
        import_module(module)


def socket_address(run: Run) -> Path:
    """The socket of the warm process of `run`: in /tmp where the temporary folder's path is too long for a socket.

    Each environment of Python has its own, since jobs may run in several (`--sdm conda`).
    """
    address = private_folder() / f"{run.id}-{zlib.crc32(os.fsencode(sys.prefix)):08x}.sock"
    return address if len(os.fsencode(address)) <= LONGEST else private_folder("/tmp") / address.name


def _connected(address: Path) -> socket.socket | None:
    connection = socket.socket(socket.AF_UNIX)
    try:
        connection.connect(str(address))
    except OSError:
        connection.close()
        return None
    return connection


def _start(address: Path) -> socket.socket | None:
    """Start the warm process, in another session: a key press in the terminal does not reach it."""
    quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    command, environment = [sys.executable, "-m", SERVER, str(address)], {**os.environ, **MEMORY, **ONE_THREAD}
    server = subprocess.Popen(command, env=environment, start_new_session=True, **quiet)
    until = time.monotonic() + START_SECONDS
    while server.poll() is None and time.monotonic() < until:
        connection = _connected(address)
        if connection is not None:
            return connection
        time.sleep(0.02)
    return None


def _send(connection: socket.socket, request: dict[str, Any]) -> int | None:
    """Send a request and wait for the child's exit status; None when the warm process ended before.

    SIGTERM and SIGINT are passed on: the child saves its state before it ends.
    """
    stopping = (signal.SIGTERM, signal.SIGINT)
    before = {number: signal.signal(number, lambda *_: connection.sendall(STOP)) for number in stopping}
    line = None
    with suppress(OSError), connection:
        connection.sendall(json.dumps(request).encode() + b"\n")
        line = read_line(connection)
    if line is None:
        time.sleep(ORPHAN_SECONDS)
    for number, handler in before.items():
        signal.signal(number, handler)
    return None if line is None else int(line)


def read_line(connection: socket.socket) -> bytes | None:
    """One line from the other end; None when that ended, or the connection timed out, before."""
    try:
        line = connection.makefile("rb").readline()
    except OSError:
        return None
    return line if line.endswith(b"\n") else None
