"""What a job prints goes to its log; input that cannot be used ends it with one line. Needs nothing."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from prunescape.errors import InputError


@contextmanager
def job_log(path: str | Path) -> Iterator[None]:
    """Send standard output and error to `path`, also those of libraries in C; an InputError exits with status 2."""
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w", buffering=1) as log:
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
        sys.stdout = sys.stderr = log
        try:
            yield
        except InputError as error:
            print(f"error: {error}", file=log)
            log.flush()
            sys.exit(2)
