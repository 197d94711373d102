"""A job asks the warm process of its run to do its work, or does it itself. Needs nothing: no torch, no numpy.

The warm process (warm_server.py) has imported what takes seconds and forks a child per job. It is never needed: a job
that cannot have it runs the same function in its own process.
"""

from __future__ import annotations

import fcntl
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from prunescape.running.job_log import job_log
from prunescape.running.parent_watch import own_run
from prunescape.running.run import Run
from prunescape.store.files import private_folder

SERVER = "prunescape.running.warm_server"
START_SECONDS = 120.0
ORPHAN_SECONDS = 5.0  # by then a child has noticed that the warm process is gone
LONGEST = 103 if sys.platform == "darwin" else 107  # bytes of a socket's path
STOP = b"stop\n"
ALONE = "PRUNESCAPE_ALONE"  # marks a job that was started anew with MEMORY
# How glibc gives memory to what runs here, read once when a process starts: from large pages, and kept instead of given
# back after every step. The same bits, up to 1.5 times as fast (docs/performance.md). No measured process gets this.
MEMORY = {
    "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1",
    "MALLOC_MMAP_MAX_": "0",
    "MALLOC_TRIM_THRESHOLD_": "2000000000",
    "MALLOC_TOP_PAD_": "67108864",
}
ONE_THREAD = {name: "1" for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")}


@dataclass(frozen=True)
class Together:
    """Jobs with the same `key` may be done by one child, `most` at once (None: any number), by a script's `function`.

    It takes the list of the jobs' logs and arguments.
    """

    function: str
    key: str
    most: int | None = None


def run_job(function: Callable[..., None], log: str, *, together: Together | None = None, **arguments: Any) -> None:
    """Call a script's `function` with `arguments`, plain values, in a child of the warm process; then exit as it did.

    What it prints goes to `log`. Jobs that may be done `together` wait a moment for others. Without a warm process, or
    when that ends too early, the call is made here.
    """
    known, alone = own_run(), ALONE in os.environ
    connection = connect(known[1]) if known and not alone else None
    if connection is not None:
        request = {"function": function.__name__, "log": log, "folder": os.getcwd(), "arguments": arguments}
        request["together"] = together and asdict(together)
        status = _ask(connection, request)
        if status is not None:
            sys.exit(status)
    if not alone:  # start this process anew, a tenth of a second, to do the work itself
        os.execve(sys.executable, sys.orig_argv, {**os.environ, **MEMORY, ALONE: "1"})
    with job_log(log):
        function(**arguments)


def connect(run: Run) -> socket.socket | None:
    """A connection to the warm process of `run`, started when there is none; None when it cannot be had."""
    try:
        address = socket_address(run)
        with open(address.with_suffix(".lock"), "w") as starting:
            fcntl.flock(starting, fcntl.LOCK_EX)
            return _connected(address) or _start(address)
    except OSError:
        return None


def socket_address(run: Run) -> Path:
    """Where the warm process of `run` listens: in /tmp where the temporary folder's path is too long for a socket."""
    address = private_folder() / f"{run.id}.sock"
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
    """Start the warm process, in a session of its own so that no key press meant for others reaches it."""
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


def _ask(connection: socket.socket, request: dict[str, Any]) -> int | None:
    """Have a request done: the child's exit status, or None when the warm process ended before it could tell.

    SIGTERM and SIGINT are passed on: the child saves what it has before it ends.
    """
    stopping = (signal.SIGTERM, signal.SIGINT)
    before = {number: signal.signal(number, lambda *_: connection.sendall(STOP)) for number in stopping}
    try:
        with connection:
            connection.sendall(json.dumps(request).encode() + b"\n")
            answer = connection.makefile("rb").readline()
    except OSError:
        answer = b""
    if not answer.endswith(b"\n"):
        time.sleep(ORPHAN_SECONDS)
    for number, handler in before.items():
        signal.signal(number, handler)
    return int(answer) if answer.endswith(b"\n") else None
