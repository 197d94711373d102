"""What a job prints goes to its log, whose last line says why it failed."""

import os
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from prunescape.errors import InputError, Stopped
from prunescape.running.failures import ERROR
from prunescape.running.jobs import end_with_the_run
from prunescape.store.exhaustion import exhausted


@contextmanager
def job_log(path: str | Path) -> Iterator[Callable[[str], None]]:
    """Send standard output and error to `path`, also those of libraries in C, until the process ends with its run.

    Gives a function that prints a line both there and on the terminal. An InputError exits with status 2 and its one
    line, Stopped with 128 + its signal, as in a shell, anything else with status 1, its traceback and one line. Where
    the log cannot be written, the line goes to the terminal.
    """
    terminal = os.dup(2)
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    log = open(path, "w", buffering=1)  # noqa: SIM115 (standard error until the very end)
    os.dup2(log.fileno(), 1)
    os.dup2(log.fileno(), 2)
    sys.stdout = sys.stderr = log
    end_with_the_run()
    try:
        yield lambda line: _announce(line, terminal)
    except InputError as error:
        _say(last_words(error), terminal)
        sys.exit(2)
    except Stopped as error:
        _say(last_words(error), terminal)
        sys.exit(128 + error.signal)
    except Exception as error:
        _say(last_words(error), terminal)
        sys.exit(1)


def _announce(line: str, terminal: int) -> None:
    print(line, flush=True)
    with suppress(OSError):  # a terminal that was closed stops no job
        os.write(terminal, f"{line}\n".encode())


def _say(text: str, terminal: int) -> None:
    try:
        print(text, flush=True)
    except OSError:
        os.write(terminal, f"{text.splitlines()[-1]}\n".encode())


def last_words(error: Exception) -> str:
    """What the log of a job ends with that raised this error: one line, after a traceback where nobody expected it."""
    if isinstance(error, InputError | Stopped):
        return f"{ERROR}{error}"
    found = "".join(traceback.format_exception(error)) if error.__traceback__ else ""
    return f"{found}{ERROR}{exhausted(error) or unexpected(error)}"


def unexpected(error: Exception) -> str:
    """One line for an unexpected error."""
    return f"unexpected {type(error).__name__}: {' '.join(str(error).split())}"
