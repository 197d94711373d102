"""What goes on in a run, from Snakemake's log events: its stage, the cells done, the time left, and what failed."""

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from prunescape.present.numbers import duration
from prunescape.running.display import Display, Status
from prunescape.running.failures import Failure, failures_text
from prunescape.running.run_lock import Hold
from prunescape.running.stages import CELL, NEXT, NEXT_RUNG, Counts, JobCounts

SUBMITTED = "SLURM run ID: "  # precedes the name of this run's jobs in Slurm's queue
PLANNING = "planning"
PATIENCE = 5.0  # seconds of a stage without cells before its line says how long it takes
BEAT = 0.5  # seconds between two looks at the clock


@dataclass(frozen=True)
class Known:
    """What a watch asks of the study: all from what is planned by now.

    `cells`: how many it has. `left`: the jobs by rule that are not done. `round`: which one the cells to train belong
    to, 0 for the first cells. `ahead`: what later rounds may add, in words. `logs`: where Snakemake writes everything.
    `retries`: how often a failed job is tried again. `submits`: whether jobs wait in a queue. `kept`: whether the cell
    with these wildcards is trained, though others failed that were submitted with it.
    """

    cells: Callable[[], int] = lambda: 0
    left: Callable[[], Mapping[str, int]] = dict
    round: Callable[[], int] = lambda: 0
    ahead: Callable[[], str] = str
    logs: Callable[[], list[str]] = list
    retries: Callable[[], int] = lambda: 0
    submits: Callable[[], bool] = lambda: False
    kept: Callable[[dict[str, str]], bool] = lambda wildcards: False


class RunWatch(logging.Handler):
    """Listens to Snakemake's events, tells a display about them, and collects failed jobs.

    It counts jobs of this run only. `trained` is called with the wildcards of each trained cell, `decided` with those
    of each planned rung of a search. `finished` names the rules of which a job succeeded. `hold` is the lock of this
    run, whose file gets the name of its jobs in a queue.
    A dry run `plans_only`: once it knows its jobs it has no progress to show.
    """

    def __init__(
        self,
        display: Display,
        known: Known,
        trained: Callable[[dict[str, str]], None] = lambda wildcards: None,
        decided: Callable[[dict[str, str]], None] = lambda wildcards: None,
        *,
        plans_only: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__()
        self.plans_only = plans_only
        self.display, self.known, self.clock = display, known, clock
        self.trained, self.decided = trained, decided
        self.hold: Hold | None = None
        self.submitted = ""
        self.jobs: dict[int, tuple[str, dict[str, str]]] = {}
        self.failures: dict[int, Failure] = {}
        self.attempts: Counter[int] = Counter()  # those that failed, by job
        self.told: set[int] = set()  # jobs whose failure was told with that of others
        self.kept: dict[int, dict[str, str]] = {}  # wildcards of trained cells whose submission failed, by job
        self.begun: set[int] = set()  # cells that are submitted, or trained
        self.finished: set[str] = set()
        self.counts = JobCounts()
        self.planning = 0  # cells, while Snakemake makes its jobs of them
        self.running = False
        self.ahead = self.added = ""
        self.began = clock()
        self.trains_since: float | None = None
        self.stage, self.stage_since = "", clock()

    def emit(self, record: logging.LogRecord) -> None:
        event = str(getattr(record, "event", "") or "")
        handle = getattr(self, f"_on_{event}", None)
        if handle is not None:
            handle(vars(record))
            self.look()
        elif SUBMITTED in str(record.msg):
            self.submitted = str(record.msg).partition(SUBMITTED)[2].strip()
            self.write_down()

    def write_down(self) -> None:
        """Write the name of this run's jobs in a queue to its lock file: the next run may have to cancel them."""
        if self.hold is not None and self.submitted:
            self.hold.note(submitted=self.submitted)

    def look(self) -> None:
        """Show how far the run is."""
        if self.planning:
            text = f"{self.planning:,} cells, {duration(self.clock() - self.began)} so far"
            self.display.update(Status(PLANNING, text, patience=PATIENCE))
        elif self.running:
            self.display.update(self._status())

    def _status(self) -> Status:
        counts, jobs = self.counts.counts(), self.counts
        failed = f", {len(self.failures)} failed" if self.failures else ""
        now = self.clock()
        if self.stage != jobs.stage:
            self.stage, self.stage_since = jobs.stage, now
        text = f"{counts.done} of {counts.total} {jobs.unit}"
        if jobs.is_training:
            since = now if self.trains_since is None else self.trains_since
            text = training_text(counts, now - since, self.ahead) + ("" if counts.done else self.added)
            text += f", {len(self.begun)} submitted" if self.begun and self.known.submits() else ""
        elif now - self.stage_since >= PATIENCE:
            text += f", {duration(now - self.stage_since)} so far"
        return Status(jobs.stage, text + failed, counts.done, counts.total)

    def close(self) -> None:
        """Show no more progress."""
        with self.lock:
            self.planning, self.running = 0, False
            self.display.close()
        super().close()

    def _on_workflow_started(self, fields: dict[str, Any]) -> None:
        for log in self.known.logs():
            self.display.say(f"log: {log}")
        self.began, self.planning = self.clock(), self.known.cells()

    def _on_run_info(self, fields: dict[str, Any]) -> None:
        if self.plans_only:
            self.close()
            return
        self.planning, self.running = 0, True
        self.counts.begin_round(self.known.round())
        self.counts.plan(fields["stats"])
        self.ahead = self.known.ahead()

    def _on_job_info(self, fields: dict[str, Any]) -> None:
        job, rule = fields["jobid"], fields["rule_name"]
        self.jobs[job] = (rule, dict(fields["wildcards"] or {}))
        if self.counts.awaits:
            self._plan_after(self.counts.awaits)
        if rule == CELL:
            self.begun.add(job)
            self.trains_since = self.clock() if self.trains_since is None else self.trains_since
        self.failures.pop(job, None)  # it is tried again
        self.counts.begin_job(job, rule)

    def _plan_after(self, checkpoint: str) -> None:
        """Count the jobs that follow a checkpoint, now that Snakemake has them; those of a new round by themselves."""
        self.counts.plan(self.known.left())
        self.ahead = self.known.ahead()
        if checkpoint in NEXT and self.counts.left[CELL] > 0:
            self.counts.begin_round(self.counts.round + 1)
            self.trains_since = None
            later = f"; then {self.ahead}" if self.ahead else ""
            self.added = f", {self.known.cells():,} in all{later}"

    def _on_job_finished(self, fields: dict[str, Any]) -> None:
        job = fields["job_id"]
        rule, wildcards = self.jobs.get(job, ("", {}))
        self.finished.add(rule)
        self.begun.discard(job)
        if job not in self.kept:
            self.counts.finish_job(rule)
        if rule == CELL:
            self.trained(wildcards)
            self._say_trained()
        if rule == NEXT_RUNG:
            self.decided(wildcards)

    def _say_trained(self) -> None:
        """Say when no first cell is left, and what may follow: the line that begins a round says that of its cells."""
        cells = self.counts.cells()
        if cells.done + cells.failed < cells.total or (self.counts.round and not cells.failed):
            return
        after = f"; {self.ahead}" if self.ahead else ""
        later = f", {cells.failed} failed" if cells.failed else after
        self.display.say(f"{self.counts.training}: {cells.done} of {cells.total} cells trained{later}")

    def _on_group_error(self, fields: dict[str, Any]) -> None:
        """What was submitted as one failed, perhaps in some jobs only; an event for each job follows."""
        jobs = fields["job_error_info"]
        self.told |= {info["jobid"] for info in jobs}
        self._fail([info | {"log": [*(info["log"] or [""])[:1], *fields["aux_logs"]]} for info in jobs])

    def _on_job_error(self, fields: dict[str, Any]) -> None:
        if fields["jobid"] in self.told:
            self.told.remove(fields["jobid"])
        else:
            self._fail([fields])

    def _fail(self, errors: list[dict[str, Any]]) -> None:
        """Tell of jobs that failed at once; those that will be tried again still count as jobs to do."""
        failed: dict[int, Failure] = {}
        for error in errors:
            job = error["jobid"]
            rule, wildcards = self.jobs.get(job, (error["rule_name"], {}))
            self.begun.discard(job)
            if rule == CELL and self.known.kept(wildcards):
                self._keep(job, wildcards)
            elif job not in self.failures:
                failed[job] = Failure.of(rule, wildcards, error["log"] or [])
        if not failed:
            return
        self.attempts.update(list(failed))
        attempt, attempts = max(self.attempts[job] for job in failed), 1 + self.known.retries()
        self.display.say(failures_text(list(failed.values()), attempt, attempts))
        if attempt < attempts:
            return
        self.failures |= failed
        for job, failure in failed.items():
            self.counts.fail_job(job, failure.rule)
        if any(failure.rule == CELL for failure in failed.values()):
            self._say_trained()

    def _keep(self, job: int, wildcards: dict[str, str]) -> None:
        """A cell is trained, though its job counts as failed with others."""
        if job not in self.kept:
            self.kept[job] = wildcards
            self.counts.finish_job(CELL)


def training_text(counts: Counts, seconds: float, ahead: str) -> str:
    """How many cells are trained; the time left assumes the rate so far and counts what is planned."""
    text = f"{counts.done} of {counts.total} cells"
    if counts.done == counts.total:
        return f"{text}, planning what follows" if ahead else text
    if not counts.done or seconds <= 0 or counts.done + counts.failed == counts.total:
        return text
    rate = counts.done / seconds
    left = duration((counts.total - counts.done - counts.failed) / rate)
    return f"{text}, {60 * rate:.1f} a minute, {left} left{' without later rounds' if ahead else ''}"


def keep_looking(watch: RunWatch) -> None:
    """Look at the clock for a watch until this process ends."""

    def tick() -> None:
        while True:
            time.sleep(BEAT)
            with watch.lock:
                watch.look()

    threading.Thread(target=tick, daemon=True).start()
