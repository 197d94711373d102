"""Fresh seeds at the best settings of every variant, after all trials: what was chosen by luck shows.

The winner and the runners-up train again with other seeds (burmester2023, 2.7, repeats one seed; decided otherwise).
"""

import pandas as pd

from prunescape.designs.plan import Axes, Plan
from prunescape.designs.trials import plan_trials, trial_rows
from prunescape.space.cells import Cell
from prunescape.store.records import CONFIRMATION

STAGE = CONFIRMATION


def first_cells(plan: Plan) -> list[Cell]:
    """None: results decide."""
    return []


def most_rounds(plan: Plan) -> int:
    """One, where a confirmation is asked for."""
    return 1 if plan.trials is not None and plan.trials["confirm"] else 0


def next_cells(plan: Plan, axes: Axes, cells: pd.DataFrame) -> tuple[list[Cell], Axes]:
    """Each of the first settings of every variant with every fresh seed, seed by seed."""
    from prunescape.analysis.study_tables import trials_frame
    from prunescape.analysis.trials import best_of_variants

    trials = trials_frame(trial_rows({plan.experiment: plan}))
    best = best_of_variants(cells[cells["experiment"] == plan.experiment], trials, plan.trials)
    best = best[(best["place"] <= plan.trials["confirm"]["first"]) & best["score"].notna()]
    settings = {trial.name: trial.setting for trial in plan_trials(plan)}
    chosen = [(row.variant, settings[row.setting]) for row in best.itertuples()]
    added = [plan.at(variant, each, [seed]) for seed in fresh_seeds(plan) for variant, each in chosen]
    return [cell for cells_of_one in added for cell in cells_of_one], axes


def fresh_seeds(plan: Plan) -> list[int]:
    """The seeds of the confirmation: the next ones after those of the trials, and after that of the default setting."""
    first = max(0, *plan.seeds) + 1
    return list(range(first, first + plan.trials["confirm"]["seeds"]))
