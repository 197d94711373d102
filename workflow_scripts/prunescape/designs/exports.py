"""Which trials are exported: the best settings of each arm and variant over all networks, with the first seed.

A design over hyperparameters of the network trains hundreds of networks. Only those that hold a chosen cell are
exported, so the choice is made once, from all trials, before any export.
"""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from prunescape.designs.plan import Plan
from prunescape.designs.trials import first_cells, plan_trials, trial_rows
from prunescape.space.cells import Cell
from prunescape.store.files import read_json
from prunescape.store.records import OK

Exports = dict[str, dict[str, list[str]]]  # by experiment and by `Cell.variant_path`: paths of the chosen cells


def chosen_cells(plan: Plan, cells: pd.DataFrame) -> list[Cell]:
    """The cells of ONE experiment to export, in the order of its trials.

    They are of the settings that the table `best_settings` has (mean of `rank_by` over seeds, diverged ones last), and
    a diverged cell is never among them. `cells` are those of all its trials, as `cells_frame` gives them.
    """
    from prunescape.analysis.study_tables import trials_frame
    from prunescape.analysis.trials import best_settings, trial_cells

    trials = trials_frame(trial_rows({plan.experiment: plan}))
    best = best_settings(trial_cells(cells, trials), trials, {plan.experiment: plan.trials})
    settings = {trial.name: trial.setting for trial in plan_trials(plan)}
    chosen = {(row.variant, settings[row.setting]) for row in best.itertuples()}
    finished = cells[(cells["status"] == OK) & (cells["seed"] == plan.seeds[0])]
    found = trial_cells(finished, trials)[["variant", "setting"]].itertuples(index=False, name=None)
    chosen &= {(variant, settings[setting]) for variant, setting in found}
    return [c for c in first_cells(plan) if c.seed == plan.seeds[0] and (c.variant.name, c.setting) in chosen]


def study_exports(plans: Mapping[str, Plan], cells: pd.DataFrame) -> Exports:
    """The cells to export of every experiment with trials."""
    found: Exports = {name: {} for name in sorted(plans)}
    for name, folders in found.items():
        for cell in chosen_cells(plans[name], cells[cells["experiment"] == name]):
            folders.setdefault(cell.variant_path, []).append(cell.path)
    return found


def read_exports(path: Path | str) -> Exports:
    """The choice in a file that choose_exports wrote; raises InputError when it is missing or damaged."""
    return read_json(path, "experiments")["experiments"]
