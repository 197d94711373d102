"""The profile of a training's first epoch: what it did per second, on a log scale (pipetune2020, 5.3).

Hardware counters come from `perf stat` where the host has them, which scales what it had to multiplex. Elsewhere there
are its software events, or none, and always what the system counts for a process and the loop's own rates.
"""

import math
import os
import resource
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

HARDWARE = ("cycles", "instructions", "cache-references", "cache-misses", "branch-instructions", "branch-misses")
SOFTWARE = ("task-clock", "context-switches", "cpu-migrations", "page-faults")
COUNTED = {
    "user_seconds": "ru_utime",
    "system_seconds": "ru_stime",
    "minor_faults": "ru_minflt",
    "major_faults": "ru_majflt",
    "waits": "ru_nvcsw",
    "preemptions": "ru_nivcsw",
}
OWNERS = {"training": resource.RUSAGE_SELF, "workers": resource.RUSAGE_CHILDREN}
LEAST = 1e-3  # a lower rate counts as this one
PERF_SECONDS = 5.0  # that perf may take to end


class Profiler:
    """Counts from `start()` to `stop()`."""

    def start(self) -> None:
        """Begin now."""
        self.started, self.before = time.perf_counter(), _counts()
        self.perf = _start_perf()

    def stop(self, worked: Mapping[str, float]) -> dict[str, float]:
        """log10 of all counts per second, and of what the loop `worked` through meanwhile, such as images."""
        seconds = max(time.perf_counter() - self.started, LEAST)
        counts = {name: now - self.before[name] for name, now in _counts().items()}
        counts |= {f"perf {event}": count for event, count in _stop_perf(self.perf).items()}
        return {name: math.log10(max(count / seconds, LEAST)) for name, count in (counts | dict(worked)).items()}


def _counts() -> dict[str, float]:
    """What the system has counted for this process and for its workers that have ended."""
    found = {owner: resource.getrusage(who) for owner, who in OWNERS.items()}
    return {f"{owner} {name}": getattr(found[owner], field) for owner in OWNERS for name, field in COUNTED.items()}


def _start_perf() -> subprocess.Popen | None:
    """perf on this process and all that it starts; None without the program."""
    perf = shutil.which("perf")
    if perf is None:
        return None
    events = ",".join((*HARDWARE, *SOFTWARE))
    words = [perf, "stat", "-x", ",", "-e", events, "-p", str(os.getpid())]
    quiet: dict[str, Any] = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE}
    with suppress(OSError):
        return subprocess.Popen(words, text=True, **quiet)
    return None


def _stop_perf(perf: subprocess.Popen | None) -> dict[str, float]:
    """The events that perf could count."""
    if perf is None:
        return {}
    with suppress(OSError):
        perf.send_signal(signal.SIGINT)
    try:
        _, said = perf.communicate(timeout=PERF_SECONDS)
    except subprocess.TimeoutExpired:
        perf.kill()
        perf.communicate()
        return {}
    return events_of(said)


def events_of(said: str) -> dict[str, float]:
    """The counts by event in what `perf stat -x,` said; an event that was not counted is left out."""
    found = {}
    for line in said.splitlines():
        fields = line.split(",")
        with suppress(ValueError, IndexError):
            found[fields[2].partition(":")[0]] = float(fields[0])
    return found
