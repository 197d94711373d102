"""A run that fails in part: the rest goes on, the end says what is missing and why, and the partial report opens."""

from pathlib import Path

import pandas as pd
import pytest

from prunescape.analysis.analyse import analyse
from prunescape.errors import InputError
from prunescape.running.failures import Failure, reason_in
from prunescape.running.run_end import finished_lines, missing_cells, unmeasured_line, unmeasured_targets
from support.project import Project, small_study


@pytest.fixture(scope="module")
def failed(tmp_path_factory):
    """A study one of whose variants cannot be cut so far, run to its end, with what it printed."""
    project = Project(tmp_path_factory.mktemp("failing"), small_study({"variants": {"uniform": [0.5, 0.0101]}}))
    return project, project.snakemake()


def test_other_cells_go_on_and_the_end_names_the_reason(failed):
    project, done = failed
    results = project.work / "results/tiny"
    assert done.returncode != 0
    assert "Traceback" not in done.stdout
    assert "failed jobs: 1; missing cells: 2 of 6" in done.stdout
    reason = next(line for line in done.stdout.splitlines() if line.strip().startswith("plan_variant: error:"))
    assert "0.0101" in reason
    log = "experiment=small/variant=uniform-0.0101/plan.log"
    assert f"log: {results / log}" in done.stdout
    assert reason.split("plan_variant: ")[1] == reason_in(str(results / log))
    assert len(list(results.glob("**/record.json"))) == 4


def test_the_partial_report_says_which_cells_are_missing(failed):
    project, done = failed
    report = project.work / "results/tiny/partial/report.html"
    assert f"partial report: {report}" in done.stdout
    page = report.read_text()
    for decay in ("-4.0", "-3.0"):
        assert f"experiment=small/variant=uniform-0.0101/log10_lr=-1.0/log10_wd={decay}/seed=0" in page
    assert "uniform-0.5" in page or "Uniform" in page


def test_a_finished_run_removes_the_partial_report(failed):
    project, _ = failed
    project.configure(small_study({"variants": {"uniform": [0.5]}}))
    output = project.run()
    assert "small: best cell per variant" in output
    assert f"report: {project.work / 'results/tiny/report.html'}" in output
    assert not (project.work / "results/tiny/partial").exists()


def test_a_table_of_an_older_version_is_one_clear_line(tmp_path):
    """Without the verdicts of its speed-ups, what is slower than the base cannot be told."""
    cells = pd.DataFrame({"model": "m", "dataset": "d", "variant": ["base", "uniform-0.5"], "seed": 0, "top1": 90.0})
    cells.assign(log10_lr=-1.0, log10_wd=-4.0).to_csv(tmp_path / "cells.csv", index=False)
    analyse(tmp_path / "cells.csv", tmp_path)
    (tmp_path / "report.html").touch()
    pd.DataFrame({"experiment": ["e"], "high": [0.9]}).to_parquet(tmp_path / "speedups.parquet")
    with pytest.raises(InputError, match=r"speedups\.parquet: the column .* is missing"):
        finished_lines(tmp_path)


def test_each_missing_cell_names_what_it_waited_for(tmp_path):
    names = ("base", "uniform-0.5")
    cells = [f"experiment=e/variant={variant}/log10_lr=-1.0/log10_wd=-4.0/seed=0" for variant in names]
    for name in ("data/digits.log", "experiment=e/variant=uniform-0.5/plan.log", f"{cells[0]}/train.log"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(f"some progress\nerror: {name}\n\n")
    folders = [Path(cell) for cell in cells]
    plan = Failure("plan_variant", {}, str(tmp_path / "experiment=e/variant=uniform-0.5/plan.log"))
    train = Failure("train_cell", {}, str(tmp_path / cells[0] / "train.log"))
    data = Failure("prepare_data", {}, str(tmp_path / "data/digits.log"))
    found = missing_cells(tmp_path, folders, [plan, train])
    assert [entry["reason"] for entry in found] == [
        f"error: {cells[0]}/train.log",
        "error: experiment=e/variant=uniform-0.5/plan.log",
    ]
    assert {entry["reason"] for entry in missing_cells(tmp_path, folders, [data])} == {"error: data/digits.log"}
    assert {entry["log"] for entry in missing_cells(tmp_path, folders, [])} == {""}


def test_each_target_names_its_own_log_or_that_of_what_it_waited_for(tmp_path):
    folder = tmp_path / "experiment=e"
    names = ("target=pi.log", "variant=base/export.log")
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(f"error: {name}\n")
    (folder / "target=here.json").touch()
    measured = [str(folder / f"target={name}.json") for name in ("here", "phone", "pi")]
    export = Failure("export_onnx", {}, str(folder / names[1]))
    found = unmeasured_targets(tmp_path, measured, [export, Failure("benchmark_target", {}, str(folder / names[0]))])
    assert [(entry["target"], entry["reason"]) for entry in found] == [
        ("phone", f"error: {names[1]}"),
        ("pi", f"error: {names[0]}"),
    ]
    assert found[1]["log"] == f"experiment=e/{names[0]}"
    assert unmeasured_line(tmp_path, found[1]) == (
        f"e: target pi was not measured: error: {names[0]}; log: {folder / names[0]}"
    )
    assert unmeasured_targets(tmp_path, measured[:2], [])[0]["reason"] == "the run ended before"


@pytest.mark.long
def test_a_failed_target_withholds_nothing_that_needs_no_target(tmp_path):
    """A phone whose perf_test is nowhere: report and tables are there, and come whole once it is left out."""
    here = {"repeats": 3, "chunk_seconds": 0.01}
    phone = {"kind": "adb", "serial": "x", "perf_test": "/nowhere/perf_test", "retries": 0}
    project = Project(tmp_path, small_study({"variants": {"uniform": [0.5]}}, targets={"here": here, "phone": phone}))
    done, results = project.snakemake(), project.work / "results/tiny"
    assert done.returncode != 0
    assert "small: target phone was not measured: error: " in done.stdout
    assert f"report without these targets: {results / 'report.html'}" in done.stdout
    written = ("cells", "risk", "verdicts", "tables/performance_risk", "partial/benchmarks", "partial/recommendations")
    assert all((results / f"{name}.parquet").exists() for name in written)
    page = (results / "report.html").read_text()
    assert "Target phone was not measured for small" in page and "On target here" in page
    assert "target phone was not measured" in "\n".join(finished_lines(results))
    again = project.planned()
    assert {"benchmark_remote_target experiment=small, target=phone", "collect_benchmarks", "write_report"} <= again
    assert not {job for job in again if job.startswith(("train_cell", "collect_study", "analyse_cells"))}
    project.configure(small_study({"variants": {"uniform": [0.5]}}, targets={"here": here}))
    assert "was not measured" not in project.run()
    assert "phone was not measured" not in (results / "report.html").read_text()
    assert not (results / "partial").exists()
