"""Rounds: which way a grid grows, where each cell belongs, and Snakemake really running them to the report."""

import copy
import json

import numpy as np
import pandas as pd
import pytest

from prunescape.analysis.cells_table import read_cells
from prunescape.analysis.verdict.study_verdicts import points_to_replicate
from prunescape.designs.extension import extended_axes
from prunescape.designs.rounds import Places, Round, present_rounds, read_round
from prunescape.errors import InputError
from prunescape.space.cells import Cell
from prunescape.space.variants import BASE
from prunescape.store.files import write_json
from support.project import Project

AXES = {"log10_lr": ["-2.0", "-1.5", "-1.0"], "log10_wd": ["-4.0", "-3.5", "-3.0"]}


def landscape(peak_lr, peak_wd, axes=AXES, **columns) -> pd.DataFrame:
    """A cone of known peak: 4 points lost per decade of distance."""
    wd, lr = (part.ravel() for part in np.meshgrid(*(np.array(axes[name], float) for name in ("log10_wd", "log10_lr"))))
    score = 95 - 4 * np.hypot(lr - peak_lr, wd - peak_wd)
    key = {"experiment": "e", "model": "m", "dataset": "d", "variant": "base", "seed": 0, "metric": "top1"}
    frame = pd.DataFrame({"log10_lr": lr, "log10_wd": wd, "score": score, "chosen_on": score, "status": "ok"})
    return frame.assign(**key | columns)


@pytest.mark.parametrize(
    ("peak", "lr", "wd"),
    [
        ((-1.5, -3.5), (0, 0), (0, 0)),
        ((-1.0, -3.5), (0, 2), (0, 0)),
        ((-2.0, -4.0), (2, 0), (2, 0)),
        ((-1.5, -2.9), (0, 0), (0, 2)),
    ],
    ids=["inside", "top edge", "corner", "beyond"],
)
def test_an_edge_with_a_good_point_moves_out_two_steps(peak, lr, wd):
    wider = extended_axes(AXES, landscape(*peak))
    for name, (below, above) in (("log10_lr", lr), ("log10_wd", wd)):
        first, last = float(AXES[name][0]), float(AXES[name][-1])
        assert np.allclose(np.array(wider[name], float), np.arange(first - 0.5 * below, last + 0.5 * above + 0.1, 0.5))


def test_one_variant_or_seed_moves_the_edge_for_all():
    rows = pd.concat([landscape(-1.5, -3.5), landscape(-1.0, -3.5, variant="uniform-0.5", seed=1)])
    assert extended_axes(AXES, rows)["log10_lr"] == [*AXES["log10_lr"], "-0.5", "0.0"]


def test_bounds_stop_an_edge_and_diverged_cells_do_not_move_one():
    axes = {"log10_lr": ["0.0", "0.5"], "log10_wd": ["-4.0"]}
    assert extended_axes(axes, landscape(0.5, -4.0, axes)) == {"log10_lr": ["0.0", "0.5", "1.0"], "log10_wd": ["-4.0"]}
    assert extended_axes(AXES, landscape(-1.0, -3.0, status="diverged")) == AXES
    assert extended_axes(AXES, landscape(-1.0, -3.0).iloc[:0]) == AXES


def test_a_round_is_read_as_it_was_written(tmp_path):
    planned = Round(2, False, {"e": AXES}, {"grid": [Cell("e", BASE, "-1.0", "-4.0", 3)]})
    path = tmp_path / "round=2.json"
    write_json(path, planned.content())
    assert read_round(path) == planned
    missing = tmp_path / "round=3.json"
    assert present_rounds([path, missing, path]) == [planned]
    write_json(path, json.loads(json.dumps(planned.content()).replace("log10_lr=-1.0", "log10_lr=abc")))
    with pytest.raises(InputError, match="no path of a cell"):
        read_round(path)


def test_every_cell_has_its_place():
    kept = Cell("e", BASE, "-1.0", "-4.0", 1)
    added = Cell("e", BASE, "0.5", "-4.0", 0)
    places = Places(
        {"e": {"seeds": [0], "select_on": "test"}},
        [Round(1, False, {}, {"grid": [added]}), Round(2, True, {}, {"replicate": [kept]})],
    )

    def place(lr, wd, seed):
        found = places.of({"experiment": "e", "variant": "base", "log10_lr": lr, "log10_wd": wd, "seed": seed})
        assert found["select_on"] == "test"
        return found["stage"], found["round"]

    assert place(-1.0, -4.0, 0) == ("grid", 0)
    assert place(0.5, -4.0, 0) == ("grid", 1)
    assert place(-1.0, -4.0, 1) == ("replicate", 2)
    assert place(-1.0, -3.0, 1) == ("pilot", 0)


GROWING = {
    "study": "growing",
    "datasets": {"digits": {"train": 200, "test": 100}},
    "experiments": {
        "e": {
            "model": "resnet8",
            "dataset": "digits",
            "recipe": {"epochs": 1, "batch_size": 50, "schedule": "cosine"},
            "variants": {"uniform": [0.5]},
            "prior": {"log10_lr": -1.5, "log10_wd": -4.0},
            "grid": {"log10_lr": [-1.5], "log10_wd": [-4.0, -3.0]},
            "extension": {"max_rounds": 1},
            "verdict": {"replicates": 2, "margin": 1.0},
        }
    },
    "targets": {},
}


@pytest.fixture(scope="module")
def grown(tmp_path_factory) -> Project:
    """A study with one round of extension and one of replicates, run to its report."""
    project = Project(tmp_path_factory.mktemp("grown"), GROWING)
    first = {job for job in project.planned() if job.startswith(("train_cell", "plan_round"))}
    assert len(first) == 2 * 2 + 2 * 2 + 1, "the grid, the pilot and one checkpoint: no result is known yet"
    project.run()
    return project


def test_rounds_reach_the_report_and_leave_nothing_to_do(grown):
    assert grown.planned() == set()
    results = grown.work / "results/growing"
    rounds = present_rounds([results / f"rounds/round={number}.json" for number in (1, 2)])
    assert [planned.last for planned in rounds] == [False, True]
    cells = pd.read_parquet(results / "cells.parquet")
    grid = cells[cells["stage"] == "grid"]
    wider = rounds[0].axes["e"]["log10_wd"]
    assert set(wider) > {"-4.0", "-3.0"}, "training moved no edge: choose another grid for this test"
    assert sorted(grid["log10_wd"].unique()) == sorted(map(float, wider))
    assert grid.groupby("variant").size().tolist() == [len(wider)] * 2
    assert set(grid.loc[grid["round"] == 0, "log10_wd"]) == {-4.0, -3.0}
    assert set(grid.loc[grid["round"] == 1, "log10_wd"]) == set(map(float, wider)) - {-4.0, -3.0}


def test_fresh_seeds_are_trained_where_the_verdict_needs_them_only(grown):
    results = grown.work / "results/growing"
    cells = pd.read_parquet(results / "cells.parquet")
    fresh = cells[cells["stage"] == "replicate"]
    points = points_to_replicate(
        read_cells(results / "cells.parquet").query("stage != 'replicate' or log10_wd == -4.0"),
        {"e": {"replicates": 2, "margin": 1.0, "alpha_screen": 0.01, "sigma": None}},
    )
    assert set(fresh["variant"]) == {"uniform-0.5"}
    assert set(fresh["log10_wd"]) == set(points["log10_wd"])
    assert fresh.groupby("log10_wd")["seed"].apply(sorted).tolist() == [[1, 2]] * len(points)
    (verdict,) = pd.read_parquet(results / "verdicts.parquet").itertuples()
    assert (verdict.kept, verdict.replicates_fewest, verdict.sigma_source) == (len(points), 2, "pilot")
    assert "uniform 0.5" in (results / "report.html").read_text()


def test_another_margin_trains_only_what_it_adds_and_a_lost_cell_only_itself(grown):
    wide = copy.deepcopy(GROWING)
    wide["experiments"]["e"]["verdict"] = {"replicates": 3, "margin": 1.0}
    grown.configure(wide)
    jobs = {job for job in grown.planned() if job.startswith("train_cell")}
    assert jobs == {
        f"train_cell experiment=e, variant={variant}, log10_lr=-1.5, log10_wd=-4.0, seed=3"
        for variant in ("base", "uniform-0.5")
    }, "the pilot's new seed; what the rounds add is not known before it"
    grown.configure(GROWING)
    lost = grown.work / "results/growing/experiment=e/variant=uniform-0.5/log10_lr=-1.5/log10_wd=-4.0/seed=1"
    (lost / "record.json").unlink()
    grown.run()
    assert grown.planned() == set()
