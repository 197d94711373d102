"""System parameters of an image folder through Snakemake: what each cell records, what runs again, what is refused."""

import json

import pytest

from prunescape.store.system_store import read_observations
from support.image_folders import write_tree
from support.project import Project, experiment

CELLS = ("--until", "train_cell")
FLOWERS = {"format": "image-folder", "folder": "images", "size": 8, "resize": 9}
SYSTEM = {"parameters": {"workers": [0, 1], "prefetch": [1, 2]}, "store": "cache/system.parquet"}
CELL = "results/flowers/experiment=e/variant=base/log10_lr=-1.0/log10_wd={}/seed=0/record.json"


def study(system: dict | None = SYSTEM, decays=(-4.0,)) -> dict:
    known = experiment(
        dataset="flowers",
        recipe={"epochs": 6, "batch_size": 8, "flip": True},
        grid={"log10_lr": [-1.0], "log10_wd": list(decays)},
    )
    more = {} if system is None else {"system": system}
    return {"study": "flowers", "datasets": {"flowers": FLOWERS}, "experiments": {"e": known | more}}


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """The study with one cell, trained."""
    project = Project(tmp_path_factory.mktemp("project"), study())
    write_tree(project.work / "images", classes=("rose", "tulip"), train=12, val=12, suffixes=("jpg",), sides=(10, 13))
    project.run(*CELLS)
    return project


def record(project: Project, decay: float = -4.0) -> dict:
    return json.loads((project.work / CELL.format(decay)).read_text())


def test_the_record_tells_what_was_tried_within_the_cores_of_the_job(project):
    found = record(project)["system"]
    assert found["cores"] == 2 and found["values"] == {"workers": [0, 1], "prefetch": [1, 2]}
    assert [epoch["use"] for epoch in found["epochs"]][:3] == ["first", "probe", "probe"]
    assert found["source"] == "probed" and found["problem"] is None
    rows = read_observations(project.work / "cache/system.parquet")
    assert {row["configuration"] for row in rows} >= {json.dumps(found["configuration"], sort_keys=True)}


def test_other_system_parameters_or_none_run_nothing_again(project):
    for system in (None, {"parameters": {"workers": "auto"}}, SYSTEM | {"goal": "epoch_seconds", "store": "none"}):
        project.configure(study(system))
        assert project.planned(*CELLS) == set()


def test_a_new_cell_takes_what_the_store_remembers(project):
    project.configure(study(decays=(-4.0, -3.0)))
    project.run(*CELLS)
    first, following = record(project), record(project, -3.0)
    assert following["system"]["source"] == "remembered"
    assert {epoch["use"] for epoch in following["system"]["epochs"]} == {"settled"}
    assert following["system"]["gain"] == pytest.approx(first["system"]["gain"], rel=1.0)


def test_a_store_that_cannot_be_used_is_one_line(project):
    (project.work / "notes.txt").write_text("mine")
    project.configure(study(SYSTEM | {"store": "notes.txt/s.parquet"}, decays=(-4.0, -2.0)))
    done = project.snakemake("--dry-run", *CELLS)
    assert done.returncode != 0
    (line,) = (line for line in done.stdout.splitlines() if line.startswith("error:"))
    assert "experiments.e.system.store" in line and "cannot be written" in line
    project.configure(study(SYSTEM | {"store": "notes.txt"}, decays=(-4.0, -2.0)))
    done = project.snakemake("--dry-run", *CELLS)
    assert done.returncode == 0
    (line,) = (line for line in done.stdout.splitlines() if line.startswith("note: notes.txt"))
    assert "left aside" in line and (project.work / "notes.txt").read_text() == "mine"


@pytest.mark.long
def test_an_image_folder_gets_workers_unasked_from_cores_that_no_cell_needs(tmp_path, monkeypatch):
    """One cell on two cores may have a worker, two cells may not; what was found is in the user's cache."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    project = Project(tmp_path, study(None))
    write_tree(project.work / "images", classes=("rose", "tulip"), train=12, val=12, suffixes=("jpg",), sides=(10, 13))
    project.run(*CELLS)
    found = record(project)["system"]
    assert found["cores"] == 2 and found["values"] == {"workers": [1, 0]}
    assert found["store"] == str(tmp_path / "cache" / "prunescape" / "system.parquet")
    assert read_observations(found["store"])
    project.configure(study(None, decays=(-4.0, -3.0, -2.0)))
    project.run(*CELLS)
    assert "system" not in record(project, -3.0) and "system" not in record(project, -2.0)


@pytest.mark.long
def test_what_is_settled_is_declared_once_and_holds_for_every_cell(tmp_path):
    """The cores of a cell are the threads that were settled, not those that were tried."""
    system = {"parameters": {"threads": [1, 2], "memory_format": ["contiguous", "channels_last"]}}
    project = Project(tmp_path, {"study": "tiny", "experiments": {"e": experiment(system=system)}})
    printed = project.run("--printshellcmds", *CELLS)
    declared = json.loads((project.work / "results/tiny/experiment=e/shared.json").read_text())["numerics"]
    assert declared["threads"] in (1, 2) and set(declared) == {"threads", "memory_format"}
    cell = json.loads((project.work / CELL.format(-4.0).replace("flowers", "tiny")).read_text())
    assert cell["provenance"]["numerics"] == declared and cell["provenance"]["threads"] == declared["threads"]
    assert project.planned(*CELLS) == set(), printed
    project.configure({"study": "tiny", "experiments": {"e": experiment()}})
    assert {job.split()[0] for job in project.planned(*CELLS)} == {"declare_experiment", "train_cell"}
