"""What a run shows of its progress: one live bar on a terminal, a line now and then elsewhere."""

import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import IO, Any, Protocol

PAUSE = 30.0  # seconds between two lines
LONGER = 1 / 6  # after three minutes a line comes when a run has taken so much longer than at the line before
REDRAW = 0.2  # seconds between two drawings of the bar


@dataclass(frozen=True)
class Status:
    """How far a run is: the stage, a sentence about it, and `done` of `total` for a bar (0: none).

    A line about it waits until the stage has taken `patience` seconds.
    """

    stage: str
    text: str
    done: int = 0
    total: int = 0
    patience: float = 0.0


class Display(Protocol):
    """Shows a run to its user."""

    def say(self, text: str) -> None:
        """Print lines that stay."""

    def update(self, status: Status) -> None:
        """Show how far the run is; called often."""

    def close(self) -> None:
        """Show no more progress; what is said later is printed as ever."""


class Lines:
    """A line at each change of stage and every 30 seconds, later fewer; without `progress` only what is said."""

    def __init__(
        self, stream: IO[str] = sys.stderr, clock: Callable[[], float] = time.monotonic, *, progress: bool = True
    ) -> None:
        self.stream, self.clock, self.progress = stream, clock, progress
        self.stage = self.printed = ""
        self.started = self.changed = self.latest = clock()

    def say(self, text: str) -> None:
        self.latest = self.clock()
        with suppress(OSError):  # nobody reads any more
            print(text, file=self.stream, flush=True)

    def update(self, status: Status) -> None:
        if not self.progress:
            return
        now = self.clock()
        if status.stage != self.stage:
            self.stage, self.changed = status.stage, now
        begins = self.printed != self.stage and now - self.changed >= status.patience
        pause = max(PAUSE, LONGER * (now - self.started))
        if begins or (self.printed == self.stage and now - self.latest >= pause):
            self.printed = self.stage
            self.say(f"{status.stage}: {status.text}")

    def close(self) -> None:
        self.progress = False


class Bar:
    """One line of a terminal that is drawn again and again; what is said stands above it."""

    def __init__(self, stream: IO[str] = sys.stderr) -> None:
        self.stream, self.stage, self.drawn, self.closed = stream, "", 0.0, False
        self.bar: Any = None

    def say(self, text: str) -> None:
        with suppress(OSError):
            if self.bar is None:
                print(text, file=self.stream, flush=True)
            else:
                self.bar.write(text, file=self.stream)

    def update(self, status: Status) -> None:
        now = time.monotonic()
        if self.closed or (status.stage == self.stage and now - self.drawn < REDRAW):
            return
        self.stage, self.drawn = status.stage, now
        drawing = " |{bar}| " if status.total else ": "
        form = f"{status.stage}{drawing}{status.text}"
        with suppress(OSError):
            if self.bar is None:
                self.bar = open_bar(self.stream, form)
            self.bar.n, self.bar.total, self.bar.bar_format = status.done, status.total or None, form
            self.bar.refresh()

    def close(self) -> None:
        self.closed = True
        if self.bar is not None:
            with suppress(OSError):
                self.bar.close()
            self.bar = None


def open_bar(stream: IO[str], form: str) -> Any:
    """A bar of tqdm of this form that leaves nothing behind; its import takes 50 ms, which jobs are spared."""
    from tqdm import tqdm

    tqdm.monitor_interval = 0  # no thread of its own
    tqdm.set_lock(threading.RLock())  # nor a lock between processes
    return tqdm(file=stream, leave=False, dynamic_ncols=True, bar_format=form, mininterval=0)


def choose_display(*, quiet: set[str], live: bool, stream: IO[str] = sys.stderr) -> Display:
    """A bar on a terminal if `live`, else lines; `quiet` holds what the user did not want, in Snakemake's words."""
    if live and not quiet and stream.isatty():
        return Bar(stream)
    return Lines(stream, progress=not quiet & {"all", "progress"})
