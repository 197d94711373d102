"""Snakemake really running a search whose survivors go on: fewer epochs, and no promotion hangs on what was kept."""

import subprocess
import time
from pathlib import Path

import pandas as pd
import pytest

from prunescape.store.files import read_json
from support.project import Project, experiment

pytestmark = pytest.mark.long

TUNE = {
    "space": {"log10_lr": {"low": -3, "high": 0}},
    "sampler": "random",
    "trials": 4,
    "target": "here",
    "objective": "accuracy",
    "budget": {"schedule": "whole", "growth": "doubling"},
}
SEARCH = {key: value for key, value in experiment().items() if key != "grid"}
SEARCH |= {"recipe": {"epochs": 4, "batch_size": 50, "schedule": "cosine"}, "tune": TUNE}
STUDY = {
    "study": "continued",
    "datasets": {"digits": {"train": 200, "test": 100, "validation": 60}},
    "experiments": {"s": SEARCH},
    "targets": {"here": {}},
}
TABLES = [f"results/continued/{name}.parquet" for name in ("tuning", "tuning_rungs")]


def rounds_of(project: Project) -> dict[str, str]:
    """What every round of the search decided, by its file."""
    return {path.name: path.read_text() for path in project.work.rglob("rounds/experiment=s/**/*.json")}


def weights_of(project: Project) -> dict[str, str]:
    """The digest of the weights of every cell, by the cell's folder."""
    return {
        str(path.parent.relative_to(project.work)): read_json(path)["provenance"]["weights_digest"]
        for path in project.work.rglob("record.json")
    }


def states(project: Project) -> list[Path]:
    """What trainings left for a later rung."""
    return list(project.work.glob("results/continued/.state/*.safetensors"))


@pytest.fixture(scope="module")
def continued(tmp_path_factory) -> Project:
    """The search, run to its tables."""
    project = Project(tmp_path_factory.mktemp("continued"), STUDY)
    project.run(*TABLES)
    return project


def test_survivors_train_only_the_epochs_that_are_new(continued):
    """4@1 2@2 1@4: 8 epochs, where rungs that train anew take 12; and nothing is kept in the end."""
    rungs, (found,) = pd.read_parquet(continued.work / TABLES[1]), pd.read_parquet(continued.work / TABLES[0]).spent
    assert rungs["trials"].tolist() == [4, 2, 1] and rungs["spent"].tolist() == [4, 2, 2] and found == 8
    logs = [path.read_text() for path in continued.work.rglob("train.log")]
    assert sum(log.count(f"epoch={epoch} ") for log in logs for epoch in range(1, 5)) == 8 + 3, "3 tests come again"
    assert sum("going on in epoch" in log for log in logs) == 3
    (whole,) = [path for path in continued.work.rglob("record.json") if "stop_epoch" not in str(path)]
    assert read_json(whole)["continued_from"] == 2
    assert states(continued) == []


def test_killed_and_robbed_of_what_was_kept_it_ends_the_same(continued, tmp_path):
    project = Project(tmp_path, STUDY)
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    running = subprocess.Popen(**project.process(*TABLES), **quiet)
    until = time.monotonic() + project.timeout
    while len(weights_of(project)) < 5 and running.poll() is None and time.monotonic() < until:
        time.sleep(0.05)
    running.kill()
    running.wait()
    for path in states(project):
        path.unlink()
    assert project.resume().returncode == 0
    project.run(*TABLES)
    assert rounds_of(project) == rounds_of(continued) and weights_of(project) == weights_of(continued)
    assert 8 < pd.read_parquet(project.work / TABLES[0]).spent[0] <= 12


def test_what_a_killed_run_had_not_deleted_of_a_finished_training_is_deleted_by_the_next(continued):
    (whole,) = [path.parent for path in continued.work.rglob("record.json") if "stop_epoch" not in str(path)]
    name = str(whole.relative_to(continued.work / "results/continued")).replace("/", ",")
    (continued.work / f"results/continued/.state/{name}.safetensors").write_text("left")
    (continued.work / TABLES[1]).unlink()
    continued.run(*TABLES)
    assert states(continued) == []
