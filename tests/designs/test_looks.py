"""A study whose verdicts look several times comes to the same verdicts however often its run is killed."""

import copy
import time

import pandas as pd
import pytest

from designs.test_rounds import GROWING
from support.project import Project

LOOKING = copy.deepcopy(GROWING) | {"study": "looking"}
LOOKING["experiments"]["e"] |= {
    "extension": {"max_rounds": 0},
    "grid": {"log10_lr": [-1.5], "log10_wd": [-4.0, -3.0, -2.0]},
    "verdict": {"replicates": {"first": 2, "most": 6}, "margin": 1.0},
}
TABLES = ("verdicts", "looks", "risk")


def results(project: Project, name: str) -> pd.DataFrame:
    return pd.read_parquet(project.work / f"results/looking/{name}.parquet")


@pytest.mark.long
def test_killed_at_every_look_it_comes_to_the_same_verdicts(tmp_path):
    whole, part = Project(tmp_path / "whole", LOOKING), Project(tmp_path / "part", LOOKING)
    whole.run("--quiet", "rules")
    kills, done = 0, None
    while done is None:
        planned = part.work / f"results/looking/rounds/round={kills + 1}.json"
        running = part.start(command=("prunescape.commands.cli", "resume") if kills else ("snakemake",))
        while running.poll() is None and not planned.exists():
            time.sleep(0.05)
        if running.poll() is None and kills < 12:
            running.kill()
            kills += 1
            part.finish(running)
        else:
            done = part.finish(running)
    assert done.returncode == 0, done.stdout
    assert kills >= 2, "the study had no second look: choose another margin"
    for name in TABLES:
        pd.testing.assert_frame_equal(results(part, name), results(whole, name))
    cells = [results(project, "cells") for project in (part, whole)]
    keys = ["variant", "log10_wd", "seed", "stage", "round", "top1"]
    pd.testing.assert_frame_equal(*(table[keys] for table in cells))
