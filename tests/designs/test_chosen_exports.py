"""Which trials are exported: as the table of best settings has them, over all networks of a variant."""

import itertools

import pandas as pd
import pytest

from prunescape.config.study import load_study
from prunescape.designs.exports import chosen_cells, read_exports, study_exports
from prunescape.designs.rounds import study_plans
from prunescape.designs.trials import DEFAULT, first_cells, plan_trials
from prunescape.space.cells import Cell
from prunescape.store.files import write_json
from support.spaces import SPACE, space_study

NETWORK_SPACE = SPACE | {"filters": [6, 9, 12], "activation": ["relu", "tanh"]}


def plan_of(design: dict | None = None, **changes):
    """The plan of six trials in each of two arms over six networks of the small CNN, base and one pruned variant."""
    known = {"space": NETWORK_SPACE, "arms": ["all", "all-again"], "best": 2} | (design or {})
    study = load_study(space_study(known, model="image_cnn", **changes))
    return study_plans(study, "study.yaml")["e"]


def table_of(plan, score, diverged=()) -> pd.DataFrame:
    """The cells of all trials, each with the training accuracy that `score` gives it."""
    rows = [
        {"experiment": "e", "variant": cell.variant.name, "seed": cell.seed, "stage": "trial", **cell.setting.values}
        | {"status": "diverged" if cell in diverged else "ok", "train_top1": score(cell), "top1": 50.0}
        for cell in first_cells(plan)
    ]
    return pd.DataFrame(rows)


def scores_of(plan) -> dict[Cell, float]:
    """A different accuracy for every cell, in no order that a design knows."""
    cells = first_cells(plan)
    return {cell: float(index * 37 % len(cells)) for index, cell in enumerate(cells)}


def best_by_hand(plan, scores, count: int) -> set[Cell]:
    """The best of every arm and variant by the mean over seeds, found without any table."""
    arms: dict[str, list] = {}
    for trial in plan_trials(plan):
        arms.setdefault(trial.arm, []).append(trial.setting)
    found = set()
    for settings, variant in itertools.product((arms[name] for name in arms if name != DEFAULT), plan.variants):
        cells = {setting: plan.at(variant, setting, plan.seeds) for setting in settings}
        ordered = sorted(settings, key=lambda setting: -sum(scores[cell] for cell in cells[setting]))
        found |= {cells[setting][0] for setting in ordered[:count]}
    return found


@pytest.mark.parametrize("seeds", [[0], [3, 4]])
def test_the_best_of_every_arm_and_variant_are_chosen_over_all_networks(seeds):
    plan = plan_of(seeds=seeds)
    scores = scores_of(plan)
    chosen = chosen_cells(plan, table_of(plan, scores.get))
    assert set(chosen) == best_by_hand(plan, scores, 2) and {cell.seed for cell in chosen} == {seeds[0]}
    assert 2 * 2 <= len(chosen) <= 2 * 2 * 2 and len({cell.setting.network_path for cell in chosen}) > 1


def test_a_diverged_cell_is_never_exported_and_its_setting_comes_last():
    plan = plan_of({"arms": ["all"], "trials": 3})
    cells = [cell for cell in first_cells(plan) if cell in best_by_hand(plan, dict.fromkeys(first_cells(plan), 0.0), 3)]
    base = [cell for cell in cells if cell.variant.name == "base"]
    best, *others = base
    chosen = chosen_cells(plan, table_of(plan, lambda cell: 99.0 if cell == best else 1.0, diverged=[best]))
    assert [cell for cell in chosen if cell.variant.name == "base"] == others
    assert chosen_cells(plan, table_of(plan, lambda cell: 1.0, diverged=cells)) == []


def test_only_networks_with_a_chosen_cell_have_a_folder(tmp_path):
    plan = plan_of()
    table = table_of(plan, scores_of(plan).get)
    exports = study_exports({"e": plan}, table)
    write_json(tmp_path / "exports.json", {"experiments": exports})
    assert read_exports(tmp_path / "exports.json") == exports
    paths = {(folder, path) for folder, paths in exports["e"].items() for path in paths}
    assert paths == {(cell.variant_path, cell.path) for cell in chosen_cells(plan, table)}
    assert len(exports["e"]) < len({cell.variant_path for cell in first_cells(plan)})


def test_a_worse_trial_changes_nothing_and_a_better_one_only_its_own():
    plan, more = plan_of({"arms": ["all"]}), plan_of({"arms": ["all"], "trials": 7})
    scores = scores_of(plan)
    before = chosen_cells(plan, table_of(plan, scores.get))
    assert chosen_cells(more, table_of(more, lambda cell: scores.get(cell, -1.0))) == before
    after = chosen_cells(more, table_of(more, lambda cell: scores.get(cell, 1000.0)))
    new = set(first_cells(more)) - set(first_cells(plan))
    assert new <= set(after) and len(set(before) - set(after)) == len(new) == 2
