"""A job ends with the run and the process that started it, whatever way those ended. Needs only file locks."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import threading
import time
from pathlib import Path
from typing import IO

from prunescape.running.run import VARIABLE, Run, is_free, read_run

WORKING = "jobs.lock"  # every job of a run on its host shares a lock on it
LOOK_SECONDS = 1.0
_shared: list[IO[str]] = []


def own_run() -> tuple[Path, Run] | None:
    """The locked file and the run that started this process; None without one, or where its lock cannot be seen."""
    try:
        known = json.loads(os.environ.get(VARIABLE, ""))
        file, run = Path(known.pop("file")), Run(**known)
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    return (file, run) if run.here else None


def has_ended(file: Path, run: Run) -> bool:
    """Whether a run is over: nobody holds its lock, or another run does."""
    now = read_run(file)
    return (now is not None and now.id != run.id) or is_free(file)


def end_with_the_run() -> None:
    """From now on this process gets SIGTERM soon after the run, or the process, that started it has ended.

    Without that, jobs of a killed run go on for hours and may overwrite what the next run makes.
    """
    known = own_run()
    if known is None:
        return
    file, run = known
    shared = open(file.with_name(WORKING), "a")  # noqa: SIM115 (held until the process ends)
    fcntl.flock(shared, fcntl.LOCK_SH)
    _shared.append(shared)
    threading.Thread(target=_end_after, args=(file, run), daemon=True).start()


def _end_after(file: Path, run: Run) -> None:
    parent = os.getppid()
    while os.getppid() == parent and not has_ended(file, run):
        time.sleep(LOOK_SECONDS)
    os.kill(os.getpid(), signal.SIGTERM)


def wait_for_orphans(state: Path, seconds: float) -> bool:
    """Wait until no job of an earlier run works on this host any more, at most so long; whether that is so."""
    until = time.monotonic() + seconds
    path = state / WORKING
    while path.exists():
        with open(path, "a") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return True
            except OSError:
                if time.monotonic() >= until:
                    return False
        time.sleep(0.2)
    return True
