"""What a job prints goes to its log, whose last line says why it failed. Needs nothing."""

import os
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from prunescape.errors import InputError
from prunescape.failures import want


@contextmanager
def job_log(path: str | Path) -> Iterator[None]:
    """Send standard output and error to `path`, also those of libraries in C, until the process ends.

    An InputError exits with status 2 and its one line; anything else with status 1, its traceback and one line.
    """
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    log = open(path, "w", buffering=1)  # noqa: SIM115 (standard error until the very end)
    os.dup2(log.fileno(), 1)
    os.dup2(log.fileno(), 2)
    sys.stdout = sys.stderr = log
    try:
        yield
    except InputError as error:
        print(f"error: {error}")
        sys.exit(2)
    except Exception as error:
        traceback.print_exc()
        print(f"error: {want(error) or unexpected(error)}")
        sys.exit(1)


def unexpected(error: Exception) -> str:
    """One line for an error that nobody foresaw."""
    return f"unexpected {type(error).__name__}: {' '.join(str(error).split())}"
