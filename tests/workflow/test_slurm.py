"""The study through a real Slurm with the shipped profile: what it asks for, and what comes of lost jobs and nodes.

Needs what tests/support/slurm_cluster.py needs; skipped, with the reason, where there is none.
"""

import contextlib
import re
import warnings
from concurrent.futures import ThreadPoolExecutor

import pandas as pd
import pytest

from prunescape.config.cluster import SUBMITTED
from support.project import ROOT, TINY_RECIPE, Project, experiment, small_study
from support.slurm_cluster import NoSlurm, SlurmCluster

CELL = "results/tiny/experiment=small/variant=base/log10_lr=-1.0/log10_wd=-4.0/seed=0"
EPOCHS = 400  # long enough to be disturbed, some ten seconds
SOON = ("--slurm-init-seconds-before-status-checks", "2")
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


def on_slurm(folder, study):
    """A project that runs as `snakemake --profile slurm` does in a checkout, where `slurm` is a tracked link."""
    project = Project(folder, study, ("--profile", "slurm", *SOON), timeout=1500)
    (project.work / "slurm").symlink_to(project.code / (ROOT / "slurm").readlink())
    return project


def disturbed(project, slurm, disturb):
    """Run the study to its end and, when its cell has trained some epochs, call `disturb` with that cell's job."""
    log = project.work / CELL / "train.log"
    with ThreadPoolExecutor() as pool:
        running = pool.submit(project.run)

        def mid_cell():
            return running.done() or (log.exists() and log.read_text().count("epoch=") > 20)

        slurm.wait_until(mid_cell, "cell that trains", seconds=300)
        assert not running.done(), running.result()
        disturb(jobs_of(slurm, "train_cell")[-1])
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
    project.run()
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
    """Slurm itself queues these again, some two minutes later, and Snakemake waits: one job, started twice."""
    project = on_slurm(tmp_path, cell_study())
    try:
        disturbed(project, slurm, lambda job: fault(slurm, job))
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
    disturbed(project, slurm, lambda job: slurm.run("scancel", job["JobId"]))
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
        disturbed(project, slurm, drain)
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


@pytest.mark.long
def test_one_submission_trains_several_cells(slurm, tmp_path):
    """Two variants of which one waits for a cell of the other: a group of all cells would wait for itself."""
    study = cell_study(epochs=1, targets={})
    study["experiments"]["small"] |= {
        "variants": {"nonuniform": [0.5]},
        "grid": {"log10_lr": [-1.0], "log10_wd": [-4.0, -3.0, -2.0]},
    }
    project = on_slurm(tmp_path, study)
    groups = ("--groups", "train_cell=cells-{variant}", "--group-components", "cells-{variant}=3")
    project.run("--until", "cells", *groups)
    jobs = [job for job in slurm.jobs() if "cells-" in job.get("Comment", "") and str(tmp_path) in job["WorkDir"]]
    assert [job["Comment"] for job in jobs] == ["rule_cells-base_train_cell", "rule_cells-nonuniform-0.5_train_cell"]
    asked = {(job["NumCPUs"], job["MinMemoryNode"], job["TimeLimit"]) for job in jobs}
    assert asked == {("1", "1500M", "00:21:00")}, "the time of three, one after the other, and the rest of one"
    assert project.planned("--until", "cells") == set()


@pytest.mark.long
def test_a_cell_with_a_gpu_asks_for_one(slurm, tmp_path):
    """Slurm gives one of its stand-ins; torch sees none, and the cell says so in one line."""
    gpu = {"rules": {"train_cell": {"gpu_model": "new"}}}
    project = on_slurm(tmp_path, cell_study(device="cuda", cluster=ASKED | gpu))
    done = project.snakemake("--retries", "0", "--until", "train_cell")
    (job,) = [job for job in jobs_of(slurm, "train_cell") if str(tmp_path) in job["WorkDir"]]
    assert done.returncode == 1
    assert (job["TresPerJob"], job["NodeList"], job["JobState"]) == ("gres:gpu:new:1", "n2", "FAILED")
    log = (project.work / CELL / "train.log").read_text()
    assert "no GPU is visible to torch" in log and "Traceback" not in log
