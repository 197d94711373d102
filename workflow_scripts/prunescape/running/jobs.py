"""The jobs of a run end with it, whatever way it ends, and before another one unlocks its study."""

import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import IO

from prunescape.errors import InputError
from prunescape.running.run_lock import FILE, VARIABLE, Run, holder, in_use, is_free, read_run
from prunescape.store.files import HALF_FILES

JOBS_LOCK = "jobs.lock"  # every job of a run on its host shares a lock on it
LOOK_SECONDS = 1.0
ORPHAN_SECONDS = 120.0  # a training notices within a second and ends after its batch
CANCEL_SECONDS = 120.0
_shared: list[IO[str]] = []


def current_run() -> tuple[Path, Run] | None:
    """The locked file and the run that started this process; None without one, or where its lock cannot be seen."""
    try:
        known = json.loads(os.environ.get(VARIABLE, ""))
        file, run = Path(known.pop("file")), Run(**known)
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    return (file, run) if run.here else None


def has_ended(file: Path, run: Run) -> bool:
    """Whether a run is over: nobody holds its lock, another run does, or both that file and its process are gone."""
    if not os.path.exists(file):
        import psutil

        return not psutil.pid_exists(run.pid)
    now = read_run(file)
    return (now is not None and now.id != run.id) or is_free(file)


def end_with_the_run() -> None:
    """From now on this process gets SIGTERM soon after the run, or the process, that started it has ended.

    Without that, jobs of a killed run go on for hours and may overwrite what the next run makes.
    """
    known = current_run()
    if known is None:
        return
    shared = open(known[0].with_name(JOBS_LOCK), "a")  # noqa: SIM115 (held until the process ends)
    fcntl.flock(shared, fcntl.LOCK_SH)
    _shared.append(shared)
    threading.Thread(target=_end_after, args=known, daemon=True).start()


def _end_after(file: Path, run: Run) -> None:
    parent = os.getppid()
    while os.getppid() == parent and not has_ended(file, run):
        time.sleep(LOOK_SECONDS)
    os.kill(os.getpid(), signal.SIGTERM)


def stop_jobs_on_interrupt() -> None:
    """On SIGINT send SIGTERM to all processes below this one, then interrupt it as ever. Only for the main thread.

    A terminal interrupts jobs itself, but a signal to Snakemake's process alone would leave it waiting for hours. So
    would one after Snakemake has imported polars, whose own handler lets the main thread sleep on: it comes first here.
    """
    with suppress(ImportError):
        import polars  # noqa: F401

    def stop(number: int, frame: object) -> None:
        import psutil

        for child in psutil.Process().children(recursive=True):
            with suppress(psutil.NoSuchProcess):
                child.terminate()
        signal.default_int_handler(number, frame)

    signal.signal(signal.SIGINT, stop)


def require_no_jobs(state: Path | str) -> None:
    """Stop what an earlier run left, and delete what it had half written.

    Raises InputError that names a living run, or jobs that do not stop.
    """
    state = Path(state)
    living = holder(state)
    if living is not None:
        raise in_use(state.parent, living)
    last = read_run(state / FILE)
    if last is not None and last.submitted and not last.ended:
        cancel_submitted(last)
    if not _orphans_end(state / JOBS_LOCK):
        hint = "they end after what they are doing: try again; ps shows them as python"
        raise InputError("jobs of an earlier run still work on this study", where=state.parent, hint=hint)
    for half_file in state.parent.rglob(HALF_FILES):
        half_file.unlink(missing_ok=True)


def _orphans_end(lock: Path) -> bool:
    """Wait up to ORPHAN_SECONDS for the jobs of an earlier run on this host; whether all have ended."""
    until = time.monotonic() + ORPHAN_SECONDS
    while lock.exists():
        with open(lock, "a") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return True
            except OSError:
                if time.monotonic() >= until:
                    return False
        time.sleep(0.2)
    return True


def cancel_submitted(run: Run) -> None:
    """Cancel what a dead run left in Slurm's queue, and wait until it is gone. Raises InputError when that fails."""
    print(f"cancelling what an earlier run left in Slurm's queue (jobs named {run.submitted})", file=sys.stderr)
    _slurm("scancel", f"--name={run.submitted}")
    until = time.monotonic() + CANCEL_SECONDS
    while _slurm("squeue", "--noheader", f"--name={run.submitted}").strip():
        if time.monotonic() >= until:
            raise InputError("jobs of an earlier run do not end", where="Slurm", hint=f"squeue --name={run.submitted}")
        time.sleep(1)


def require_slurm() -> None:
    """Raises InputError when jobs cannot be submitted from this host."""
    hint = "run on a submit node of the cluster, or without --profile slurm"
    for command in ("sbatch", "squeue", "scancel"):
        if shutil.which(command) is None:
            raise InputError(f"{command} is not here", where="Slurm", hint=hint)
    _slurm("sinfo", "--noheader", hint=hint)


def _slurm(*command: str, hint: str = "resume on the host where the run was started") -> str:
    try:
        done = subprocess.run(command, text=True, capture_output=True, timeout=CANCEL_SECONDS)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise InputError(f"{command[0]} cannot be run ({error})", where="Slurm", hint=hint) from None
    if done.returncode:
        reason = " ".join(done.stderr.split()) or f"exit status {done.returncode}"
        raise InputError(f"{command[0]}: {reason}", where="Slurm", hint=hint)
    return done.stdout
