"""Which of Snakemake's own messages a run shows beside its progress; all of them are in its log."""

import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from prunescape.running.display import choose_display
from prunescape.running.progress import Known, RunWatch, keep_looking

STARTED = "workflow_started"
SHOWN = ("Nothing to be done", "Will exit after", "Terminating processes", "Complete log")
FOLLOWS = "Exiting because a job execution failed"  # the end of the run says which, and why
SCRIPT_FAILED = "CalledProcessError in file"  # why stands in the job's log, of which the watch tells


def is_news(record: logging.LogRecord) -> bool:
    """Whether a message matters to a user who sees stages, counts and failed jobs: errors, warnings and the end."""
    event, text = str(getattr(record, "event", "") or ""), str(record.msg or "")
    if event == "error":
        return SCRIPT_FAILED not in text
    if event or text.startswith(FOLLOWS):
        return False
    return record.levelno >= logging.WARNING or text.startswith(SHOWN)


def show_only_news(handler: Any, watch: RunWatch) -> None:
    """Silence Snakemake's `handler` for the terminal once a run starts; the watch's display says the news instead."""
    started = False

    def passes(record: logging.LogRecord) -> bool:
        nonlocal started
        started |= str(getattr(record, "event", "")) == STARTED
        if started and is_news(record):
            with watch.lock:
                watch.display.say(handler.decorate(record, handler.format(record)))
        return not started

    handler.addFilter(passes)


def watch_run(
    output: Any,
    known: Known,
    trained: Callable[[dict[str, str]], None],
    decided: Callable[[dict[str, str]], None],
) -> RunWatch:
    """Attach a watch to Snakemake's logger; `output` are Snakemake's settings of what it prints.

    Where the user asked for a dry run, or for more or less than Snakemake prints by itself, Snakemake's messages stay.
    """
    from snakemake.logging import logger

    quiet = {kind.name.lower() for kind in output.quiet or ()}
    asked = (output.dryrun, output.verbose, output.debug_dag, output.printshellcmds, output.show_failed_logs)
    own = bool(quiet) or any(asked)
    known = replace(known, logs=list) if quiet else known
    watch = RunWatch(choose_display(quiet=quiet, live=not own), known, trained, decided, plans_only=output.dryrun)
    handlers = [handler for handler in logger.handlers if handler.name == "DefaultStreamHandler"]
    for handler in handlers if not own else ():
        show_only_news(handler, watch)
    logger.addHandler(watch)
    keep_looking(watch)
    return watch
