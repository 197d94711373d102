"""Snakemake really running an adaptive study: a share is trained, a lost cell comes back, a larger share adds cells."""

import copy

import pandas as pd
import pytest

from prunescape.designs.rounds import present_rounds
from support.project import Project, experiment

SHARE = {
    "study": "share",
    "datasets": {"digits": {"train": 200, "test": 100}},
    "experiments": {
        "e": experiment(
            variants={"uniform": [0.5]},
            prior={"log10_lr": -1.0, "log10_wd": -4.0},
            grid={"log10_lr": {"step": 0.5, "size": 4}, "log10_wd": {"step": 1.0, "size": 4}},
            design={"kind": "adaptive", "share": 0.6},
        )
    },
    "targets": {},
}
MOST = 9  # of 16 settings: 0.6 * 16, rounded down


def trained(project: Project) -> set[str]:
    """The cells that have a record."""
    results = project.work / "results/share/experiment=e"
    return {str(path.parent.relative_to(results)) for path in results.rglob("record.json")}


@pytest.fixture(scope="module")
def shared(tmp_path_factory) -> Project:
    """The study run to its report, with an interruption: its first run ends before the last round."""
    project = Project(tmp_path_factory.mktemp("share"), SHARE)
    first = {job for job in project.planned() if job.startswith(("train_cell", "plan_round"))}
    assert len(first) == 4 + 1 + 4 + 1, "lattice and prior of the base, corners of the variant, one checkpoint"
    project.run("--until", "plan_round")
    project.run()
    return project


@pytest.mark.long
def test_a_share_is_trained_and_nothing_is_left_to_do(shared):
    assert shared.planned() == set()
    results = shared.work / "results/share"
    rounds = present_rounds(str(results / "rounds/round={round}.json"))
    assert len(rounds) > 1 and rounds[-1].last
    cells = pd.read_parquet(results / "cells.parquet")
    counts = cells.groupby("variant").size()
    assert counts["base"] == MOST and 4 < counts["uniform-0.5"] <= MOST
    assert len(cells) == len(trained(shared)) and set(cells["stage"]) == {"grid"}
    assert pd.read_parquet(results / "surface_checks.parquet")["settings"].tolist() == [16, 16]
    assert f"{MOST} of its 16 settings" in (results / "report.html").read_text() or counts["uniform-0.5"] < MOST


@pytest.mark.long
def test_a_lost_cell_is_trained_again_alone_and_plans_the_same(shared):
    before = trained(shared)
    lost = min(before)
    (shared.work / "results/share/experiment=e" / lost / "record.json").unlink()
    again = [job for job in shared.made() if job.startswith("train_cell")]
    assert len(again) == 1 and lost.split("/")[0] in again[0]
    assert trained(shared) == before and shared.planned() == set()


@pytest.mark.long
def test_a_larger_share_trains_new_cells_only(shared):
    results, before = shared.work / "results/share/experiment=e", trained(shared)
    stamps = {cell: (results / cell / "record.json").stat().st_mtime_ns for cell in before}
    more = copy.deepcopy(SHARE)
    more["experiments"]["e"]["design"]["share"] = 0.7
    shared.configure(more)
    assert not {job for job in shared.planned() if job.startswith("train_cell")}, "none before a round asks for it"
    shared.run()
    assert shared.planned() == set() and len(trained(shared)) > len(before)
    assert {cell: (results / cell / "record.json").stat().st_mtime_ns for cell in before} == stamps
