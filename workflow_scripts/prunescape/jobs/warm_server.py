"""The warm process of one run on one host: it forks a child per job. Needs torch; started by warm.py.

It has one thread, so that a fork copies a process at rest: after a fork from one with more, a child can hang.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import selectors
import signal
import socket
import sys
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from prunescape.joblog import job_log
from prunescape.jobs.following import LOOK_SECONDS, has_ended, own_run
from prunescape.jobs.warm import STOP

HUNG_SECONDS = 600.0  # a child that uses no processor for so long is killed, and its job does the work itself
REQUEST_SECONDS = 10.0


@dataclass
class Child:
    """A job's process, and how much processor time it had used when that was last seen to grow."""

    pid: int
    connection: socket.socket
    ticks: int = 0
    grown: float = 0.0
    hung: bool = False


class Server:
    """Serves jobs until its run ends."""

    def __init__(self, listening: socket.socket) -> None:
        self.listening, self.children = listening, {}
        self.selector = selectors.DefaultSelector()
        self.selector.register(listening, selectors.EVENT_READ)
        self.wake, self.waking = socket.socketpair()
        for end in (self.wake, self.waking):
            end.setblocking(False)
        signal.set_wakeup_fd(self.waking.fileno())
        signal.signal(signal.SIGCHLD, lambda *_: None)
        self.selector.register(self.wake, selectors.EVENT_READ)

    def serve(self, *run: Any) -> None:
        """Answer requests while `run`, its locked file and what it is, has not ended; then stop all children."""
        looked = time.monotonic()
        while True:
            for key, _ in self.selector.select(timeout=LOOK_SECONDS):
                self._answer(key.fileobj)
            self._reap()
            if time.monotonic() - looked >= LOOK_SECONDS:
                looked = time.monotonic()
                if has_ended(*run):
                    break
                self._kill_hung()
        for child in self.children.values():
            os.kill(child.pid, signal.SIGTERM)

    def _answer(self, ready: socket.socket) -> None:
        if ready is self.wake:
            ready.recv(4096)
        elif ready is self.listening:
            connection, _ = ready.accept()
            request = request_of(connection)
            if request:
                self._fork(connection, request)
        else:
            self._stop(ready)

    def _stop(self, connection: socket.socket) -> None:
        """A job asks its child to end, or is dead and can do so no more."""
        said = connection.recv(len(STOP))
        if not said:
            self.selector.unregister(connection)
        for child in self.children.values():
            if child.connection is connection:
                os.kill(child.pid, signal.SIGTERM)

    def _fork(self, connection: socket.socket, request: dict[str, Any]) -> None:
        module = importlib.import_module(request["function"])  # a script has the name of its function
        preload(module, request)
        pid = os.fork()
        if pid == 0:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            for held in (self.listening, connection, *(child.connection for child in self.children.values())):
                held.close()  # whoever waits at the other end must notice when the server is gone
            os._exit(work(getattr(module, request["function"]), request))
        self.children[pid] = Child(pid, connection, grown=time.monotonic())
        self.selector.register(connection, selectors.EVENT_READ)

    def _reap(self) -> None:
        for pid in list(self.children):
            found, status = os.waitpid(pid, os.WNOHANG)
            if found:
                self._tell(self.children.pop(pid), os.waitstatus_to_exitcode(status))

    def _tell(self, child: Child, status: int) -> None:
        """Tell a job how its child ended; nothing for one that hung, so that the job does the work itself."""
        with suppress(KeyError):  # unregistered already when its job is dead
            self.selector.unregister(child.connection)
        with suppress(OSError), child.connection:
            if not child.hung:
                child.connection.sendall(f"{status if status >= 0 else 128 - status}\n".encode())

    def _kill_hung(self) -> None:
        for child in self.children.values():
            ticks = used_ticks(child.pid)
            if ticks is None or ticks > child.ticks:
                child.ticks, child.grown = ticks or 0, time.monotonic()
            elif time.monotonic() - child.grown > HUNG_SECONDS:
                child.hung = True
                os.kill(child.pid, signal.SIGKILL)


def request_of(connection: socket.socket) -> dict[str, Any] | None:
    """What a job asks; None when it died before it said so."""
    connection.settimeout(REQUEST_SECONDS)
    try:
        line = connection.makefile("rb").readline()
    except OSError:
        line = b""
    if line.endswith(b"\n"):
        return json.loads(line)
    connection.close()
    return None


def used_ticks(pid: int) -> int | None:
    """The processor time of a process and its ended children, clock ticks; None where the system does not tell."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return sum(int(fields[place]) for place in (11, 12, 13, 14))


def work(function: Callable[..., None], request: dict[str, Any]) -> int:
    """In the child: do what was asked; the exit status."""
    try:
        os.chdir(request["folder"])
        with job_log(request["log"]):
            function(**request["arguments"])
    except SystemExit as ending:
        return ending.code if isinstance(ending.code, int) else 1
    except BaseException:
        traceback.print_exc()
        return 1
    finally:
        sys.stdout.flush()
    return 0


def preload(module: ModuleType, request: dict[str, Any]) -> None:
    """Load here what many jobs of a script share; what cannot be loaded is the child's to report."""
    with suppress(Exception):
        os.chdir(request["folder"])
        module.preload(**request["arguments"])
    gc.collect()
    gc.freeze()  # a collection in a child would otherwise copy every page it looks at


def main(address: str) -> None:
    """Listen on `address` and serve until the run that this process belongs to ends."""
    known = own_run()
    if known is None:
        sys.exit("started by no run of this host")
    import torch

    torch.set_num_threads(1)
    Path(address).unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(address)
        listening.listen(128)
        try:
            Server(listening).serve(*known)
        finally:
            for left in (Path(address), Path(address).with_suffix(".lock")):
                left.unlink(missing_ok=True)


if __name__ == "__main__":
    main(sys.argv[1])
