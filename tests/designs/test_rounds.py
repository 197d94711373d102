"""Rounds: which way a grid grows, where each cell belongs, and Snakemake really running them to the report."""

import copy
import json

import numpy as np
import pandas as pd
import pytest

from prunescape.analysis.axes import Axes
from prunescape.analysis.read_cells import checked_cells, long_scores, read_cells
from prunescape.analysis.verdict.screening import kept_points, screen
from prunescape.designs.extension import extended_axes, good_points
from prunescape.designs.plan import Plan
from prunescape.designs.rounds import (
    Places,
    Round,
    Step,
    candidate_cells,
    have_rounds,
    next_round,
    present_rounds,
    read_round,
)
from prunescape.errors import InputError
from prunescape.space.cells import Cell
from prunescape.store.files import write_json
from support.cells import base_cell
from support.landscapes import landscape
from support.project import Project, experiment

AXES = {"log10_lr": ["-2.0", "-1.5", "-1.0"], "log10_wd": ["-4.0", "-3.5", "-3.0"]}


def cone(peak_lr, peak_wd, axes=AXES, **columns) -> pd.DataFrame:
    """A cone of known peak: 4 points lost per decade of distance."""
    wd, lr = (part.ravel() for part in np.meshgrid(*(np.array(axes[name], float) for name in ("log10_wd", "log10_lr"))))
    return landscape(wd, lr, 95 - 4 * np.hypot(lr - peak_lr, wd - peak_wd)).assign(**columns)


def wider_axes(axes, scores):
    return extended_axes(axes, good_points(scores, Axes.of(axes), 1.0))


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
    wider = wider_axes(AXES, cone(*peak))
    for name, (below, above) in (("log10_lr", lr), ("log10_wd", wd)):
        first, last = float(AXES[name][0]), float(AXES[name][-1])
        assert np.allclose(np.array(wider[name], float), np.arange(first - 0.5 * below, last + 0.5 * above + 0.1, 0.5))


def test_one_variant_or_seed_moves_the_edge_for_all():
    rows = pd.concat([cone(-1.5, -3.5), cone(-1.0, -3.5, variant="uniform-0.5", seed=1)])
    assert wider_axes(AXES, rows)["log10_lr"] == [*AXES["log10_lr"], "-0.5", "0.0"]


def test_bounds_stop_an_edge_and_diverged_cells_do_not_move_one():
    axes = {"log10_lr": ["0.0", "0.5"], "log10_wd": ["-4.0"]}
    assert wider_axes(axes, cone(0.5, -4.0, axes)) == {"log10_lr": ["0.0", "0.5", "1.0"], "log10_wd": ["-4.0"]}
    assert wider_axes(AXES, cone(-1.0, -3.0, status="diverged")) == AXES
    assert wider_axes(AXES, cone(-1.0, -3.0).iloc[:0]) == AXES


def plan(**changes) -> Plan:
    """A plan of one experiment on AXES with its prior in the middle."""
    verdict = {"margin": 0.5, "alpha": 0.05, "alpha_screen": 0.01, "sigma": None, "noise": "contrast"}
    verdict |= {"looks": [2], "fresh_seeds": [1, 2]}
    known = {"experiment": "e", "variants": ["base", "uniform-0.5"], "axes": AXES, "seeds": [0]}
    known |= {"prior": {"log10_lr": "-1.5", "log10_wd": "-3.5"}, "select_on": "test", "max_rounds": 1}
    return Plan(**known | {"verdict": verdict, "thresholds": [0.5, 1.0], "risk_threshold": 0.5, "claims": 1} | changes)


def cell(lr="-1.0", wd="-4.0", seed=0) -> Cell:
    return base_cell(seed=seed, log10_lr=lr, log10_wd=wd)


def test_a_round_is_read_as_it_was_written(tmp_path):
    planned = Round(1, False, {"e": Step("extension", AXES, [cell(seed=3)])})
    path = tmp_path / "round=1.json"
    write_json(path, planned.content())
    assert read_round(path) == planned
    assert present_rounds(str(tmp_path / "round={round}.json")) == [planned]
    write_json(tmp_path / "round=2.json", Round(2, True).content())
    write_json(tmp_path / "round=3.json", Round(3, True).content())
    assert [found.number for found in present_rounds(str(tmp_path / "round={round}.json"))] == [1, 2], "2 is the last"
    write_json(path, json.loads(json.dumps(planned.content()).replace('"-1.0"', '"fast"')))
    with pytest.raises(InputError, match="fast cannot be used"):
        read_round(path)


def test_every_cell_has_its_place():
    steps = [{"e": Step("extension", AXES, [cell("0.5")])}, {"e": Step("replicates", AXES, [cell(seed=1)])}]
    places = Places({"e": plan()}, [Round(1, False, steps[0]), Round(2, True, steps[1])])

    def place(lr, wd, seed):
        setting = {"log10_lr": lr, "log10_wd": wd}
        found = places.of({"experiment": "e", "variant": "base", "setting": setting, "seed": seed})
        assert found["select_on"] == "test"
        return found["stage"], found["round"]

    assert place(-1.0, -4.0, 0) == ("grid", 0)
    assert place(0.5, -4.0, 0) == ("grid", 1)
    assert place(-1.0, -4.0, 1) == ("replicate", 2)
    assert place(-1.0, -3.0, 1) == ("pilot", 0)


def test_fresh_seeds_are_no_cells_of_a_landscape():
    steps = [{"e": Step("extension", AXES, [cell("0.5")])}, {"e": Step("replicates", AXES, [cell(seed=1)])}]
    rounds = [Round(1, False, steps[0]), Round(2, False, {}), Round(3, True, steps[1])]
    assert candidate_cells(plan(), rounds) == [*plan().grid(AXES, [0]), cell("0.5")]


def finished(peaks: dict[str, tuple[float, float]]) -> pd.DataFrame:
    """The cells of AXES for each experiment and variant: the base peaks where it is said, the variant with it."""
    parts = []
    for name, peak in peaks.items():
        for variant in ("base", "uniform-0.5"):
            table = cone(*peak, experiment=name, variant=variant, stage="grid", round=0, select_on="test")
            parts.append(table.rename(columns={"score": "top1"}).drop(columns=["chosen_on", "metric"]))
    return checked_cells(pd.concat(parts, ignore_index=True), "table", axes=Axes.of(AXES), partial=True)


def test_a_round_is_the_union_of_what_each_experiment_needs():
    """One experiment has its best on an edge, the other inside: one grid grows while the other gets fresh seeds."""
    plans = {"e": plan(), "f": plan(experiment="f")}
    cells = finished({"e": (-1.0, -3.5), "f": (-1.5, -3.5)})
    first = next_round(plans, number=1, cells=cells, earlier=[])
    assert {name: (step.design, step.stage) for name, step in first.steps.items()} == {
        "e": ("extension", "grid"),
        "f": ("replicates", "replicate"),
    }
    assert not first.last and first.steps["e"].axes["log10_lr"] == [*AXES["log10_lr"], "-0.5", "0.0"]
    assert {cell.seed for cell in first.steps["f"].cells} == {1, 2}
    assert first == next_round(plans, number=1, cells=cells, earlier=[]), "the same, resumed at any look"
    second = next_round(plans, number=2, cells=cells, earlier=[first])
    assert next(iter(second.steps)) == "e" and second.steps["e"].design == "replicates" and not second.last
    none = plan(max_rounds=0).verdict | {"looks": [], "fresh_seeds": []}
    assert have_rounds(plans) and not have_rounds({"e": plan(max_rounds=0, verdict=none)})


GROWING = {
    "study": "growing",
    "datasets": {"digits": {"train": 200, "test": 100}},
    "experiments": {
        "e": experiment(
            variants={"uniform": [0.5]},
            prior={"log10_lr": -1.5, "log10_wd": -4.0},
            grid={"log10_lr": [-1.5], "log10_wd": [-4.0, -3.0]},
            extension={"max_rounds": 1},
            verdict={"replicates": 2, "margin": 1.0},
        )
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
    rounds = present_rounds(str(results / "rounds/round={round}.json"))
    assert [planned.last for planned in rounds] == [False] * (len(rounds) - 1) + [True]
    assert [step.design for planned in rounds for step in planned.steps.values()][:2] == ["extension", "replicates"]
    assert not rounds[-1].steps, "the last round looks, and asks for nothing"
    cells = pd.read_parquet(results / "cells.parquet")
    grid = cells[cells["stage"] == "grid"]
    wider = rounds[0].steps["e"].axes["log10_wd"]
    assert set(wider) > {"-4.0", "-3.0"}, "training moved no edge: choose another grid for this test"
    assert sorted(grid["log10_wd"].unique()) == sorted(map(float, wider))
    assert grid.groupby("variant").size().tolist() == [len(wider)] * 2
    assert set(grid.loc[grid["round"] == 0, "log10_wd"]) == {-4.0, -3.0}
    assert set(grid.loc[grid["round"] == 1, "log10_wd"]) == set(map(float, wider)) - {-4.0, -3.0}


def test_fresh_seeds_are_trained_where_the_verdict_needs_them_only(grown):
    results = grown.work / "results/growing"
    cells = pd.read_parquet(results / "cells.parquet")
    fresh = cells[cells["stage"] == "replicate"]
    cells = read_cells(results / "cells.parquet").query("stage != 'replicate' or log10_wd == -4.0")
    points = screen(long_scores(cells, Axes.of(AXES)).query("metric == 'top1'"), Axes.of(AXES), 0.5)
    kept = points[kept_points(points, 1.0, 0.01)]
    assert set(fresh["variant"]) == {"uniform-0.5"}
    assert set(fresh["log10_wd"]) >= set(kept["log10_wd"])
    judged = fresh[fresh["log10_wd"].isin(kept["log10_wd"])]
    assert judged.groupby("log10_wd")["seed"].apply(sorted).tolist() == [[1, 2]] * len(kept)
    (verdict,) = pd.read_parquet(results / "verdicts.parquet").itertuples()
    assert (verdict.kept - verdict.reopened, verdict.replicates_most) == (len(kept), 2)
    assert (verdict.sigma_source, verdict.trainings, verdict.unread) == ("pilot", len(fresh), 0)
    assert "uniform 0.5" in (results / "report.html").read_text()


def test_another_margin_trains_only_what_it_adds_and_a_lost_cell_only_itself(grown):
    wide = copy.deepcopy(GROWING)
    wide["experiments"]["e"]["verdict"] = {"replicates": 3, "margin": 1.0}
    grown.configure(wide)
    jobs = {job for job in grown.planned() if job.startswith("train_cell")}
    assert jobs == {
        f"train_cell experiment=e, variant={variant}, setting=log10_lr=-1.5/log10_wd=-4.0, seed=3"
        for variant in ("base", "uniform-0.5")
    }, "the pilot's new seed; what the rounds add is not known before it"
    grown.configure(GROWING)
    lost = grown.work / "results/growing/experiment=e/variant=uniform-0.5/log10_lr=-1.5/log10_wd=-4.0/seed=1"
    (lost / "record.json").unlink()
    grown.run()
    assert grown.planned() == set()
