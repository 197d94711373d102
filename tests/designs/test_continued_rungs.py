"""Rungs that are beginnings of whole trainings: their cells, what they cost, and which trainings are left behind."""

from dataclasses import replace

import pandas as pd
import pytest

from prunescape.analysis.search.objectives import Cost, PerImage, price_of
from prunescape.analysis.search.tuning_tables import Ended, Placed, tuning, tuning_rungs, tuning_trials
from prunescape.config.study import load_study
from prunescape.designs.plan import Plan, experiment_plan
from prunescape.designs.proposals import Proposal, proposal_of
from prunescape.designs.search_rounds import Entry, left_behind
from prunescape.designs.tuning import budget_of, is_whole, trial_cell
from prunescape.space.cells import Cell, grid_cells
from prunescape.space.settings import Setting
from prunescape.space.variants import BASE
from prunescape.store.records import OK
from prunescape.store.stages import TUNING

SETTING = Setting.of({"log10_lr": -1, "log10_wd": -4})
PROPOSAL = Proposal("base", SETTING)


def study_of(schedule: str):
    experiment = {
        "model": "resnet8",
        "dataset": "digits",
        "recipe": {"epochs": 10, "batch_size": 32, "schedule": "cosine"},
        "variants": {},
        "tune": {
            "space": {"log10_lr": [-3, -2, -1], "log10_wd": [-4, -3]},
            "sampler": "grid",
            "target": "here",
            "objective": "accuracy",
            "budget": {"min_epochs": 2, "schedule": schedule},
        },
    }
    study = {"study": "s", "datasets": {"digits": {"validation": 100}}, "experiments": {"e": experiment}}
    return load_study(study | {"targets": {"here": {}}})


def plan_of(schedule: str = "whole") -> Plan:
    return experiment_plan(study_of(schedule), "e")


def test_a_cut_training_names_where_the_whole_one_stops():
    cut = trial_cell(plan_of(), PROPOSAL, 4)
    assert cut.path == "experiment=e/variant=base/log10_lr=-1.0/log10_wd=-4.0/stop_epoch=4/seed=0"
    assert Cell.parse(cut.path) == cut == Cell.from_content(cut.content)
    assert proposal_of(cut) == PROPOSAL and not is_whole(cut) and budget_of(plan_of(), cut) == 4
    assert trial_cell(plan_of("rung"), PROPOSAL, 4).setting.values["epochs"] == 4


def test_the_whole_training_is_the_cell_of_a_grid():
    whole = trial_cell(plan_of(), PROPOSAL, 10)
    (cell,) = grid_cells("e", [BASE], {"log10_lr": ["-1.0"], "log10_wd": ["-4.0"]}, [0])
    assert whole == cell == trial_cell(plan_of("rung"), PROPOSAL, 10) == trial_cell(plan_of(), PROPOSAL, 4).whole
    assert is_whole(whole) and whole.whole == whole


def test_how_a_cut_training_trains_is_that_of_the_whole_one():
    cut = trial_cell(plan_of(), PROPOSAL, 4)
    assert cut.setting.stop == 4 and cut.setting.training == SETTING
    assert SETTING.stop is None


def entry(trial: int, rung: int, stop: int | None, bracket: int = 0) -> Entry:
    proposal = replace(PROPOSAL, setting=Setting.of({"log10_lr": -1 - trial, "log10_wd": -4}))
    return Entry(bracket, rung, trial, trial_cell(plan_of(), proposal, stop or 10))


def test_what_a_later_rung_left_out_is_left_behind():
    first = [entry(trial, 0, 2) for trial in range(4)]
    assert left_behind(first) == set(), "each may be promoted yet"
    second = [*first, entry(1, 1, 4), entry(2, 1, 4)]
    assert left_behind(second) == {first[0].cell.whole, first[3].cell.whole}
    last = [*second, entry(1, 2, None)]
    assert left_behind(last) == {first[trial].cell.whole for trial in (0, 2, 3)}
    anew = [replace(each, cell=trial_cell(plan_of("rung"), each.proposal, 1 + each.rung)) for each in last]
    assert left_behind(anew) == set(), "rungs that train anew leave nothing"


def test_what_another_bracket_may_go_on_with_is_not_left_behind():
    entries = [entry(0, 0, 2), entry(1, 0, 2), entry(1, 1, 4), replace(entry(0, 0, 4), bracket=1)]
    assert left_behind(entries) == set()


def row(cell: Cell, correct: int, continued_from: int) -> dict:
    known = {"experiment": "e", "model": "resnet8", "dataset": "digits", "variant": cell.variant.name}
    known |= {"seed": cell.seed, "stage": TUNING, "status": OK, "val_correct": correct, "val_tested": 100}
    known |= {"val_top1": float(correct), "top1": float(correct), "continued_from": continued_from}
    return known | cell.setting.values


@pytest.mark.parametrize(("continued", "spent"), [((2, 4), [4.0, 2.0, 6.0]), ((0, 0), [4.0, 4.0, 10.0])])
def test_tables_count_the_passes_that_were_really_trained(continued, spent):
    """Two trials of 2 epochs, one of them to 4 and to all 10: with what was left they cost 12 passes, without it 18."""
    entries = [entry(0, 0, 2), entry(1, 0, 2), entry(1, 1, 4), entry(1, 2, None)]
    before = [0, 0, *continued]
    cells = pd.DataFrame([row(each.cell, 50 + each.trial, known) for each, known in zip(entries, before, strict=True)])
    placed = [Placed(1 + each.rung, each.bracket, each.rung, each.trial, each.cell) for each in entries]
    terms, ended = study_of("whole").tuning_terms(), Ended(winners=[entries[-1].cell])
    trials = tuning_trials(cells, placed, terms, ended)
    assert trials["epochs"].tolist() == trials["passes"].tolist() == [2, 2, 4, 10]
    assert tuning_rungs(trials)["spent"].tolist() == spent
    (found,) = tuning(trials, terms, ended).to_dict("records")
    assert found["spent"] == sum(spent) and found["cells"] == 4 and found["trial"] == 1


def test_one_training_on_two_rungs_and_in_two_brackets_is_spent_once():
    """By hand: 2 epochs, 8 more to all 10; it is whole on the next rung too, and another bracket drew it again."""
    own = [entry(0, 0, 2), entry(0, 1, None), entry(0, 2, None), entry(0, 0, None, bracket=1)]
    cells = pd.DataFrame([row(own[0].cell, 50, 0), row(own[1].cell, 60, 2)])
    placed = [Placed(1 + each.rung, each.bracket, each.rung, each.trial, each.cell) for each in own]
    terms, ended = study_of("whole").tuning_terms(), Ended(winners=[own[1].cell])
    trials = tuning_trials(cells, placed, terms, ended)
    assert tuning_rungs(trials)["spent"].tolist() == [2, 8, 0, 0]
    (found,) = tuning(trials, terms, ended).to_dict("records")
    assert found["spent"] == 10 and found["cells"] == 2


def test_a_training_that_went_on_from_what_the_search_has_no_more_is_spent_whole():
    """By hand: it went on after epoch 4, and the search as it is now has a rung of 2 epochs, then all 10: 2 and 10."""
    own = [entry(0, 0, 2), entry(0, 1, None)]
    cells = pd.DataFrame([row(own[0].cell, 50, 0), row(own[1].cell, 60, 4)])
    placed = [Placed(1 + each.rung, each.bracket, each.rung, each.trial, each.cell) for each in own]
    trials = tuning_trials(cells, placed, study_of("whole").tuning_terms(), Ended())
    assert trials["spent"].tolist() == [2, 10] and trials["continued_from"].tolist() == [0, 0]


def test_a_ratio_counts_every_image_of_the_budget_whatever_the_cache_spared():
    """edgetune2022, Eq 1, by hand: 4 epochs of 1000 images at 0.01 s, and 500 test images at 0.002 s."""
    terms = plan_of().tuning | {"objective": "ratio_time"}
    cost = Cost(seconds=0.002, training={(32, ()): PerImage(0.01, None)}, trained=1000, tested=500)
    values = trial_cell(plan_of(), PROPOSAL, 4).setting.values
    assert price_of(terms, "base", cost, values) == pytest.approx(4 * 1000 * 0.01 + 500 * 0.002)
