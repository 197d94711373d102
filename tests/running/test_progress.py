"""What a run tells of itself, from Snakemake's events: stages, cells, rate, time left, rounds, and what failed."""

import io
import logging
import re

import pytest

from prunescape.designs.plan import Plan
from prunescape.designs.rounds import Round, Step
from prunescape.present.numbers import duration
from prunescape.running.display import Lines
from prunescape.running.failures import Failure
from prunescape.running.progress import Known, RunWatch, training_text
from prunescape.running.snakemake_output import is_news
from prunescape.running.stages import STAGES, Counts, JobCounts, rounds_ahead
from support.project import ROOT

MORE = "verdicts may ask for more seeds"


def event(name, **fields):
    record = logging.LogRecord("snakemake", logging.INFO, "", 0, "", (), None)
    vars(record).update(event=name, **fields)
    return record


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


class Run:
    """A run of made events, and the lines it printed; `known` are answers of the study."""

    def __init__(self, stats, **known):
        self.clock, self.stream, self.jobs = Clock(), io.StringIO(), 0
        answers = {"logs": lambda: ["/runs/a.log"], "cells": lambda: 4} | known
        self.watch = RunWatch(Lines(self.stream, self.clock), Known(**answers), clock=self.clock)
        self.tell("workflow_started")
        self.tell("run_info", stats=stats)

    def tell(self, name, **fields):
        self.watch.handle(event(name, **fields))

    def begin(self, rule, **wildcards):
        self.jobs += 1
        self.tell("job_info", jobid=self.jobs, rule_name=rule, wildcards=wildcards)
        return self.jobs

    def do(self, rule, seconds=0.0, **wildcards):
        job = self.begin(rule, **wildcards)
        self.clock.now += seconds
        self.tell("job_finished", job_id=job)

    def fail(self, job, log):
        self.tell("job_error", jobid=job, rule_name="train_cell", log=[f"{log} (check log file(s) for error details)"])

    @property
    def lines(self):
        return self.stream.getvalue().splitlines()


def test_a_line_at_each_change_of_stage_and_every_thirty_seconds():
    run = Run({"prepare_data": 1, "train_cell": 4, "export_onnx": 2, "benchmark_target": 1, "write_report": 1})
    run.do("prepare_data", 5)
    for _ in range(4):
        run.do("train_cell", 20)
    run.do("export_onnx", 1)
    run.do("export_onnx", 1)
    job = run.begin("benchmark_target")
    run.clock.now += 31
    run.watch.look()
    run.tell("job_finished", job_id=job)
    run.do("write_report")
    assert run.lines == [
        "log: /runs/a.log",
        "preparing: 0 of 1 steps",
        "training: 0 of 4 cells",
        "training: 2 of 4 cells, 3.0 a minute, 40 s left",
        "training: 4 of 4 cells trained",
        "exporting: 0 of 2 variants",
        "benchmarking: 0 of 1 targets",
        "benchmarking: 0 of 1 targets, 31 s so far",
        "report: 0 of 1 steps",
    ]


def test_what_runs_beside_exports_is_no_later_stage_yet():
    run = Run({"train_cell": 1, "export_onnx": 1, "collect_study": 1})
    run.do("train_cell", 1)
    run.do("collect_study", 1)
    assert run.lines[-1] == "exporting: 0 of 1 variants"
    run.do("export_onnx", 1)
    assert run.watch.counts.stage == "exporting", "nothing follows"


def test_a_second_round_is_announced_and_counted_by_itself():
    cells, ahead, left = [4], [MORE], {"train_cell": 2, "plan_round": 1, "export_onnx": 1}
    known = {"cells": lambda: cells[0], "ahead": lambda: ahead[0], "left": lambda: left}
    run = Run({"train_cell": 2, "plan_round": 1, "export_onnx": 1}, **known)
    run.do("train_cell", 20)
    run.do("train_cell", 20)
    assert run.lines[-1] == f"training: 2 of 2 cells trained; {MORE}"
    planning = run.begin("plan_round", round="1")
    run.clock.now += 31
    run.watch.look()
    assert run.lines[-1] == "training: 2 of 2 cells, planning what follows"
    run.tell("job_finished", job_id=planning)
    cells[0], ahead[0] = 6, ""
    left.pop("plan_round")
    run.do("train_cell", 10)
    assert run.lines[-1] == "round 1: 0 of 2 cells, 6 in all"
    run.do("train_cell", 10)
    run.do("export_onnx")
    assert run.lines[-1] == "exporting: 0 of 1 variants"


def test_a_round_without_cells_is_no_stage():
    run = Run({"train_cell": 1, "plan_round": 1, "export_onnx": 1}, left=lambda: {"export_onnx": 1})
    run.do("train_cell", 1)
    run.do("plan_round", 1, round="1")
    run.do("export_onnx", 1)
    assert run.lines[-2:] == ["training: 1 of 1 cells trained", "exporting: 0 of 1 variants"]


def test_exports_that_a_choice_asks_for_come_before_what_was_known_to_follow():
    known = {"train_cell": 1, "choose_exports": 1, "benchmark_target": 1}
    run = Run(known, left=lambda: {"export_onnx": 2, "benchmark_target": 1})
    run.do("train_cell", 1)
    run.do("choose_exports", 1)
    run.do("export_onnx", 1)
    run.do("export_onnx", 1)
    run.do("benchmark_target", 1)
    stages = ["exporting: 0 of 2 variants", "benchmarking: 0 of 1 targets"]
    assert run.lines[-3:] == ["training: 1 of 1 cells trained", *stages]


def test_a_resumed_run_goes_on_in_its_round():
    run = Run({"train_cell": 1, "plan_round": 1}, round=lambda: 2)
    run.begin("train_cell")
    assert run.lines[-1] == "round 2: 0 of 1 cells"


def test_a_failure_is_told_once_and_at_once_with_its_log(tmp_path):
    run, log = Run({"train_cell": 2}), tmp_path / "train.log"
    log.write_text("epoch=1\nerror: no memory\n")
    job = run.begin("train_cell", seed="0")
    run.fail(job, log)
    run.fail(job, log)
    assert run.lines[-2:] == ["failed: train_cell: error: no memory", f"    log: {log}"]
    assert list(run.watch.failures.values()) == [Failure("train_cell", {"seed": "0"}, str(log))]
    run.clock.now = 40
    run.watch.look()
    assert run.lines[-1] == "training: 0 of 2 cells, 1 failed"
    run.tell("job_info", jobid=job, rule_name="train_cell", wildcards={"seed": "0"})
    run.tell("job_finished", job_id=job)
    assert not run.watch.failures, "it was tried again"
    assert run.watch.counts.counts() == Counts(done=1, failed=0, total=2)


def test_a_job_that_is_tried_again_is_no_failure_yet(tmp_path):
    """What Slurm wrote of a job that it ended says why."""
    run, log, queue = Run({"train_cell": 1}, retries=lambda: 1), tmp_path / "train.log", tmp_path / "slurm.log"
    log.write_text("epoch=1\n")
    queue.write_text("slurmstepd: error: *** JOB 3 ON n1 CANCELLED AT 2026-11-29T10:00:00 DUE TO TIME LIMIT ***\n\n")
    job = run.begin("train_cell", seed="0")
    run.tell("job_error", jobid=job, rule_name="train_cell", log=[str(log), str(queue)])
    reason = "ended by Slurm (JOB 3 ON n1 CANCELLED AT 2026-11-29T10:00:00 DUE TO TIME LIMIT); its last line: epoch=1"
    assert run.lines[-2:] == [f"failed, attempt 1 of 2: train_cell: {reason}", f"    log: {log}"]
    assert not run.watch.failures and run.watch.counts.counts() == Counts(0, 0, 1)
    run.tell("job_info", jobid=job, rule_name="train_cell", wildcards={"seed": "0"})
    log.write_text("error: no memory\n")
    run.tell("job_error", jobid=job, rule_name="train_cell", log=[str(log), str(queue)])
    assert run.lines[-3:] == [
        "failed, attempt 2 of 2: train_cell: error: no memory",
        f"    log: {log}",
        "training: 0 of 1 cells trained, 1 failed",
    ]
    assert len(run.watch.failures) == 1


def test_a_job_that_ended_before_its_script_names_the_log_of_the_queue(tmp_path):
    queue = tmp_path / "slurm.log"
    queue.write_text("ImportError in file Snakefile\n")
    failure = Failure.of("prepare_data", {}, [str(tmp_path / "none.log"), str(queue)])
    assert failure.text.endswith(f"its log is empty\n    log: {queue}")


def test_of_cells_that_were_submitted_as_one_only_those_count_as_failed_that_left_no_results(tmp_path):
    """Two lines for all of them, and an event of Snakemake for each job of the group after that of the group."""
    run = Run({"train_cell": 3}, retries=lambda: 1, submits=lambda: True, kept=lambda known: known["seed"] == "1")
    logs = [tmp_path / f"{seed}.log" for seed in range(3)]
    logs[2].write_text("error: no memory\n")

    def submit():
        for seed in range(3):
            run.tell("job_info", jobid=seed, rule_name="train_cell", wildcards={"seed": str(seed)})

    def fail():
        infos = [{"jobid": seed, "rule_name": "train_cell", "log": [str(log)]} for seed, log in enumerate(logs)]
        run.tell("group_error", groupid="cells-base", aux_logs=[], job_error_info=infos)
        for info in infos:
            run.tell("job_error", **info)

    submit()
    run.clock.now = 31
    run.watch.look()
    assert run.lines[-1] == "training: 0 of 3 cells, 3 submitted"
    fail()
    told = ["failed, attempt 1 of 2: 2 jobs of one submission, train_cell: error: no memory", f"    log: {logs[2]}"]
    assert run.lines[-2:] == told
    submit()
    fail()
    assert run.lines[-1] == "training: 1 of 3 cells trained, 2 failed"
    assert {failure.wildcards["seed"] for failure in run.watch.failures.values()} == {"0", "2"}


def test_a_cell_whose_submission_failed_counts_once():
    run = Run({"train_cell": 2}, retries=lambda: 1, kept=lambda known: known["seed"] == "0")
    jobs = [run.begin("train_cell", seed=str(seed)) for seed in range(2)]
    infos = [{"jobid": job, "rule_name": "train_cell", "log": []} for job in jobs]
    run.tell("group_error", groupid="cells-base", aux_logs=[], job_error_info=infos)
    for job in jobs:
        run.tell("job_info", jobid=job, rule_name="train_cell", wildcards={"seed": str(job - 1)})
    for job in jobs:
        run.tell("job_finished", job_id=job)
    assert run.watch.counts.counts() == Counts(2, 0, 2) and run.lines[-1] == "training: 2 of 2 cells trained"


def test_planning_is_told_after_some_seconds():
    run = Run.__new__(Run)
    run.clock, run.stream, run.jobs = Clock(), io.StringIO(), 0
    run.watch = RunWatch(Lines(run.stream, run.clock), Known(cells=lambda: 10302), clock=run.clock)
    run.tell("workflow_started")
    for seconds in (4, 5, 20, 36):
        run.clock.now = seconds
        run.watch.look()
    assert run.lines == ["planning: 10,302 cells, 5 s so far", "planning: 10,302 cells, 36 s so far"]


def test_lines_become_fewer_after_three_minutes():
    run = Run({"train_cell": 10_000})
    run.begin("train_cell")
    printed = {}
    for second in range(1, 24 * 3600):
        run.clock.now = second
        run.watch.look()
        printed[second] = len(run.lines)
    assert printed[180] == 8 and printed[600] <= 16
    assert printed[24 * 3600 - 1] - printed[600] < 60


def test_the_time_left_is_that_of_planned_cells():
    assert training_text(Counts(done=4, failed=0, total=10), 60, "") == "4 of 10 cells, 4.0 a minute, 1 min 30 s left"
    assert training_text(Counts(4, 2, 10), 60, MORE).endswith("1 min 00 s left without later rounds")
    assert training_text(Counts(0, 0, 10), 60, MORE) == "0 of 10 cells"
    assert [duration(value) for value in (4.4, 70, 3600 + 65)] == ["4 s", "1 min 10 s", "1 h 01 min"]


def test_every_rule_belongs_to_one_stage():
    """The rules stand in rules/; `all` and `cells` in the Snakefile make nothing, nor do `tune` and `architectures`."""
    text = "\n".join(path.read_text() for path in (ROOT / "rules").glob("*.smk"))
    rules = set(re.findall(r"^\s*(?:rule|checkpoint) (\w+)(?: as \w+)?:", text, re.MULTILINE))
    rules -= {"architectures", "tune"}
    rules |= set(re.findall(r"^use rule \w+ as (\w+)", text, re.MULTILINE))
    staged = [rule for names, _ in STAGES.values() for rule in names]
    assert set(staged) >= rules and len(staged) == len(set(staged))


def test_trainings_before_all_plans_are_no_step_back():
    counts = JobCounts()
    counts.plan({"plan_variant": 2, "train_cell": 2})
    counts.begin_job(1, "train_cell")
    counts.finish_job("train_cell")
    counts.begin_job(2, "plan_variant")
    assert (counts.stage, counts.counts()) == ("training", Counts(1, 0, 2))


def plan_of(max_rounds, fresh_seeds):
    return Plan(
        experiment="e",
        variants=["base", "uniform-0.5"],
        axes={"log10_lr": ["-1.0"], "log10_wd": ["-4.0"]},
        prior={"log10_lr": "-1.0", "log10_wd": "-4.0"},
        seeds=[0],
        select_on="test",
        max_rounds=max_rounds,
        verdict={"fresh_seeds": fresh_seeds},
        thresholds=[1.0],
        risk_threshold=1.0,
        claims=1,
    )


@pytest.mark.parametrize(
    ("max_rounds", "fresh_seeds", "designs", "last", "words"),
    [
        (0, [], [], False, ""),
        (2, [], [], False, "the grid may grow"),
        (2, [1], [], False, f"the grid may grow, and {MORE}"),
        (2, [1], ["extension"], False, f"the grid may grow, and {MORE}"),
        (2, [1], ["extension", "extension"], False, MORE),
        (2, [1], ["replicates"], False, MORE),
        (2, [1], ["replicates"], True, ""),
    ],
)
def test_what_later_rounds_may_add(max_rounds, fresh_seeds, designs, last, words):
    """A design is over when the next one has begun, or when it has had its rounds."""
    final = len(designs)
    rounds = [
        Round(number, last and number == final, {"e": Step(design, {}, [])}) for number, design in enumerate(designs, 1)
    ]
    assert rounds_ahead({"e": plan_of(max_rounds, fresh_seeds)}, rounds) == words


@pytest.mark.parametrize(
    ("text", "fields", "shown"),
    [
        ("LockException: Directory cannot be locked.", {"event": "error"}, True),
        ('RuleException:\nCalledProcessError in file "training.smk", line 56', {"event": "error"}, False),
        ("rule train_cell:", {"event": "job_info"}, False),
        ("Select jobs to execute...", {}, False),
        ("Nothing to be done (all requested files are present and up to date).", {}, True),
        ("SLURM job '3' failed, its log ...", {"levelno": logging.ERROR}, True),
        ("Exiting because a job execution failed. Look above", {"levelno": logging.ERROR}, False),
    ],
)
def test_of_snakemakes_messages_only_news_are_shown(text, fields, shown):
    record = logging.LogRecord("snakemake", logging.INFO, "", 0, text, (), None)
    vars(record).update(fields)
    assert is_news(record) is shown


def test_a_dry_run_shows_no_more_than_its_planning():
    stream, clock = io.StringIO(), Clock()
    watch = RunWatch(Lines(stream, clock), Known(cells=lambda: 9), plans_only=True, clock=clock)
    watch.handle(event("workflow_started"))
    clock.now = 6
    watch.look()
    watch.handle(event("run_info", stats={"train_cell": 9}))
    watch.handle(event("job_info", jobid=1, rule_name="train_cell", wildcards={}))
    assert stream.getvalue() == "planning: 9 cells, 6 s so far\n"
