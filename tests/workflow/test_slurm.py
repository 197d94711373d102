"""The study through a real Slurm with the shipped profile: what it asks for, and what comes of lost jobs and nodes.

Needs what tests/support/slurm_cluster.py needs; skipped, with the reason, where there is none.
"""

import contextlib
import re
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pandas as pd
import pytest

from golden.recorded import weights_digest
from prunescape.config.cluster import SUBMITTED
from prunescape.space.cells import Cell
from prunescape.store.files import read_json
from support.cells import cell_files
from support.project import TINY_RECIPE, Project, experiment, small_study
from support.slurm_cluster import NoSlurm, SlurmCluster
from support.small_images import prepared_files
from support.submissions import grouped, on_slurm, stacked_on_cpu
from train_cell import train_cells

CELL = "results/tiny/experiment=small/variant=base/log10_lr=-1.0/log10_wd=-4.0/seed=0"
TO_TABLE = ("--until", "collect_study")  # what comes later shows nothing of lost jobs: one test has it all
EPOCHS = 400  # long enough to be disturbed, some ten seconds
ASKED = {"minutes": 7, "memory_mb": 1000, "constraint": "old|new", "rules": {"train_cell": {"memory_mb": 1500}}}


@pytest.fixture(scope="module")
def slurm():
    pytest.importorskip("snakemake_executor_plugin_slurm")
    with contextlib.ExitStack() as stack:
        try:
            cluster = stack.enter_context(SlurmCluster())
        except NoSlurm as reason:
            warnings.warn(f"the tests on Slurm are skipped: {reason}", stacklevel=1)  # said even where skips are not
            pytest.skip(f"no Slurm can be started here: {reason}")
        yield cluster


def cell_study(epochs=EPOCHS, **changes):
    """One base cell on the tiny data, measured on a node with a GPU; `changes` are keys of the study."""
    targets = {"node": {"kind": "slurm", "constraint": "new", "gpu": 1, "repeats": 3, "chunk_seconds": 0.01}}
    small = experiment(recipe=TINY_RECIPE | {"epochs": epochs})
    return small_study(small, **{"targets": targets, "cluster": ASKED} | changes)


def disturbed(project, slurm, disturb, *arguments, rule="train_cell"):
    """Run the study to its end and, when its cell has trained some epochs, call `disturb` with that cell's job."""
    log = project.work / CELL / "train.log"
    with ThreadPoolExecutor() as pool:
        running = pool.submit(project.run, *arguments)

        def mid_cell():
            return running.done() or (log.exists() and log.read_text().count("epoch=") > 20)

        slurm.wait_until(mid_cell, "cell that trains", seconds=300)
        assert not running.done(), running.result()
        disturb(jobs_of(slurm, rule)[-1])
        return running.result()


def jobs_of(slurm, rule):
    """The jobs of one rule, oldest first: Slurm knows the rule from the job's comment."""
    return [job for job in slurm.jobs() if job.get("Comment", "").startswith(f"rule_{rule}")]


def results(project):
    """What the study reached in its cells, without what depends on the host and the clock."""
    cells = pd.read_parquet(project.work / "results/tiny/cells.parquet")
    return cells[["experiment", "variant", "log10_lr", "log10_wd", "seed", "status", "top1", "loss"]]


def test_a_study_runs_to_its_report_though_its_training_is_cancelled(slurm, tmp_path):
    before = len(slurm.jobs())
    project = on_slurm(tmp_path, cell_study())
    disturbed(project, slurm, lambda job: slurm.run("scancel", job["JobId"]))
    assert (project.work / "results/tiny/report.html").exists()
    jobs = slurm.jobs()[before:]
    rules = {rule: [job for job in jobs if job["Comment"].startswith(f"rule_{rule}")] for rule in SUBMITTED}
    assert sum(len(of_rule) for of_rule in rules.values()) == len(jobs) and all(rules.values()), "quick rules stay here"
    assert {job["Partition"] for job in jobs} == {"main"}
    cancelled, again = rules["train_cell"]
    assert (cancelled["JobState"], again["JobState"]) == ("CANCELLED", "COMPLETED")
    assert (cancelled["TimeLimit"], again["TimeLimit"]) == ("00:07:00", "00:11:00"), "half as much again, whole minutes"
    assert (cancelled["MinMemoryNode"], again["MinMemoryNode"]) == ("1500M", "2250M")
    assert {job["MinMemoryNode"] for job in rules["export_onnx"]} == {"1000M"}
    assert cancelled["Features"] == "old|new"
    (measured,) = rules["benchmark_target"]
    assert (measured["TresPerJob"], measured["Features"], measured["NodeList"]) == ("gres:gpu:1", "new", "n2")
    assert "Nothing to be done" in project.run("--dry-run")


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """The same study on this host, without Slurm and its target."""
    project = Project(tmp_path_factory.mktemp("undisturbed"), cell_study(targets={}))
    project.run(*TO_TABLE)
    return results(project)


def take_down(slurm, job):
    slurm.run("scontrol", "update", f"nodename={job['NodeList']}", "state=down", "reason=test")


def lose(slurm, job):
    slurm.lose_node(job["NodeList"])


def preempt(slurm, job):
    """Both nodes are wanted by jobs of a partition that comes first, for a moment."""
    slurm.run("sbatch", "--partition=urgent", "--nodes=2", "--exclusive", "--output=/dev/null", "--wrap=sleep 5")


@pytest.mark.long
@pytest.mark.parametrize("fault", [take_down, lose, preempt])
def test_what_a_node_loses_is_trained_again_with_the_same_results(slurm, undisturbed, tmp_path, fault):
    """Slurm itself queues these again, half a minute later, and Snakemake waits: one job, started twice."""
    project = on_slurm(tmp_path, cell_study())
    try:
        disturbed(project, slurm, lambda job: fault(slurm, job), *TO_TABLE)
    finally:
        slurm.mend_nodes()
    assert [(job["JobState"], job["Restarts"]) for job in jobs_of(slurm, "train_cell")[-1:]] == [("COMPLETED", "1")]
    pd.testing.assert_frame_equal(results(project), undisturbed)
    assert_goes_on(project, saved=fault is not lose)


def assert_goes_on(project, saved):
    """A training that was asked to end goes on where it was; one lost with its node, in half a minute, starts anew."""
    log = (project.work / CELL / "train.log").read_text()
    assert ("going on in epoch" in log) is saved
    first = int(re.match(r"going on in epoch (\d+) ", log)[1]) if saved else 1
    assert log.count("train_loss=") == EPOCHS - first + 1 and (first > 20) is saved


@pytest.mark.long
def test_a_cancelled_training_has_the_same_results(slurm, undisturbed, tmp_path):
    project = on_slurm(tmp_path, cell_study())
    disturbed(project, slurm, lambda job: slurm.run("scancel", job["JobId"]), *TO_TABLE)
    pd.testing.assert_frame_equal(results(project), undisturbed)
    assert_goes_on(project, saved=True)


@pytest.mark.long
def test_resume_cancels_what_a_killed_run_left_in_the_queue(slurm, undisturbed, tmp_path):
    project = on_slurm(tmp_path, cell_study())
    running, log = project.start(), project.work / CELL / "train.log"
    slurm.wait_until(lambda: log.exists() and log.read_text().count("epoch=") > 20, "cell that trains", seconds=300)
    running.kill()
    project.finish(running)
    (orphan,) = [job for job in jobs_of(slurm, "train_cell") if str(tmp_path) in job["WorkDir"]]
    assert orphan["JobState"] == "RUNNING"
    done = project.resume()
    assert done.returncode == 0, done.stdout
    assert f"cancelling what an earlier run left in Slurm's queue (jobs named {orphan['JobName']})" in done.stdout
    first, second = [job for job in jobs_of(slurm, "train_cell") if str(tmp_path) in job["WorkDir"]]
    assert (first["JobState"], second["JobState"]) == ("CANCELLED", "COMPLETED")
    pd.testing.assert_frame_equal(results(project), undisturbed)


@pytest.mark.long
def test_a_drained_node_ends_its_training_and_gets_no_more(slurm, tmp_path):
    project, drained = on_slurm(tmp_path, cell_study()), []

    def drain(job):
        drained.append(job["NodeList"])
        slurm.run("scontrol", "update", f"nodename={job['NodeList']}", "state=drain", "reason=test")

    try:
        disturbed(project, slurm, drain, "--until", "export_onnx")
    finally:
        slurm.mend_nodes()
    trained, exported = jobs_of(slurm, "train_cell")[-1], jobs_of(slurm, "export_onnx")[-1]
    assert (trained["JobState"], trained["Restarts"], trained["NodeList"]) == ("COMPLETED", "0", drained[0])
    assert exported["NodeList"] != drained[0]


@pytest.mark.long
def test_a_training_that_outlives_its_time_gets_more(slurm, tmp_path):
    """Slurm's shortest limit is a minute, and it looks once in 30 s or so."""
    study = cell_study(epochs=4000, cluster=ASKED | {"minutes": 1, "growth": 10})
    project = on_slurm(tmp_path, study)
    project.run("--until", "train_cell")
    first, second = jobs_of(slurm, "train_cell")[-2:]
    assert (first["JobState"], second["JobState"]) == ("TIMEOUT", "COMPLETED")
    assert (first["TimeLimit"], second["TimeLimit"]) == ("00:01:00", "00:10:00")


THREE = {"grid": {"log10_lr": [-1.0], "log10_wd": [-4.0, -3.0, -2.0]}}
IN_THREES = grouped(3)


def three_cells(epochs, **changes):
    """Three cells of the base, or of each of its variants."""
    study = cell_study(epochs=epochs, targets={})
    study["experiments"]["small"] |= THREE | changes
    return study


def submissions(slurm, folder):
    """The submissions of several cells below a folder, oldest first."""
    return [job for job in slurm.jobs() if "cells-" in job.get("Comment", "") and str(folder) in job["WorkDir"]]


@pytest.mark.long
def test_one_submission_trains_several_cells(slurm, tmp_path):
    """Two variants of which one waits for a cell of the other: a group of all cells would wait for itself."""
    project = on_slurm(tmp_path, three_cells(1, variants={"nonuniform": [0.5]}))
    project.run("--until", "cells", *IN_THREES)
    jobs = submissions(slurm, tmp_path)
    assert [job["Comment"] for job in jobs] == ["rule_cells-base_train_cell", "rule_cells-nonuniform-0.5_train_cell"]
    asked = {(job["NumCPUs"], job["MinMemoryNode"], job["TimeLimit"]) for job in jobs}
    assert asked == {("1", "1500M", "00:21:00")}, "the time of three, one after the other, and the rest of one"
    assert project.planned("--until", "cells") == set()


@pytest.mark.long
def test_a_submission_that_trains_one_network_goes_on_where_it_was_cancelled(slurm, tmp_path, monkeypatch):
    """Each cell has its record, weights and log. Independent source: the same cells trained at once, here."""
    project = stacked_on_cpu(on_slurm(tmp_path, three_cells(150)))
    cancel = ("--until", "cells", *IN_THREES)
    disturbed(project, slurm, lambda job: slurm.run("scancel", job["JobId"]), *cancel, rule="cells-base")
    jobs = submissions(slurm, tmp_path)
    assert [job["JobState"] for job in jobs] == ["CANCELLED", "COMPLETED"]
    asked = [(job["NumCPUs"], job["MinMemoryNode"], job["TimeLimit"]) for job in jobs]
    assert asked == [("1", "1500M", "00:07:00"), ("1", "2250M", "00:11:00")], "the time of one, not of three"
    assert project.planned("--until", "cells") == set()
    assert not list((project.work / "results/tiny/.state").glob("experiment*")), "nothing is left of what was kept"
    monkeypatch.setattr("prunescape.training.cell_job.most_together", lambda training: (9, None))
    places = sorted((project.work / "results/tiny").glob("experiment=*/variant=*/*/*/seed=0"))
    requests = [request_of(place, tmp_path / str(number)) for number, place in enumerate(places)]
    train_cells(requests)
    for place, (_, arguments) in zip(places, requests, strict=True):
        mine, wanted = read_json(place / "record.json"), read_json(arguments["files"]["record"])
        assert mine["together"] == wanted["together"] == len(places) == 3 and mine["resumes"] == 1
        assert mine["history"] == wanted["history"]
        assert weights_digest(place / "weights.safetensors") == weights_digest(Path(arguments["files"]["weights"]))
        log = (place / "train.log").read_text()
        assert "going on in epoch" in log and log.count(" train_loss=") < 131 and "epoch=150 " in log


def request_of(place, out):
    """The training of the cell whose results lie in `place`, with its results in `out`, as `train_cells` takes it."""
    out.mkdir()
    variant, results = place.parents[2], place.parents[4]
    inputs = {"shared": variant.parent / "shared.json", "widths": variant / "widths.json"}
    files = cell_files(out, **inputs, **prepared_files(results / "data", "digits"))
    cell = Cell.parse(str(place.relative_to(results))).content
    return str(out / "log"), {"cell": cell, "files": files, "device": "cpu"}


@pytest.mark.long
def test_a_cell_of_a_submission_fails_alone(slurm, tmp_path):
    """The others are trained and counted, and the next run trains only that one. A log line decides no result."""
    project = stacked_on_cpu(on_slurm(tmp_path, three_cells(1)))
    job, line = "workflow_scripts/prunescape/training/cell_job.py", 'print(" ".join('
    fault = 'print(1 / ("log10_wd=-3.0" not in log.name), " ".join('
    project.edit(job, line, fault)
    done = project.snakemake("--until", "cells", "--retries", "1", *IN_THREES)
    assert done.returncode == 1 and "failed jobs: 1; missing cells: 1 of 3" in done.stdout, done.stdout
    assert "unexpected ZeroDivisionError" in done.stdout.split("failed jobs:")[1]
    assert len(submissions(slurm, tmp_path)) == 2
    missing = project.work / CELL.replace("wd=-4.0", "wd=-3.0") / "record.json"
    assert not missing.exists()
    project.edit(job, fault, line)
    left = [job for job in project.planned("--until", "cells") if job.startswith("train_cell")]
    assert len(left) == 1 and "log10_wd=-3.0" in left[0]
    project.run("--until", "cells", *IN_THREES)
    assert missing.exists() and project.planned("--until", "cells") == set()


@pytest.mark.long
@pytest.mark.parametrize(("cells", "rule"), [(1, "train_cell"), (2, "cells-base_train_cell")])
def test_cells_with_a_gpu_ask_for_one(slurm, tmp_path, cells, rule):
    """Slurm gives one of its stand-ins; torch sees none, and each cell says so in one line."""
    gpu = {"rules": {"train_cell": {"gpu_model": "new"}}}
    study = cell_study(device="cuda", cluster=ASKED | gpu)
    study["experiments"]["small"]["grid"] = {"log10_lr": [-1.0], "log10_wd": [-4.0, -3.0][:cells]}
    project = on_slurm(tmp_path, study)
    groups = grouped(cells) if cells > 1 else ()
    done = project.snakemake("--retries", "0", "--until", "train_cell", *groups)
    (job,) = [job for job in jobs_of(slurm, rule) if str(tmp_path) in job["WorkDir"]]
    assert done.returncode == 1 and "failed jobs: " in done.stdout, done.stdout
    assert (job["TresPerJob"], job["NodeList"], job["JobState"]) == ("gres:gpu:new:1", "n2", "FAILED")
    assert (job["NumCPUs"], job["TimeLimit"]) == ("1", "00:07:00"), "the time of one network"
    logs = [log.read_text() for log in project.work.glob("results/tiny/experiment=small/**/train.log")]
    assert any("no GPU is visible to torch" in log for log in logs) and not any("Traceback" in log for log in logs)
