"""A study of an image folder, really trained through Snakemake: what it records and what runs again."""

import json

import pytest

from support.image_folders import write_tree
from support.project import Project, experiment

CELL = "experiment=e/variant=base/log10_lr=-1.0/log10_wd=-4.0/seed=0"
CELLS = ("--until", "train_cell")
FLOWERS = {"format": "image-folder", "folder": "images", "size": 8, "resize": 9, "validation": 6, "workers": 1}
STUDY = {
    "study": "flowers",
    "datasets": {"flowers": FLOWERS},
    "experiments": {
        "e": experiment(dataset="flowers", recipe={"epochs": 1, "batch_size": 8, "flip": True}, select_on="validation")
    },
}


def with_options(**changes):
    return STUDY | {"datasets": {"flowers": FLOWERS | changes}}


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """The study, trained."""
    project = Project(tmp_path_factory.mktemp("project"), STUDY)
    write_tree(project.work / "images", classes=("rose", "tulip"), train=12, val=12, suffixes=("jpg",), sides=(10, 13))
    project.run(*CELLS)
    return project


def test_the_cell_was_trained_on_the_streamed_images(project):
    record = json.loads((project.work / "results/flowers" / CELL / "record.json").read_text())
    assert (record["tested"], record["val_tested"], record["classes"], record["epochs_trained"]) == (24, 6, 2, 1)
    assert record["val_top1"] == 100 * record["val_correct"] / 6


def test_another_place_and_other_workers_run_nothing_but_another_crop_does(project):
    """The other place holds nothing: a plan looks at no image."""
    project.configure(with_options(folder="nowhere", workers=0))
    assert project.planned(*CELLS) == set()
    project.configure(with_options(folder="nowhere", resize=10))
    assert {job.split()[0] for job in project.planned(*CELLS)} >= {"prepare_data", "train_cell"}
