"""A study of the user's own network that starts from a file of weights: Snakemake really run, and what runs again."""

import pytest
import torch
from torch import nn

from prunescape.store.files import read_json
from support.project import Project, experiment, small_study

pytestmark = pytest.mark.long

NET = """
from torch import nn
from blocks import block
def make(in_channels, classes):
    return nn.Sequential(nn.Conv2d(in_channels, 8, 3), nn.ReLU(), *block(8, 16), *block(16, 16),
                         nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, classes))
"""
BLOCKS = """
from torch import nn
def block(before, after):
    return [nn.Conv2d(before, after, 3, padding=1), nn.BatchNorm2d(after), nn.ReLU()]
"""


def study(**changes) -> dict:
    retraining = {"pipelines": ["scratch", "fine_tune"], "epochs": 1}
    own = {"model": "net:make", "weights": "given.pth", "variants": {"uniform": [0.5]}, "retraining": retraining}
    grid = {"log10_lr": [-1.0], "log10_wd": [-4.0]}
    return small_study(experiment(**own, grid=grid) | changes)


def layers_of(before: int, after: int) -> list:
    return [nn.Conv2d(before, after, 3, padding=1), nn.BatchNorm2d(after), nn.ReLU()]


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Project:
    made = Project(tmp_path_factory.mktemp("given"), study())
    (made.work / "net.py").write_text(NET)
    (made.work / "blocks.py").write_text(BLOCKS)
    torch.manual_seed(1)
    own = [*layers_of(8, 16), *layers_of(16, 16), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, 7)]
    torch.save(nn.Sequential(nn.Conv2d(1, 8, 3), nn.ReLU(), *own).state_dict(), made.work / "given.pth")
    made.run("cells")
    return made


def rules(jobs: set[str]) -> set[str]:
    return {job.split()[0] for job in jobs}


def test_the_base_starts_from_the_file_but_for_its_classifier(project):
    base = project.work / "results/tiny/experiment=small/variant=base"
    pipeline = read_json(base / "widths.json")["pipeline"]
    assert pipeline["start"] == "initial" and len(pipeline["weights_digest"]) == 64
    assert "left as initialised: 10" in (base / "plan.log").read_text()
    assert project.planned("cells") == set()


def test_what_the_factory_imports_and_the_weights_decide_what_runs_again(project):
    (project.work / "blocks.py").write_text(BLOCKS + "# more\n")
    assert {"start_base", "train_cell", "cut_variant", "declare_experiment"} <= rules(project.planned("cells"))
    (project.work / "blocks.py").write_text(BLOCKS)
    weights = (project.work / "given.pth").read_bytes()
    torch.save({}, project.work / "given.pth")
    again = rules(project.planned("cells"))
    (project.work / "given.pth").write_bytes(weights)
    assert "start_base" in again and "declare_experiment" not in again
    (project.work / "unrelated.py").write_text("1")
    assert project.planned("cells") == set()
