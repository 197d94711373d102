"""The warm process of one run on one host, started by warm.py: it forks a child per job, or for several.

It has one thread: after a fork from a process with more, a child can hang.
"""

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
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

from prunescape.running.job_log import job_log
from prunescape.running.jobs import LOOK_SECONDS, current_run, has_ended
from prunescape.running.warm import STOP, read_line

HUNG_SECONDS = 600.0  # a child that hardly uses a processor for so long is killed; its job does the work itself
BUSY_SHARE = 0.02  # of that time; watching the run takes a thousandth
REQUEST_SECONDS = 10.0
GATHER_SECONDS = 2.0  # Snakemake starts jobs one after another


@dataclass(frozen=True)
class Job:
    """What is to be done, and the connection to the process that waits for its exit status."""

    connection: socket.socket
    request: dict[str, Any]

    @property
    def key(self) -> str | None:
        """Jobs with the same key may be done by one child."""
        together = self.request["together"]
        return together and f"{self.request['folder']} {together['function']} {together['key']}"


@dataclass
class Child:
    """The process of one or several jobs; `ticks` of processor time it had used at `seen`, when it last worked."""

    pid: int
    jobs: list[Job]
    seen: float
    ticks: int = 0
    hung: bool = False
    stopped_by: list[socket.socket] = field(default_factory=list)


class Server:
    """Serves jobs until its run ends. At most `places()` children at once do jobs that may be done together."""

    def __init__(self, listening: socket.socket) -> None:
        self.listening = listening
        self.children: dict[int, Child] = {}
        self.waiting: list[Job] = []
        self.joined = 0.0  # when the last of them was added
        self.selector = selectors.DefaultSelector()
        self.selector.register(listening, selectors.EVENT_READ)
        self.wake, self.waking = socket.socketpair()
        self.wake.setblocking(False)
        self.waking.setblocking(False)
        signal.set_wakeup_fd(self.waking.fileno())
        signal.signal(signal.SIGCHLD, lambda *_: None)
        self.selector.register(self.wake, selectors.EVENT_READ)

    def serve(self, *run: Any) -> None:
        """Serve requests until `run`, its locked file and description, has ended; then stop all children."""
        looked = time.monotonic()
        while True:
            for key, _ in self.selector.select(timeout=LOOK_SECONDS):
                self._read(key.fileobj)
            self._reap()
            self._fork_waiting()
            if time.monotonic() - looked >= LOOK_SECONDS:
                looked = time.monotonic()
                if has_ended(*run):
                    break
                self._kill_hung()
        for child in self.children.values():
            os.kill(child.pid, signal.SIGTERM)

    def _read(self, ready: socket.socket) -> None:
        if ready is self.wake:
            ready.recv(4096)
        elif ready is self.listening:
            connection, _ = ready.accept()
            connection.settimeout(REQUEST_SECONDS)
            line = read_line(connection)
            if line is None:
                connection.close()
            else:
                self.selector.register(connection, selectors.EVENT_READ)
                self._add(Job(connection, json.loads(line)))
        else:
            self._stop(ready)

    def _add(self, job: Job) -> None:
        if job.key is None:
            self._fork([job])
        else:
            self.waiting.append(job)
            self.joined = time.monotonic()

    def _fork_waiting(self) -> None:
        """When no job was added for a moment, share the waiting ones evenly among the free places."""
        while self.waiting and time.monotonic() - self.joined >= GATHER_SECONDS:
            free = places() - sum(child.jobs[0].key is not None for child in self.children.values())
            if free <= 0:
                return
            alike = [job for job in self.waiting if job.key == self.waiting[0].key]
            most = alike[0].request["together"]["most"] or len(alike)
            taken = alike[: min(most, -(-len(alike) // free))]
            self.waiting = [job for job in self.waiting if job not in taken]
            self._fork(taken)

    def _stop(self, connection: socket.socket) -> None:
        """A job asks its child to end, or has died."""
        if not connection.recv(len(STOP)):
            self.selector.unregister(connection)
        for job in [job for job in self.waiting if job.connection is connection]:
            self.waiting.remove(job)
            self._tell(job, 128 + signal.SIGTERM)
        for child in self.children.values():
            if any(job.connection is connection for job in child.jobs):
                child.stopped_by.append(connection)
                os.kill(child.pid, signal.SIGTERM)

    def _fork(self, jobs: list[Job]) -> None:
        request = jobs[0].request
        module = importlib.import_module(request["function"])  # a script has the name of its function
        preload(module, request)
        pid = os.fork()
        if pid == 0:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            others = [*self.waiting, *jobs, *(job for child in self.children.values() for job in child.jobs)]
            for inherited in (self.listening, *(job.connection for job in others)):
                inherited.close()  # else a job would not notice that the server is gone
            os._exit(work(module, [job.request for job in jobs]))
        self.children[pid] = Child(pid, jobs, seen=time.monotonic())

    def _reap(self) -> None:
        for pid in list(self.children):
            found, status = os.waitpid(pid, os.WNOHANG)
            if found:
                self._ended(self.children.pop(pid), os.waitstatus_to_exitcode(status))

    def _ended(self, child: Child, status: int) -> None:
        """Tell the jobs of a child its exit status; nothing when it hung, so that they do the work themselves.

        Of several jobs, those that did not ask for the end wait again; after a failure each is done alone.
        """
        for job in child.jobs:
            if child.hung:
                self._tell(job, None)
            elif status == 0 or len(child.jobs) == 1 or job.connection in child.stopped_by:
                self._tell(job, status if status >= 0 else 128 - status)
            elif child.stopped_by:
                self._add(job)
            else:
                self._fork([replace(job, request=job.request | {"together": None})])

    def _tell(self, job: Job, status: int | None) -> None:
        with suppress(KeyError):  # unregistered already when its job is dead
            self.selector.unregister(job.connection)
        with suppress(OSError), job.connection:
            if status is not None:
                job.connection.sendall(f"{status}\n".encode())

    def _kill_hung(self) -> None:
        for child in self.children.values():
            ticks = used_ticks(child.pid)
            if ticks is None or ticks - child.ticks > BUSY_SHARE * HUNG_SECONDS * os.sysconf("SC_CLK_TCK"):
                child.ticks, child.seen = ticks or 0, time.monotonic()
            elif time.monotonic() - child.seen > HUNG_SECONDS:
                child.hung = True
                os.kill(child.pid, signal.SIGKILL)


@cache
def places() -> int:
    """How many children at once do jobs that may be done together: one for each GPU, or one."""
    from prunescape.training.gpu import visible_gpus  # torch, which a run without a training needs not

    return max(1, len(visible_gpus()))


def used_ticks(pid: int) -> int | None:
    """Clock ticks of processor time of a process and its ended children; None where the system does not report it."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return sum(int(fields[place]) for place in (11, 12, 13, 14))


def work(module: ModuleType, requests: list[dict[str, Any]]) -> int:
    """In the child: do the work of one request or of several together; gives the exit status."""
    first = requests[0]
    try:
        os.chdir(first["folder"])
        with job_log(first["log"]):
            if len(requests) == 1:
                getattr(module, first["function"])(**first["arguments"])
            else:
                several = getattr(module, first["together"]["function"])
                several([(request["log"], request["arguments"]) for request in requests])
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 1
    except BaseException:
        traceback.print_exc()
        return 1
    finally:
        sys.stdout.flush()
    return 0


def preload(module: ModuleType, request: dict[str, Any]) -> None:
    """Load here what many jobs of a script share; the child reports what cannot be loaded."""
    with suppress(Exception):
        os.chdir(request["folder"])
        module.preload(request["arguments"])
    gc.collect()
    gc.freeze()  # a collection in a child would otherwise copy every page that it visits


def main(address: str) -> None:
    """Listen on `address` and serve until this process's run ends."""
    known = current_run()
    if known is None:
        sys.exit("started by no run of this host")
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
