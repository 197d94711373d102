"""What must be true before a killed run's locks may go: it is dead, and so are its jobs. Needs Slurm's commands."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from prunescape.errors import InputError
from prunescape.running.parent_watch import wait_for_orphans
from prunescape.running.run import FILE, Run, holder, in_use, read_run
from prunescape.store.files import HALF_FILES

ORPHAN_SECONDS = 120.0  # a training notices within a second and ends after its batch
CANCEL_SECONDS = 120.0


def clear_the_way(state: Path | str) -> None:
    """Make sure that nothing of an earlier run works on the study with the private folder `state` any more.

    What killed jobs had half written is deleted.

    Raises InputError that names a run which lives, or says which jobs could not be stopped.
    """
    state = Path(state)
    living = holder(state)
    if living is not None:
        raise in_use(state.parent, living)
    last = read_run(state / FILE)
    if last is not None and last.submitted and not last.ended:
        cancel_submitted(last)
    if not wait_for_orphans(state, ORPHAN_SECONDS):
        hint = "they end after what they are doing: try again; ps shows them as python"
        raise InputError("jobs of an earlier run still work on this study", where=state.parent, hint=hint)
    for half_file in state.parent.rglob(HALF_FILES):
        half_file.unlink(missing_ok=True)


def cancel_submitted(run: Run) -> None:
    """Cancel what a dead run left in Slurm's queue, and wait until it is gone. Raises InputError when that fails."""
    print(f"cancelling what an earlier run left in Slurm's queue (jobs named {run.submitted})", file=sys.stderr)
    _slurm("scancel", f"--name={run.submitted}")
    until = time.monotonic() + CANCEL_SECONDS
    while _slurm("squeue", "--noheader", f"--name={run.submitted}").strip():
        if time.monotonic() >= until:
            raise InputError("jobs of an earlier run do not end", where="Slurm", hint=f"squeue --name={run.submitted}")
        time.sleep(1)


def _slurm(*command: str) -> str:
    try:
        done = subprocess.run(command, text=True, capture_output=True, timeout=CANCEL_SECONDS)
    except (OSError, subprocess.TimeoutExpired) as error:
        hint = "resume on the host where the run was started"
        raise InputError(f"{command[0]} cannot be run ({error})", where="Slurm", hint=hint) from None
    if done.returncode:
        raise InputError(f"{command[0]}: {' '.join(done.stderr.split())}", where="Slurm")
    return done.stdout
