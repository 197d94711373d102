"""A terminal that a test reads: a program's standard error is one, as for a user at the keyboard."""

import os
import pty
import re
import struct
import subprocess
import termios
from collections.abc import Sequence
from contextlib import suppress
from fcntl import ioctl

COLOURS = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


def run_in_terminal(args: Sequence[str], *, columns: int = 100, **place) -> tuple[int, str]:
    """Run the command `args` in a terminal that is so many characters wide; its exit status, and all that it wrote.

    Colours are left out; a carriage return stays, since it tells what was drawn over what.
    """
    ours, theirs = pty.openpty()
    ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    running = subprocess.Popen(args, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True, **place)
    os.close(theirs)
    written = b""
    with suppress(OSError):  # EIO when the last writer has closed it
        while part := os.read(ours, 65536):
            written += part
    os.close(ours)
    return running.wait(), COLOURS.sub("", written.decode(errors="replace")).replace("\r\n", "\n")


def lines_that_stay(written: str) -> list[str]:
    """What a user sees in the end: of each line what was drawn last, without lines that were wiped out."""
    last = [line.rpartition("\r")[2].rstrip() for line in written.split("\n")]
    return [line for line in last if line]
