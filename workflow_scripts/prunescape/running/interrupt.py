"""An interrupted run stops its jobs at once instead of waiting for them. Needs psutil, which Snakemake brings."""

from __future__ import annotations

import signal
from contextlib import suppress


def stop_jobs_on_interrupt() -> None:
    """On SIGINT send SIGTERM to all processes below this one, then interrupt it as ever. Needs the main thread.

    A terminal interrupts jobs itself, but a signal to Snakemake's process alone would leave it waiting for hours.
    """

    def stop(number: int, frame: object) -> None:
        import psutil

        for child in psutil.Process().children(recursive=True):
            with suppress(psutil.NoSuchProcess):
                child.terminate()
        signal.default_int_handler(number, frame)

    signal.signal(signal.SIGINT, stop)
