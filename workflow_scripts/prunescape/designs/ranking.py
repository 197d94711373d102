"""Rankings: the base at the default training, of every network whose filters are ranked and that no trial trains so.

Filters of nonuniform variants are ranked by the weights of a trained base (matthiesen2023, 2.2.3). In a space with
hyperparameters of the network each network has its own; these cells are no trials, and no table of results reads them.
Nor does any read the bases that only fresh seeds inherit from, where each seed has its own.
"""

from collections.abc import Iterable, Mapping

import pandas as pd

from prunescape.config.experiment import RANKING_SEED
from prunescape.designs import trials
from prunescape.designs.plan import Axes, Plan
from prunescape.designs.trials import plan_trials
from prunescape.space.cells import Cell
from prunescape.space.settings import Setting
from prunescape.space.variants import BASE
from prunescape.store.stages import RANKING

STAGE = RANKING


def first_cells(plan: Plan) -> list[Cell]:
    """One cell of each network of the trials, in their order; none where no trained filters are ranked.

    A search has one: its trials may never train the default setting to the end.
    """
    if plan.tuning is not None and plan.tuning["ranked"]:
        return plan.at(BASE.name, Setting.of(plan.prior), [RANKING_SEED])
    if plan.trials is None or not plan.trials["ranked"]:
        return []
    settings = [trial.setting for trial in plan_trials(plan)]
    default = settings[0].training
    wanted = dict.fromkeys(default.changed(setting.network) for setting in settings)
    there = set(trials.first_cells(plan))
    return [cell for each in wanted for cell in plan.at(BASE.name, each, [RANKING_SEED]) if cell not in there]


def inherited_bases(plans: Mapping[str, Plan], cells: Iterable[Cell]) -> list[Cell]:
    """The bases from whose trained weights `cells` start, each once, where a plan has a base for each seed."""
    priors = {name: Setting.of(plan.prior) for name, plan in plans.items() if plan.bases_per_seed}
    inheriting = [cell for cell in cells if cell.experiment in priors and cell.variant.inherits_trained]
    wanted = dict.fromkeys((cell.experiment, cell.setting.network, cell.seed) for cell in inheriting)
    return [Cell(name, BASE, priors[name].changed(network), seed) for name, network, seed in wanted]


def most_rounds(plan: Plan) -> int:
    """No result decides on a ranking."""
    return 0


def next_cells(plan: Plan, axes: Axes, cells: pd.DataFrame) -> tuple[list[Cell], Axes]:
    """None."""
    return [], axes
