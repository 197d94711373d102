"""Snakemake really running a study of trials beside a grid: to its report, changed step by step, and killed."""

import copy
import time

import pandas as pd
import pytest

from prunescape.config.study import load_study
from prunescape.designs.rounds import first_cells, present_rounds, study_plans
from prunescape.store.files import read_json
from support import spaces
from support.project import Project, experiment
from support.spaces import space_experiment

SPACE = spaces.SPACE | {"loss_function": ["cross_entropy", "mean_squared_error"]}
STUDY = {
    "study": "mixed",
    "datasets": {"digits": {"train": 200, "test": 100}},
    "experiments": {
        "e": space_experiment({"trials": 3, "space": SPACE, "confirm": {"first": 1, "seeds": 1}}),
        "g": experiment(grid={"log10_lr": [-1.0], "log10_wd": [-4.0, -3.0]}),
    },
    "targets": {},
}


def changed(design: dict) -> dict:
    """The study with other values for some keys of its design."""
    study = copy.deepcopy(STUDY)
    study["experiments"]["e"]["design"] |= design
    return study


def trainings(jobs: set[str]) -> set[str]:
    return {job.removeprefix("train_cell ") for job in jobs if job.startswith("train_cell")}


def settings_of(study: dict, **values) -> set[str]:
    """The cells that no result decides on, of settings with these values, as Snakemake names them."""
    cells = first_cells(study_plans(load_study(study), "config"))
    cells = [cell for cell in cells if values.items() <= cell.setting.values.items()]
    return {", ".join(f"{name}={value}" for name, value in cell.wildcards.items() if value) for cell in cells}


@pytest.fixture(scope="module")
def mixed(tmp_path_factory) -> Project:
    """The study, run to its report; a test that configures another study puts it back."""
    project = Project(tmp_path_factory.mktemp("mixed"), STUDY)
    first = {job for job in project.planned() if job.startswith(("train_cell", "plan_round"))}
    assert len(first) == 1 + 2 * 3 + 2 + 1, "the default, two variants at three trials, the grid, one checkpoint"
    project.run()
    return project


@pytest.fixture
def restored(mixed):
    yield mixed
    mixed.configure(STUDY)


def test_a_study_of_trials_and_a_grid_runs_to_its_report(mixed):
    assert mixed.planned() == set()
    results = mixed.work / "results/mixed"
    (planned,) = present_rounds(str(results / "rounds/round={round}.json"))
    assert planned.last and planned.steps["e"].design == "confirmation"
    cells = pd.read_parquet(results / "cells.parquet")
    assert cells.groupby(["experiment", "stage"]).size().to_dict() == {
        ("e", "confirmation"): 2,
        ("e", "trial"): 7,
        ("g", "grid"): 2,
    }
    own = cells[cells["experiment"] == "e"]
    cosine = own["schedule"] == "cosine"
    assert cosine.any() and (own["decay"].isna() == cosine).all(), "what does not act is missing"
    tables = {name: pd.read_parquet(results / f"{name}.parquet") for name in ("trials", "best_settings", "roi", "risk")}
    assert tables["trials"]["arm"].tolist() == ["default", "all", "all", "all"]
    assert set(tables["roi"]["experiment"]) == set(tables["risk"]["experiment"]) == {"g"}
    best = tables["best_settings"].set_index("variant")
    drawn = own[own["stage"] == "trial"].merge(tables["trials"].query("arm == 'all'"), on=list(SPACE))
    assert (best["score"] == drawn.groupby("variant")["train_top1"].max()).all()
    confirmed = pd.read_parquet(results / "confirmations.parquet").set_index("variant")
    assert (confirmed["setting"] == best["setting"]).all() and (confirmed["seeds"] == 1).all()
    named = read_json(results / ".state/experiment=e.settings.json")["settings"]
    of_paths = {job.partition("setting=")[2].split(",")[0] for job in settings_of(STUDY)}
    assert named.keys() == {name for name in of_paths if "/" not in name}, "jobs find settings of many hyperparameters"
    page = (results / "report.html").read_text()
    assert "Random design over 6 hyperparameters" in page and "Confirmation with fresh seeds" in page


def test_one_trial_more_trains_one_cell_of_each_variant(restored):
    more = changed({"trials": 4})
    restored.configure(more)
    found = trainings(restored.planned())
    assert found == settings_of(more) - settings_of(STUDY) and len(found) == 2


@pytest.mark.parametrize(("name", "level"), [("momentum", 0.1), ("loss_function", "kl_divergence")])
def test_another_level_trains_only_what_drew_it(restored, name, level):
    more = changed({"space": SPACE | {name: [*SPACE[name], level]}})
    expected = settings_of(more) - settings_of(STUDY)
    assert len(expected) == 2, "one trial of three draws it, and trains both variants: choose another level"
    restored.configure(more)
    assert trainings(restored.planned()) == expected


def test_the_code_of_a_level_trains_only_what_drew_it(mixed):
    """The default level's is that of all cells: filters may be ranked at it."""
    drawn = settings_of(STUDY, loss_function="mean_squared_error")
    assert len(drawn) == 4
    code = "workflow_scripts/prunescape/training/losses/mean_squared_error.py", ".square()", ".pow(2)"
    mixed.edit(*code)
    found = trainings(mixed.planned())
    mixed.edit(code[0], *code[:0:-1])
    assert found & settings_of(STUDY) == drawn, "and fresh seeds of them, where a round has chosen some"
    assert mixed.planned() == set()


def test_another_order_trains_nothing(restored):
    turned = {name: values[::-1] if isinstance(values, list) else values for name, values in reversed(SPACE.items())}
    restored.configure(changed({"space": turned}))
    assert restored.planned() == set()


@pytest.mark.long
def test_a_balanced_design_runs_to_its_report(tmp_path):
    space = {name: SPACE[name] for name in ("batch_size", "schedule", "momentum")}
    design = {"kind": "balanced", "trials": 6, "space": space, "arms": ["all", "fix:momentum"]}
    study = {**copy.deepcopy(STUDY), "experiments": {"e": space_experiment(design)}}
    project = Project(tmp_path, study)
    project.run()
    trials = pd.read_parquet(project.work / "results/mixed/trials.parquet")
    counts = trials[trials["arm"] == "all"]
    assert (counts["batch_size"].value_counts() == 2).all() and (counts["momentum"].value_counts() == 2).all()
    assert "Balanced design over 3 hyperparameters" in (project.work / "results/mixed/report.html").read_text()
    assert project.planned() == set()


@pytest.mark.long
def test_internal_optimisations_train_in_the_warm_process(tmp_path):
    """Each once, the compiled one in a fork; the code of a level trains again what drew it."""
    design = {"kind": "factorial", "space": {"internal": ["none", "compiled", "int8_after", "int8_aware"]}}
    design |= {"trials": ..., "seed": ...}
    study = {**copy.deepcopy(STUDY), "experiments": {"e": space_experiment(design, variants={})}}
    project = Project(tmp_path, study)
    project.run()
    cells = pd.read_parquet(project.work / "results/mixed/cells.parquet").set_index("internal")
    assert sorted(cells.index) == sorted(design["space"]["internal"]) and (cells["status"] == "ok").all()
    assert (cells["compile_seconds"].dropna().index == ["compiled"]).all()
    assert cells.loc["compiled", "compile_seconds"] > 10 * cells.loc["compiled", "epoch_seconds"]
    assert sorted(cells["float_correct"].dropna().index) == ["int8_after", "int8_aware"]
    assert cells.loc["int8_after", "float_correct"] == cells.loc["none", "correct"]
    assert cells.loc["int8_after", "train_loss"] == cells.loc["none", "train_loss"]
    log = next(project.work.rglob("internal=compiled/seed=0/train.log")).read_text()
    assert log.startswith("epoch=1") and len(log.splitlines()) == 1, "nothing is said of the compiler"
    for level, old in {"compiled": "MOST_SHAPES = 64", "int8_after": "EXAMPLES = 256", "int8_aware": "= 0.01"}.items():
        code = f"workflow_scripts/prunescape/training/internal/{level}.py", old, f"{old} + 0"
        project.edit(*code)
        assert trainings(project.planned()) == {f"experiment=e, variant=base, setting=internal={level}, seed=0"}
        project.edit(code[0], *code[:0:-1])
    assert project.planned() == set()


@pytest.mark.long
def test_killed_and_resumed_it_comes_to_the_same(mixed, tmp_path):
    project = Project(tmp_path, STUDY)
    running = project.start()
    records = project.work / "results/mixed/experiment=e"
    while not list(records.rglob("record.json")) and running.poll() is None:
        time.sleep(0.2)
    running.kill()
    running.communicate()
    before = project.logs()
    done = project.resume()
    assert done.returncode == 0, done.stdout
    assert 0 < len(trainings(project.jobs_since(before))) < 11, "what was finished stays"
    same = ["variant", "seed", *SPACE, "top1", "train_top1", "stage", "round"]
    for name, columns in {"cells": same, "trials": None, "best_settings": None, "confirmations": None}.items():
        found, before = (
            pd.read_parquet(part.work / f"results/mixed/{name}.parquet", columns=columns) for part in (project, mixed)
        )
        pd.testing.assert_frame_equal(found, before)
