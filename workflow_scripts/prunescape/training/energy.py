"""What a training used: joules and CPU seconds per epoch, and whether it was alone on what the energy counter covers.

One counter covers every package of a host, or a whole GPU. So a training has energy only if nothing else worked there;
otherwise its record says why not.
"""

import multiprocessing
import os
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import psutil

from prunescape.training.energy_counters import Counter, NoCounterError, nvml_counter, rapl_counter

READ_SECONDS = 60.0  # a package's counter starts again after 17 minutes at 250 watts
LEAST_PERIODS = 50  # so that a counter's grain is 2 % of what it counts, or less
OTHERS_SHARE = 0.1  # processor time of all others against the training's own, below which it was alone (decided)
NOT_MEASURED = "energy was not asked for"


def nothing_used() -> dict[str, Any]:
    """The use of a part of a training that has not begun.

    `joules` of the counter, None where it could not be read; `cpu_seconds` of this process and its workers;
    `host_cpu_seconds` of all processes of the host; whether something else was seen on the GPU.
    """
    return {"joules": 0.0, "cpu_seconds": 0.0, "host_cpu_seconds": 0.0, "shared": False}


class Meter:
    """Adds up what is used between `start` and `stop`; without a counter only processor time, and `missing` says why.

    Trainings in step share a process and a GPU: each meter sees the use of all.
    """

    def __init__(self, counter: Counter | None = None, missing: str = NOT_MEASURED) -> None:
        self.counter, self.missing = counter, missing
        self._last: tuple[float, tuple[int, ...] | None, float, float] | None = None

    @property
    def running(self) -> bool:
        """Whether it counts."""
        return self._last is not None

    def start(self) -> None:
        """Count from now on."""
        self._last = self._look()

    def note(self, used: dict[str, Any]) -> None:
        """Add to `used` what was used since the last look."""
        if self._last is None:
            return
        (_, before, own, host), now = self._last, self._look()
        self._last = now
        used["cpu_seconds"] += now[2] - own
        used["host_cpu_seconds"] += now[3] - host
        if self.counter is None or before is None or now[1] is None or used["joules"] is None:
            used["joules"] = None
        else:
            used["joules"] += self.counter.joules(before, now[1])
        if self.counter and self.counter.others:
            used["shared"] |= self.counter.others()

    def keep_up(self, used: dict[str, Any]) -> None:
        """As `note`, but only when the last look is long ago: before a counter can pass its range."""
        if self._last is not None and time.monotonic() - self._last[0] > READ_SECONDS:
            self.note(used)

    def stop(self, used: dict[str, Any]) -> None:
        """As `note`; what follows does not count."""
        self.note(used)
        self._last = None

    def _look(self) -> tuple[float, tuple[int, ...] | None, float, float]:
        """When, the counter, and the processor time so far of this process and of the host, in seconds."""
        reading = None
        if self.counter:
            with suppress(OSError, ValueError):
                reading = self.counter.read()
        return time.monotonic(), reading, own_cpu_seconds(), host_cpu_seconds()


def open_meter(gpu: str | None = None, *, claimed: bool = False) -> Meter:
    """A meter of this host's packages, or of the GPU with this UUID, which no other training has if `claimed`."""
    try:
        return Meter(rapl_counter() if gpu is None else nvml_counter(gpu, claimed=claimed))
    except NoCounterError as error:
        return Meter(missing=str(error))


def own_cpu_seconds() -> float:
    """Processor time of this process, of the workers that it has, and of those that have ended."""
    times = os.times()
    workers = 0.0
    for worker in multiprocessing.active_children():
        with suppress(psutil.Error):
            spent = psutil.Process(worker.pid).cpu_times()
            workers += spent.user + spent.system
    return time.process_time() + times.children_user + times.children_system + workers


def host_cpu_seconds() -> float:
    """Processor time of all processes of this host and of its kernel, since it was started."""
    times = psutil.cpu_times()
    unused = ("idle", "iowait", "steal", "guest", "guest_nice")  # guests are within user and nice
    return sum(times) - sum(getattr(times, name, 0.0) for name in unused)


def energy_fields(meter: Meter, used: Sequence[dict[str, Any]], seconds: Sequence[float], together: int) -> dict:
    """The fields of a record about the use of each epoch, `seconds` long, of a training, one of `together` in step.

    `epoch_joules` is None with an `energy_reason` unless the training was alone on what the counter covers.
    """
    reason = _unknown(meter, used, seconds) or _not_alone(meter, used, together)
    return {
        "epoch_joules": None if reason else [part["joules"] for part in used],
        "epoch_cpu_seconds": [part["cpu_seconds"] for part in used],
        "epoch_host_cpu_seconds": [part["host_cpu_seconds"] for part in used],
        "energy_source": meter.counter.source if meter.counter else None,
        "energy_covers": meter.counter.covers if meter.counter else None,
        "energy_reason": reason,
    }


def _unknown(meter: Meter, used: Sequence[dict[str, Any]], seconds: Sequence[float]) -> str | None:
    """Why the counter tells no energy of this training; None if it does."""
    if meter.counter is None:
        return meter.missing
    if any(part["joules"] is None for part in used):
        return "the counter could not be read in a part of the training"
    if not sum(part["joules"] for part in used) > 0:
        return "the counter stands still, as it does in some virtual machines"
    if sum(seconds) < LEAST_PERIODS * meter.counter.period:
        return f"{sum(seconds):.2g} s of training are too short for a counter updated every {meter.counter.period:g} s"
    return None


def _not_alone(meter: Meter, used: Sequence[dict[str, Any]], together: int) -> str | None:
    """What else used the energy that the counter told; None if nothing did."""
    if together > 1:
        return f"{together} cells trained in step"
    if any(part["shared"] for part in used):
        return "not alone on the GPU: something else computed there"
    own = sum(part["cpu_seconds"] for part in used)
    others = sum(part["host_cpu_seconds"] for part in used) - own
    if meter.counter.others is None and others > OTHERS_SHARE * own:
        return f"not alone on the host: others used {others / own:.2g} times the processor time of the training"
    return None
