"""An adaptive design: which settings it trains, in how many rounds, what a changed share adds, what it refuses."""

import numpy as np
import pandas as pd
import pytest

from prunescape.analysis.axes import Axes
from prunescape.analysis.read_cells import checked_cells
from prunescape.analysis.surface.choice import base_lattice, corner_settings
from prunescape.config.study import load_study
from prunescape.config.verdict import Verdict
from prunescape.designs import adaptive
from prunescape.designs.plan import Plan
from prunescape.designs.rounds import Places, Round, first_cells, have_rounds, next_round, study_plans
from prunescape.errors import InputError
from prunescape.space.cells import Cell
from support.good_config import EXPERIMENT, GOOD

NAMES = ["base", "uniform-0.5", "uniform-0.25"]
NINE = {
    name: [f"{middle + 0.2 * step:.1f}" for step in range(-4, 5)]
    for name, middle in (("log10_lr", -1), ("log10_wd", -4))
}


def plan(most: int | None = 27, **changes) -> Plan:
    """A plan on 9 x 9 settings with the prior in the middle."""
    verdict = Verdict().terms(1)
    known = {"experiment": "e", "variants": NAMES, "axes": NINE, "prior": {"log10_lr": "-1.0", "log10_wd": "-4.0"}}
    known |= {"seeds": [0], "select_on": "test", "max_rounds": 0, "verdict": verdict, "claims": 2}
    return Plan(**known | {"thresholds": [0.5, 1.0], "risk_threshold": 0.5, "most_settings": most} | changes)


def score(cell: Cell) -> float:
    """A band along log γ + log λ = constant, shifted by the variant, with noise of 0.2 points between trainings."""
    lr, wd = cell.setting.values["log10_lr"] + 1, cell.setting.values["log10_wd"] + 4
    across, along = (lr + wd - 0.2 * NAMES.index(cell.variant.name)) / 2**0.5, (lr - wd) / 2**0.5
    key = [cell.seed, NAMES.index(cell.variant.name), *(round(1000 * (value + 10)) for value in (lr, wd))]
    return 93 - 8 * across**2 - 0.8 * along**2 + np.random.default_rng(key).normal(0, 0.2)


def finished(plans: dict[str, Plan], rounds: list[Round], **columns) -> pd.DataFrame:
    """The table of all cells so far."""
    cells = [*first_cells(plans), *(cell for planned in rounds for cell in planned.cells)]
    places = Places(plans, rounds)
    known = {"experiment": "e", "model": "m", "dataset": "d", "status": "ok", "classes": 10} | columns
    rows = [
        {**known, "variant": cell.variant.name, "seed": cell.seed, **cell.setting.values, "top1": score(cell)}
        | places.of(cell.content)
        for cell in cells
    ]
    return checked_cells(pd.DataFrame(rows), "table", axes=Axes.of(NINE), partial=True)


def run(study: Plan) -> list[Round]:
    """Every round of an experiment, to its last one."""
    plans, rounds = {"e": study}, []
    while not (rounds and rounds[-1].last):
        cells = finished(plans, rounds)
        rounds.append(next_round(plans, number=len(rounds) + 1, cells=cells, earlier=rounds))
    return rounds


def trained(study: Plan, rounds: list[Round]) -> dict[str, set[Cell]]:
    cells = [*first_cells({"e": study}), *(cell for planned in rounds for cell in planned.cells)]
    assert len(cells) == len(set(cells)), "a cell is asked for twice"
    return {name: {cell for cell in cells if cell.variant.name == name} for name in NAMES}


@pytest.fixture(scope="module")
def rounds() -> list[Round]:
    return run(plan())


def test_the_first_cells_are_a_lattice_with_the_prior_and_corners():
    lattice, corners = base_lattice(NINE), corner_settings(NINE)
    for study, count in ((plan(prior=lattice[1]), len(lattice)), (plan(), len(lattice) + 1)):
        first = first_cells({"e": study})
        settings = {name: {cell.setting.path for cell in first if cell.variant.name == name} for name in NAMES}
        assert [len(settings[name]) for name in NAMES] == [count, len(corners), len(corners)]
        assert "/".join(f"{name}={text}" for name, text in study.prior.items()) in settings["base"]
        assert {cell.seed for cell in first} == {0}
    assert first_cells({"e": plan(None)}) == plan().grid(NINE, [0]), "a whole grid"
    assert have_rounds({"e": plan()}) and not have_rounds({"e": plan(None)})


def test_a_share_is_trained_in_few_rounds(rounds):
    assert len(rounds) <= adaptive.most_rounds(plan()) == 5
    assert [planned.last for planned in rounds] == [False] * (len(rounds) - 1) + [True]
    cells = trained(plan(), rounds)
    assert {name: len(cells[name]) for name in NAMES} == dict.fromkeys(NAMES, 27)
    assert set().union(*cells.values()) < set(plan().grid(NINE, [0]))
    assert {cell.variant.name for cell in rounds[0].cells} == {"base"}, "the base comes first"


def test_pruned_variants_are_trained_at_the_bases_good_settings(rounds):
    cells = trained(plan(), rounds)
    scores = {cell.setting: score(cell) for cell in cells["base"]}
    region = {setting for setting, value in scores.items() if value >= max(scores.values()) - 0.5}
    for name in NAMES[1:]:
        assert region <= {cell.setting for cell in cells[name]}


def test_the_same_cells_plan_the_same_round(rounds):
    plans = {"e": plan()}
    cells = finished(plans, rounds[:2])
    shuffled = cells.sample(frac=1, random_state=1).reset_index(drop=True)
    for table in (cells, shuffled):
        assert next_round(plans, number=3, cells=table, earlier=rounds[:2]) == rounds[2]


def test_every_setting_has_every_seed():
    planned = run(plan(seeds=[0, 1]))
    for cells in trained(plan(), planned).values():
        assert len({cell.setting for cell in cells}) == 27
        pairs = {(cell.setting, cell.seed) for cell in cells} | {(cell.setting, 1 - cell.seed) for cell in cells}
        assert len(pairs) == 54


def test_a_larger_share_keeps_what_is_trained(rounds):
    """The first cells are the same, and so is the first choice of a batch; what both plan is trained once."""
    more = run(plan(most=35))
    few, many = trained(plan(), rounds), trained(plan(most=35), more)
    assert len(many["base"]) > 27 and len(few["base"] & many["base"]) >= 17 + 5
    assert set(first_cells({"e": plan()})) <= set.union(*many.values())


def test_without_any_result_nothing_more_is_trained():
    """Every cell diverged: no setting is good, and there is nothing to infer from."""
    plans = {"e": plan()}
    cells = finished(plans, [], status="diverged").assign(top1=10.0)
    assert next_round(plans, number=1, cells=cells, earlier=[]) == Round(1, True)


def test_fresh_seeds_follow_at_trained_points_only(rounds):
    study = plan(verdict=Verdict(replicates=2, sigma=0.2).terms(1))
    planned = run(study)
    steps = [(step.design, step.stage) for each in planned for step in each.steps.values()]
    first = steps.index(("replicates", "replicate"))
    assert steps == [("adaptive", "grid")] * first + [("replicates", "replicate")] * (len(steps) - first)
    grid = trained(plan(), rounds)
    fresh = [
        cell for each in planned for step in each.steps.values() if step.stage == "replicate" for cell in step.cells
    ]
    assert {cell.seed for cell in fresh} == {1, 2}
    assert all(Cell(cell.experiment, cell.variant, cell.setting, 0) in grid[cell.variant.name] for cell in fresh)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"share": 0.2}, ["design.share: 5 of 27 settings", "allowed: 9 to 250, shares from 0.34 to 0.99"]),
        (
            {"grid": {"log10_lr": [-2, -1], "log10_wd": [-4, -3]}},
            ["design: a share of a grid of 4 settings", "allowed: 10 to 2000"],
        ),
        (
            {"grid": {"log10_lr": {"step": 0.05, "size": 39}, "log10_wd": {"step": 0.05, "size": 79}}},
            ["a grid of 3081 settings", "to 2000 settings"],
        ),
        (
            {"grid": {"log10_lr": {"step": 0.05, "size": 39}, "log10_wd": {"step": 0.1, "size": 39}}},
            ["design.share: 517 of 1521 settings", "allowed: 197 to 250, shares from 0.13 to 0.16"],
        ),
    ],
    ids=["share", "small grid", "large grid", "many cells"],
)
def test_a_share_that_tells_too_little_is_refused(changes, said):
    design = {"kind": "adaptive", **({"share": changes.pop("share")} if "share" in changes else {})}
    study = load_study(GOOD | {"experiments": {"e": EXPERIMENT | {"design": design} | changes}})
    with pytest.raises(InputError) as caught:
        study_plans(study, "my.yaml")
    text = str(caught.value)
    assert text.startswith("my.yaml: experiments.e.design") and "\n" not in text
    assert all(part in text for part in said), text
