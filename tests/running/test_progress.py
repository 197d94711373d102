"""Progress from Snakemake's events: counts, rate and time left, and which jobs failed."""

import io
import logging

from prunescape.present.numbers import duration
from prunescape.running.progress import CellWatch, Failure, progress_line


def event(name, **fields):
    record = logging.LogRecord("snakemake", logging.INFO, "", 0, "", (), None)
    vars(record).update(event=name, **fields)
    return record


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


def watched(*events, missing=lambda: 0):
    clock, stream = Clock(), io.StringIO()
    watch = CellWatch(missing, stream=stream, clock=clock)
    for seconds, record in events:
        clock.now = seconds
        watch.handle(record)
    return watch, stream.getvalue().splitlines()


def start(cells):
    jobs = [event("job_info", jobid=job, rule_name="train_cell", wildcards={"seed": str(job)}) for job in range(cells)]
    return [(0, event("run_info", stats={"train_cell": cells, "total": cells + 3})), *((0, job) for job in jobs)]


def test_counts_cells_of_this_run_and_estimates_the_time_left():
    finished = [(10 * (job + 1), event("job_finished", job_id=job)) for job in range(4)]
    _, lines = watched(*start(4), *finished)
    assert lines[0] == "cells: 1 of 4 trained, 6.0 a minute, 30 s left"
    assert lines[-1] == "cells: 4 of 4 trained, 6.0 a minute"


def test_other_rules_are_no_cells():
    other = event("job_info", jobid=9, rule_name="export_onnx", wildcards={})
    watch, lines = watched(*start(1), (1, other), (20, event("job_finished", job_id=9)))
    assert (watch.done, lines, watch.finished) == (0, [], {"export_onnx"})


def test_a_planned_round_raises_the_number_of_cells():
    planning = event("job_info", jobid=9, rule_name="plan_round", wildcards={"round": "1"})
    later = event("job_info", jobid=10, rule_name="train_cell", wildcards={})
    steps = [(20, event("job_finished", job_id=0)), (21, planning), (30, event("job_finished", job_id=9))]
    _, lines = watched(*start(1), *steps, (31, later), (40, event("job_finished", job_id=10)), missing=lambda: 3)
    assert lines == ["cells: 1 of 1 trained, 3.0 a minute", "cells: 2 of 4 trained, 3.0 a minute, 40 s left"]


def test_lines_are_some_seconds_apart_but_the_last_one_always_comes():
    finished = [(0.1 * (job + 1), event("job_finished", job_id=job)) for job in range(30)]
    _, lines = watched(*start(30), *finished)
    assert len(lines) == 1
    assert lines[0].startswith("cells: 30 of 30")


def test_a_failed_job_is_remembered_once_with_its_log():
    error = event(
        "job_error", jobid=0, rule_name="train_cell", log=["r/train.log (check log file(s) for error details)"]
    )
    watch, _ = watched(*start(1), (1, error), (2, error))
    assert watch.failures == [Failure("train_cell", {"seed": "0"}, "r/train.log")]


def test_times_read_well():
    assert [duration(value) for value in (4.4, 70, 3600 + 65)] == ["4 s", "1 min 10 s", "1 h 01 min"]
    assert progress_line(0, 5, 0.0) == "cells: 0 of 5 trained, 0.0 a minute"
