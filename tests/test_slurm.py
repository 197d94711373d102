"""The study through a real Slurm with the shipped profile: what it asks for, and what comes of lost jobs and nodes.

Needs what tests/slurm_cluster.py needs; skipped, with the reason, where there is none.
"""

import contextlib
import copy
from concurrent.futures import ThreadPoolExecutor

import pandas as pd
import pytest

from conftest import ROOT, TINY_STUDY, Project
from prunescape.cluster import SUBMITTED
from slurm_cluster import NoSlurm, SlurmCluster

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
            pytest.skip(f"no Slurm can be started here: {reason}")
        yield cluster


def small_study(epochs=EPOCHS, **changes):
    """One base cell on the tiny data, measured on a node with a GPU; `changes` are keys of the study."""
    study = copy.deepcopy(TINY_STUDY)
    del study["experiments"]["other"]
    small = study["experiments"]["small"]
    small |= {"variants": {}, "grid": {"log10_lr": [-1.0], "log10_wd": [-4.0]}}
    small["recipe"]["epochs"] = epochs
    study["targets"] = {"node": {"kind": "slurm", "constraint": "new", "gpu": 1, "repeats": 3, "chunk_seconds": 0.01}}
    return study | {"cluster": ASKED} | changes


def on_slurm(folder, study):
    """A project that runs as `snakemake --profile slurm` does in a checkout, where `slurm` is a tracked link."""
    project = Project(folder, study, ("--profile", "slurm", *SOON))
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
    return [job for job in slurm.jobs() if job["Comment"].startswith(f"rule_{rule}")]


def results(project):
    """What the study reached in its cells, without what depends on the host and the clock."""
    cells = pd.read_parquet(project.work / "results/tiny/cells.parquet")
    return cells[["experiment", "variant", "log10_lr", "log10_wd", "seed", "status", "top1", "loss"]]


def test_a_study_runs_to_its_report_though_its_training_is_cancelled(slurm, tmp_path):
    before = len(slurm.jobs())
    project = on_slurm(tmp_path, small_study())
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
