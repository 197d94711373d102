"""Cells done of all, rate and time left while a run goes on, and what failed: from Snakemake's log events."""

import logging
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from prunescape.present.numbers import duration
from prunescape.running.run_lock import Hold

RULE, PLANNING = "train_cell", "plan_round"
SUBMITTED = "SLURM run ID: "  # precedes the name of this run's jobs in Slurm's queue
PAUSE = 5.0  # seconds between two lines


@dataclass(frozen=True)
class Failure:
    """A job that failed, with its wildcards and its log."""

    rule: str
    wildcards: dict[str, str]
    log: str


class CellWatch(logging.Handler):
    """Listens to Snakemake's events: prints progress of the cells and collects failed jobs.

    It counts the cells of this run only. When a round was planned, `missing` gives how many cells are to be trained;
    `trained` is called with the wildcards of each trained one. `finished` names the rules of which a job succeeded.
    `hold` is the lock of this run, whose file gets the name of its jobs in a queue.
    """

    def __init__(
        self,
        missing: Callable[[], int] = lambda: 0,
        trained: Callable[[dict[str, str]], None] = lambda wildcards: None,
        *,
        stream=sys.stderr,
        clock=time.monotonic,
    ) -> None:
        super().__init__()
        self.missing, self.trained, self.stream, self.clock = missing, trained, stream, clock
        self.hold: Hold | None = None
        self.submitted = ""
        self.rules: dict[int, tuple[str, dict[str, str]]] = {}
        self.failures: list[Failure] = []
        self.finished: set[str] = set()
        self.total = self.done = 0
        self.started = self.printed = clock()

    def emit(self, record: logging.LogRecord) -> None:
        event = str(getattr(record, "event", "") or "")
        handle = getattr(self, f"_on_{event}", None)
        if handle is not None:
            handle(vars(record))
        elif SUBMITTED in str(record.msg):
            self.submitted = str(record.msg).partition(SUBMITTED)[2].strip()
            self.write_down()

    def write_down(self) -> None:
        """Write the name of this run's jobs in a queue to its lock file: the next run may have to cancel them."""
        if self.hold is not None and self.submitted:
            self.hold.note(submitted=self.submitted)

    def _on_run_info(self, fields: dict[str, Any]) -> None:
        self.total = max(self.total, int(fields["stats"].get(RULE, 0)))
        self.started = self.clock()

    def _on_job_info(self, fields: dict[str, Any]) -> None:
        self.rules[fields["jobid"]] = (fields["rule_name"], dict(fields["wildcards"] or {}))

    def _on_job_finished(self, fields: dict[str, Any]) -> None:
        rule, wildcards = self.rules.get(fields["job_id"], ("", {}))
        self.finished.add(rule)
        if rule == PLANNING:
            self.total = max(self.total, self.done + self.missing())
        if rule == RULE:
            self.done += 1
            self.trained(wildcards)
            self._print()

    def _on_job_error(self, fields: dict[str, Any]) -> None:
        _, wildcards = self.rules.get(fields["jobid"], ("", {}))
        log = str((fields["log"] or [""])[0])
        failure = Failure(fields["rule_name"], wildcards, log.removesuffix(" (check log file(s) for error details)"))
        if failure not in self.failures:
            self.failures.append(failure)

    def _print(self) -> None:
        now = self.clock()
        if now - self.printed < PAUSE and self.done < self.total:
            return
        self.printed = now
        print(progress_line(self.done, self.total, now - self.started), file=self.stream, flush=True)


def progress_line(done: int, total: int, seconds: float) -> str:
    """One line of progress; the time left assumes the rate so far."""
    rate = done / seconds if seconds > 0 else 0.0
    left = f", {duration((total - done) / rate)} left" if rate > 0 and total > done else ""
    return f"cells: {done} of {total} trained, {60 * rate:.1f} a minute{left}"


def watch_cells(missing: Callable[[], int], trained: Callable[[dict[str, str]], None]) -> CellWatch:
    """Attach a watch to Snakemake's logger."""
    from snakemake.logging import logger

    watch = CellWatch(missing, trained)
    logger.addHandler(watch)
    return watch
