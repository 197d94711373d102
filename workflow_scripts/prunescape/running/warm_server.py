"""The warm process of one run on one host: it forks a child per job, or for several. Needs torch; started by warm.py.

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
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import ModuleType
from typing import Any

from prunescape.running.job_log import job_log
from prunescape.running.parent_watch import LOOK_SECONDS, has_ended, own_run
from prunescape.running.warm import STOP

HUNG_SECONDS = 600.0  # a child that hardly uses a processor for so long is killed, and its job does the work itself
AWAKE = 0.02  # of that time; following the run takes a thousandth
REQUEST_SECONDS = 10.0
GATHER_SECONDS = 2.0  # Snakemake starts jobs one after another


@dataclass(frozen=True)
class Job:
    """Who waits for an answer, and what is to be done."""

    connection: socket.socket
    request: dict[str, Any]

    @property
    def key(self) -> str | None:
        """Jobs with the same one may be done by one child."""
        together = self.request["together"]
        return together and f"{self.request['folder']} {together['function']} {together['key']}"


@dataclass
class Child:
    """The process of one or several jobs, and how much processor time it had used when it was last seen to work."""

    pid: int
    jobs: list[Job]
    ticks: int = 0
    grown: float = 0.0
    hung: bool = False
    stopped_by: list[socket.socket] = field(default_factory=list)


class Server:
    """Serves jobs until its run ends. `places` is how many children at once do jobs that may be done together."""

    def __init__(self, listening: socket.socket, places: int) -> None:
        self.listening, self.places = listening, places
        self.children: dict[int, Child] = {}
        self.waiting: list[Job] = []
        self.joined = 0.0  # when the last of them came
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
            self._fork_waiting()
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
                self.selector.register(connection, selectors.EVENT_READ)
                self._take(Job(connection, request))
        else:
            self._stop(ready)

    def _take(self, job: Job) -> None:
        if job.key is None:
            self._fork([job])
        else:
            self.waiting.append(job)
            self.joined = time.monotonic()

    def _fork_waiting(self) -> None:
        """Give waiting jobs to children, when no more came for a moment, as evenly as there are places free."""
        while self.waiting and time.monotonic() - self.joined >= GATHER_SECONDS:
            free = self.places - sum(child.jobs[0].key is not None for child in self.children.values())
            if free <= 0:
                return
            alike = [job for job in self.waiting if job.key == self.waiting[0].key]
            most = alike[0].request["together"]["most"] or len(alike)
            taken = alike[: min(most, -(-len(alike) // free))]
            self.waiting = [job for job in self.waiting if job not in taken]
            self._fork(taken)

    def _stop(self, connection: socket.socket) -> None:
        """A job asks its child to end, or is dead and can do so no more."""
        said = connection.recv(len(STOP))
        if not said:
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
            for held in (self.listening, *(job.connection for job in others)):
                held.close()  # whoever waits at the other end must notice when the server is gone
            os._exit(work(module, [job.request for job in jobs]))
        self.children[pid] = Child(pid, jobs, grown=time.monotonic())

    def _reap(self) -> None:
        for pid in list(self.children):
            found, status = os.waitpid(pid, os.WNOHANG)
            if found:
                self._ended(self.children.pop(pid), os.waitstatus_to_exitcode(status))

    def _ended(self, child: Child, status: int) -> None:
        """Tell the jobs of a child how it ended; nothing when it hung, so that they do the work themselves.

        Of several jobs, those that did not ask for the end wait again, and none has to answer for another's failure.
        """
        for job in child.jobs:
            if child.hung:
                self._tell(job, None)
            elif status == 0 or len(child.jobs) == 1 or job.connection in child.stopped_by:
                self._tell(job, status if status >= 0 else 128 - status)
            elif child.stopped_by:
                self._take(job)
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
            if ticks is None or ticks - child.ticks > AWAKE * HUNG_SECONDS * os.sysconf("SC_CLK_TCK"):
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


def work(module: ModuleType, requests: list[dict[str, Any]]) -> int:
    """In the child: do what was asked, of several jobs together; the exit status."""
    first = requests[0]
    try:
        os.chdir(first["folder"])
        with job_log(first["log"]):
            if len(requests) == 1:
                getattr(module, first["function"])(**first["arguments"])
            else:
                several = getattr(module, first["together"]["function"])
                several([(request["log"], request["arguments"]) for request in requests])
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
        module.preload(request["arguments"])
    gc.collect()
    gc.freeze()  # a collection in a child would otherwise copy every page it looks at


def main(address: str) -> None:
    """Listen on `address` and serve until the run that this process belongs to ends."""
    known = own_run()
    if known is None:
        sys.exit("started by no run of this host")
    import torch

    from prunescape.training.gpu import visible_gpus

    torch.set_num_threads(1)
    Path(address).unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(address)
        listening.listen(128)
        try:
            Server(listening, places=max(1, len(visible_gpus()))).serve(*known)
        finally:
            for left in (Path(address), Path(address).with_suffix(".lock")):
                left.unlink(missing_ok=True)


if __name__ == "__main__":
    main(sys.argv[1])
