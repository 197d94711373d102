"""What `prunescape bench` shows while it measures: of all repeats of one configuration a line, or a bar."""

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr
from io import TextIOBase
from typing import IO

from prunescape.running.display import Display, Status, choose_display

REPEAT = re.compile(r"(.*): repeat (\d+) of (\d+)")  # as the agent prints them


class Repeats(TextIOBase):
    """A stream that hands lines on to a display, and of many repeats only how far they are."""

    def __init__(self, display: Display) -> None:
        super().__init__()
        self.display, self.rest = display, ""

    def write(self, text: str) -> int:
        *lines, self.rest = (self.rest + text).split("\n")
        for line in lines:
            repeat = REPEAT.fullmatch(line)
            if repeat is None:
                self.display.say(line)
            else:
                done, total = int(repeat[2]), int(repeat[3])
                self.display.update(Status(repeat[1], f"{done} of {total} repeats", done, total))
        return len(text)


@contextmanager
def shown_repeats(stream: IO[str] | None = None) -> Iterator[None]:
    """Show what is printed to standard error in this block, with one line or bar for the repeats of a configuration."""
    display = choose_display(quiet=set(), live=True, stream=stream or sys.stderr)
    try:
        with redirect_stderr(Repeats(display)):
            yield
    finally:
        display.close()
