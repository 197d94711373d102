"""The lock of a run of Snakemake on its study's results: who holds it, and whether that run still lives.

A run holds a lock on one small file for as long as its process lives: the system frees it, whatever way that ends.
"""

import atexit
import fcntl
import json
import os
import pwd
import socket
import sys
import time
import uuid
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import IO

from prunescape.errors import InputError

STATE = ".state"  # a study's private folder: nothing in it is a result
FILE = "run.json"
VARIABLE = "PRUNESCAPE_RUN"  # tells a job which run started it
PATIENCE = 5.0  # seconds: a job that looks whether its run lives holds the lock for an instant


@dataclass(frozen=True)
class Run:
    """One run: its process and where it lives.

    `slurm` names the allocation that it runs in, if any, `submitted` its jobs in Slurm's queue. `ended` is written at
    a regular end.
    """

    id: str
    pid: int
    host: str
    user: str
    started: str
    slurm: str = ""
    submitted: str = ""
    ended: bool = False

    @property
    def here(self) -> bool:
        """Whether it is of this host, and of the same allocation of a cluster: then its lock tells if it lives."""
        return (self.host, self.slurm) == (socket.gethostname(), os.environ.get("SLURM_JOB_ID", ""))

    def __str__(self) -> str:
        return f"snakemake (pid {self.pid}, host {self.host}, user {self.user}, since {self.started})"


def this_run() -> Run:
    """A new run of this process."""
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    slurm = os.environ.get("SLURM_JOB_ID", "")
    return Run(uuid.uuid4().hex[:16], os.getpid(), socket.gethostname(), _user(), now, slurm)


def _user() -> str:
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())


@dataclass
class Hold:
    """This process' lock on a study's results; the description of its run stands in the locked file."""

    file: IO[str]
    run: Run = field(default_factory=this_run)

    def note(self, **known: str | bool) -> None:
        """Write the run down with what is `known` of it now: in place, since a new file would not be the locked one."""
        self.run = replace(self.run, **known)
        self.file.seek(0)
        self.file.truncate()
        self.file.write(json.dumps(asdict(self.run)) + "\n")
        self.file.flush()

    def release(self) -> None:
        """Write a regular end down, since no other host can tell it from a lock, and unlock."""
        if not self.file.closed:
            self.note(ended=True)
            self.file.close()


def hold(state: Path | str) -> Hold | None:
    """Lock the study whose private folder is `state` for this process and its jobs until it ends.

    None, with a printed line, where the file system has no locks; raises InputError that names the run which holds it.
    """
    path = Path(state).absolute() / FILE
    require_writable(path.parent)
    path.parent.mkdir(parents=True, exist_ok=True)
    file = open(path, "a+")  # noqa: SIM115 (held until the process ends)
    try:
        taken = _lock(file, fcntl.LOCK_EX, time.monotonic() + PATIENCE)
    except OSError as error:
        print(f"{path}: not locked ({error.strerror}): start no second run on this study", file=sys.stderr)
        return None
    if not taken:
        raise in_use(path.parent.parent, read_run(path))
    held = Hold(file)
    held.note()
    atexit.register(held.release)
    os.environ[VARIABLE] = json.dumps({"file": str(path), **asdict(held.run)})
    return held


def require_writable(folder: Path | str) -> None:
    """Raises InputError when `folder` is none, or cannot be made or written to; it need not exist yet."""
    path = Path(folder).absolute()
    while not os.path.lexists(path):
        path = path.parent
    if not path.is_dir():
        what = "a link to nothing" if path.is_symlink() and not path.exists() else "no folder"
        raise InputError(f"this is {what}", where=path, hint=f"{folder} is to be a folder")
    if not os.access(path, os.W_OK | os.X_OK):
        hint = "--directory puts results and .snakemake elsewhere"
        raise InputError("this folder cannot be written to", where=path, hint=hint)


def in_use(results: Path | str, run: Run | None) -> InputError:
    """The error for a study that another run holds."""
    hint = "wait for it, or stop it there"
    if run is not None and run.host != socket.gethostname():
        hint += f"; if that host is gone, delete {Path(results) / STATE / FILE}"
    return InputError(f"another run works on this study: {run or 'one that just starts'}", where=results, hint=hint)


def holder(state: Path | str) -> Run | None:
    """The run that holds the study now; None when there is none. One of another host counts until its regular end."""
    path = Path(state) / FILE
    run = read_run(path)
    if run is None or run.ended:
        return None
    return run if not run.here or not is_free(path) else None


def read_run(path: Path | str) -> Run | None:
    """The run that wrote `path` last; None when there is no such file, or it is being written."""
    try:
        return Run(**json.loads(Path(path).read_text()))
    except (OSError, ValueError, TypeError):
        return None


def is_free(path: Path | str) -> bool:
    """Whether no process of this host holds a lock on `path`."""
    try:
        with open(path) as file:
            return _lock(file, fcntl.LOCK_SH)
    except OSError:
        return False


def _lock(file: IO[str], kind: int, until: float = 0.0) -> bool:
    """Lock an open file, trying until then; whether it succeeded. Raises OSError where there are no locks."""
    while True:
        try:
            fcntl.flock(file, kind | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            if time.monotonic() >= until:
                return False
            time.sleep(0.05)
