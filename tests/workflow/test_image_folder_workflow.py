"""A study of an image folder, really trained through Snakemake: what it records and what runs again."""

import json

import numpy as np
import pytest
from PIL import Image

from support.project import Project

CELL = "experiment=e/variant=base/log10_lr=-1.0/log10_wd=-4.0/seed=0"
CELLS = ("--until", "train_cell")
FLOWERS = {"format": "image-folder", "folder": "images", "size": 8, "resize": 9, "validation": 6, "workers": 1}
STUDY = {
    "study": "flowers",
    "datasets": {"flowers": FLOWERS},
    "experiments": {
        "e": {
            "model": "resnet8",
            "dataset": "flowers",
            "recipe": {"epochs": 1, "batch_size": 8, "flip": True},
            "variants": {},
            "prior": {"log10_lr": -1.0, "log10_wd": -4.0},
            "grid": {"log10_lr": [-1.0], "log10_wd": [-4.0]},
            "select_on": "validation",
        }
    },
}


def write_images(folder):
    random = np.random.default_rng(0)
    for split in ("train", "val"):
        for name in ("rose", "tulip"):
            (folder / split / name).mkdir(parents=True)
            for number in range(12):
                pixels = random.integers(0, 256, (10, 12, 3), dtype=np.uint8)
                Image.fromarray(pixels).save(folder / split / name / f"{number}.jpg")


def with_options(**changes):
    return STUDY | {"datasets": {"flowers": FLOWERS | changes}}


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """The study, trained."""
    project = Project(tmp_path_factory.mktemp("project"), STUDY)
    write_images(project.work / "images")
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
