"""Trials over hyperparameters of the network, really run: rankings, exports of the best ones alone, and changes."""

import copy

import pandas as pd
import pytest

from prunescape.config.study import load_study
from prunescape.designs.exports import read_exports
from prunescape.designs.rounds import first_cells, study_plans
from support.project import Project
from support.spaces import space_experiment

SPACE = {
    "filters": [6, 9, 12],
    "activation": ["relu", "tanh"],
    "log10_lr": {"low": -2, "high": 0},
    "batch_size": [25, 50],
}
DESIGN = {"trials": 4, "space": SPACE, "arms": ["all", "fix:filters"], "best": 1}
STUDY = {
    "study": "networks",
    "datasets": {"digits": {"train": 200, "test": 100}},
    "experiments": {"e": space_experiment(DESIGN, model="image_cnn", variants={"nonuniform": [0.8]})},
    "targets": {"here": {"repeats": 3, "chunk_seconds": 0.01}},
}
KEY = ["network", "variant"]


def changed(design: dict) -> dict:
    """The study with other values for some keys of its design."""
    study = copy.deepcopy(STUDY)
    study["experiments"]["e"]["design"] |= design
    return study


def cells_of(study: dict) -> set:
    return set(first_cells(study_plans(load_study(study), "config")))


def trainings(jobs: set[str]) -> set[str]:
    return {job.removeprefix("train_cell ") for job in jobs if job.startswith("train_cell")}


def named(cells) -> set[str]:
    """Cells as Snakemake names them."""
    return {", ".join(f"{name}={value}" for name, value in cell.wildcards.items() if value) for cell in cells}


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Project:
    """The study, run to its report; a test that configures another study puts it back."""
    made = Project(tmp_path_factory.mktemp("spaces"), STUDY)
    planned = made.planned()
    assert trainings(planned) == named(cells_of(STUDY)), "a dry run knows all trainings before the first"
    assert {job for job in planned if job.startswith("choose_exports")} == {"choose_exports"}
    made.run()
    return made


@pytest.fixture(scope="module")
def results(project):
    return project.work / "results/networks"


@pytest.fixture
def restored(project):
    yield project
    project.configure(STUDY)


def test_a_second_run_does_nothing(project):
    assert project.planned() == set()


def test_the_best_of_each_arm_and_variant_are_exported_and_nothing_else(results):
    best = pd.read_parquet(results / "best_settings.parquet")
    assert len(best) == 2 * 2, "one of each arm and variant"
    chosen = read_exports(results / "rounds/exports.json")["e"]
    paths = {path.removeprefix("experiment=e/").rpartition("/seed=")[0] for paths in chosen.values() for path in paths}
    rows = best[["variant", "setting"]].drop_duplicates().itertuples(index=False)
    assert paths == {f"{net}/variant={v}/{train}" for v, (net, _, train) in ((v, s.partition("/")) for v, s in rows)}
    exported = {str(path.parents[1].relative_to(results)) for path in results.rglob("export.json")}
    assert exported == set(chosen) and len(exported) < len(list(results.rglob("widths.json")))
    measured = pd.read_parquet(results / "benchmarks.parquet")
    assert len(measured[measured["target"] == "here"].drop_duplicates([*KEY, "rank"])) == len(paths)


def test_rankings_are_no_trials(results):
    """Each network's own base at the default training ranks its filters, unless a trial trains just that."""
    cells = pd.read_parquet(results / "cells.parquet")
    ranking, trials = cells[cells["stage"] == "ranking"], cells[cells["stage"] == "trial"]
    assert set(ranking["variant"]) == {"base"} and not ranking["network"].duplicated().any()
    assert (ranking["log10_lr"] == -1.0).all() and (ranking["batch_size"] == 50).all()
    assert set(ranking["network"]) | {"activation=relu,filters=12"} == set(trials["network"])
    own = pd.read_parquet(results / "trials.parquet")
    assert own.groupby("arm").size().to_dict() == {"all": 4, "default": 1, "fix:filters": 4}
    drawn = trials.merge(own[own["arm"] != "default"], on=list(SPACE))
    assert len(drawn) == 2 * 8 and not set(ranking["weights_digest"]) & set(drawn["weights_digest"])
    efficiency = pd.read_parquet(results / "trial_efficiency.parquet")
    assert len(efficiency) == len(trials)


def test_tables_know_the_network_of_each_row(results):
    """2 x multiply-accumulates of the base on 8 x 8 pixels, pooled to 4 x 4 and to 2 x 2."""
    cells = pd.read_parquet(results / "cells.parquet")
    base = cells[cells["variant"] == "base"]
    filters = base["filters"]
    assert (base["flops"] == 2 * (9 * filters * (64 + 16 * filters) + 4 * filters * 10)).all()
    measured = pd.read_parquet(results / "benchmarks.parquet").merge(
        cells.drop_duplicates(KEY)[[*KEY, "parameters"]], on=KEY, how="left"
    )
    assert measured["parameters"].notna().all() and (measured["file_bytes"] > 4 * measured["parameters"]).all()
    page = (results / "report.html").read_text()
    assert "Random design over 4 hyperparameters" in page and "activation function" in page


def test_another_level_of_the_network_plans_and_trains_only_what_drew_it(restored):
    more = changed({"space": SPACE | {"filters": [*SPACE["filters"], 8]}})
    new = cells_of(more) - cells_of(STUDY)
    assert new and {cell.setting.values["filters"] for cell in new} == {8}, "choose another level"
    restored.configure(more)
    jobs = restored.planned()
    assert trainings(jobs) == named(new)
    assert {job for job in jobs if job.startswith("plan_variant")} == {
        f"plan_variant experiment=e, network={cell.setting.network_path}, variant={variant}"
        for cell in new
        for variant in ("base", "nonuniform-0.8")
    }


def test_another_order_trains_and_exports_nothing(restored):
    turned = {name: values[::-1] if isinstance(values, list) else values for name, values in reversed(SPACE.items())}
    restored.configure(changed({"space": turned, "arms": DESIGN["arms"][::-1]}))
    assert not {job for job in restored.planned() if job.startswith(("train_cell", "export_onnx", "plan_variant"))}


@pytest.mark.long
def test_one_trial_more_trains_it_alone_and_exports_again_only_what_it_changes(restored, results):
    more = changed({"trials": 5, "arms": ["all", "fix:filters"]})
    before = {path: path.read_bytes() for path in results.rglob("export.json")}
    chosen = read_exports(results / "rounds/exports.json")["e"]
    restored.configure(more)
    new = cells_of(more) - cells_of(STUDY)
    assert {cell.variant.name for cell in new} == {"base", "nonuniform-0.8"}
    assert trainings(restored.planned()) == named(new)
    made = restored.made()
    after = read_exports(results / "rounds/exports.json")["e"]
    exports = {job for job in made if job.startswith("export_onnx")}
    assert len(exports) == len([folder for folder in after if after[folder] != chosen.get(folder)])
    kept = [
        path
        for path in before
        if after.get(str(path.parents[1].relative_to(results))) == chosen[str(path.parents[1].relative_to(results))]
    ]
    assert kept and all(path.read_bytes() == before[path] for path in kept)
    assert restored.planned() == set()
    restored.configure(STUDY)
    restored.run()
    assert {path: path.read_bytes() for path in before} == before


@pytest.mark.long
def test_a_choice_that_was_lost_trains_exports_and_measures_nothing(project, results):
    """Snakemake makes the tables behind it again: while a checkpoint is open it takes for granted what follows."""
    before = (results / "rounds/exports.json").read_bytes()
    (results / "rounds/exports.json").unlink()
    done = {job.split()[0] for job in project.made()}
    assert "choose_exports" in done and not done & {"train_cell", "plan_variant", "export_onnx", "benchmark_target"}
    assert (results / "rounds/exports.json").read_bytes() == before and project.planned() == set()


def test_a_lost_export_is_made_again_without_training(project, results):
    lost = next(iter(results.rglob("export.json")))
    lost.unlink()
    made = project.made()
    assert lost.exists() and any(job.startswith("export_onnx") for job in made)
    assert not trainings(made) and project.planned() == set()
