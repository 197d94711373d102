"""Untrained variants in the workflow: what is measured before trainings, what a change measures again, what fails."""

import copy
import shutil

import pandas as pd
import pytest

from prunescape.store.files import read_json
from support.project import TINY_STUDY, Project

OF_SMALL = {"measure_architecture", "export_architecture"}


def study(small=None, **changes) -> dict:
    """The tiny study's `small`, whose untrained variants are measured first."""
    known = copy.deepcopy(TINY_STUDY)
    known["experiments"] = {"small": known["experiments"]["small"] | (small or {})}
    return known | {"inference_first": True} | changes


def variants_of(jobs, *rules):
    """The variants in these jobs, by rule."""
    found = {rule: {job.split("variant=")[1].split(",")[0] for job in jobs if job.startswith(rule)} for rule in rules}
    return {rule: names for rule, names in found.items() if names}


def both(*names):
    """These variants are exported and measured."""
    return {rule: set(names) for rule in OF_SMALL}


@pytest.fixture(scope="module")
def measured(finished, tmp_path_factory):
    """A finished study whose untrained variants are measured afterwards."""
    project = Project(tmp_path_factory.mktemp("measured"), study())
    shutil.rmtree(project.work)
    shutil.copytree(finished.work, project.work, symlinks=True)
    project.first = project.made("architectures")
    return project


def test_only_measurements_are_made_and_each_variant_is_judged_in_one_line(measured):
    assert variants_of(measured.first, "train_cell", *OF_SMALL) == both("base", "nonuniform-0.5")
    results = measured.work / "results/tiny"
    table = pd.read_parquet(results / "architectures.parquet")
    assert table["variant"].tolist() == ["base", "nonuniform-0.5"] and table["samples"].map(len).tolist() == [3, 3]
    cells = pd.read_parquet(results / "cells.parquet").query("experiment == 'small'")
    flops = cells.groupby("variant")["flops"].first()
    assert table.set_index("variant")["flops"].to_dict() == flops.to_dict()
    (results / "ruled_out.parquet").unlink()
    lines = [line.split() for line in measured.run("architectures").splitlines() if " here " in line]
    assert [(line[0], line[-2:]) for line in lines] == [("base", ["at", "best"]), ("nonuniform", ["at", "best"])]


def test_neither_other_cells_nor_a_lost_record_measure_again(measured):
    record = next((measured.work / "results/tiny/experiment=small/variant=base").rglob("record.json"))
    record.unlink()
    assert variants_of(measured.planned(), "train_cell", *OF_SMALL) == {"train_cell": {"base"}}
    measured.configure(study({"recipe": TINY_STUDY["experiments"]["small"]["recipe"] | {"momentum": 0.8}}))
    jobs = variants_of(measured.planned("--until", *OF_SMALL), *OF_SMALL)
    assert "base" not in jobs.get("measure_architecture", set()), "a recipe has no part in an untrained variant"
    measured.configure(study())


def test_other_widths_measure_that_variant_alone(measured):
    measured.configure(study({"variants": {"nonuniform": [0.3]}}))
    assert variants_of(measured.planned("architectures"), *OF_SMALL) == both("nonuniform-0.3")
    measured.configure(study())


@pytest.mark.long
def test_a_new_study_measures_before_it_trains_and_takes_what_another_measured(measured, tmp_path):
    """In a run of its own: beside trainings a measurement would get no free host. Ends in a report of both."""
    project = Project(tmp_path, study(study="again", objectives={"size_limit_kb": 200}))
    shutil.copytree(measured.work / "results/.architectures", project.work / "results/.architectures")
    text = project.run()
    assert "measured before any training: 1 untrained variant" in text
    logs = sorted(project.logs(), key=lambda log: log.stat().st_mtime)
    assert "measure_architecture" in logs[0].read_text() and "train_cell" not in logs[0].read_text()
    known = [read_json(path) for path in project.work.rglob("untrained/measured=here.json")]
    assert {entry["reused"] for content in known for entry in content["measured"]} >= {True}
    page = (project.work / "results/again/report.html").read_text()
    assert "Before training: how to run each architecture" in page and "Untrained against trained weights" in page
    assert "target here rules out base (no file of 200 kB or less" in page
    assert "the variants of 2 of 4 trainings" in page
    assert project.planned() == set()


@pytest.mark.long
def test_a_target_that_cannot_be_measured_is_one_line_and_trainings_go_on(tmp_path):
    far = {"far": {"kind": "ssh", "host": "nowhere.invalid", "retries": 0, "timeout_seconds": 20}}
    project = Project(tmp_path, study(targets=TINY_STUDY["targets"] | far))
    done = project.snakemake()
    assert done.returncode != 0
    assert done.stdout.count("  measure_remote_architecture: error:") == 1 and "(and 1 variant more)" in done.stdout
    assert "report without these targets" in done.stdout
    assert pd.read_parquet(project.work / "results/tiny/cells.parquet").shape[0] == 4
