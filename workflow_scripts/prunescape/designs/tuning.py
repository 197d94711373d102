"""Searches with budgets as a design: what can be searched, the rungs of its brackets, and the cells of its trials.

Synchronous successive halving and Hyperband (edgetune2022, 2.2 and 4.3; Li et al., JMLR 18(185), 2018). Each bracket of
a search has a chain of rounds of its own (brackets.py), and the search a decision at its end (winner.py): no bracket
waits for another one, no search for another, nor for the landscapes of a study.
"""

from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any

from prunescape.analysis.search.budgets import Budgets, Rung, passes_of, whole_training
from prunescape.analysis.search.terms import TPE, WHOLE
from prunescape.analysis.search.tpe import INSTALL_OPTUNA
from prunescape.designs.plan import Axes, Plan
from prunescape.designs.proposals import CUT, Proposal, grid_proposals
from prunescape.errors import InputError
from prunescape.space.cells import Cell
from prunescape.space.recipe import STOP
from prunescape.space.settings import Setting
from prunescape.store.stages import TUNING

STAGE = TUNING
MOST_OF_A_GRID = 10_000  # trials


# As a design, a search adds nothing to the rounds of the study: its own rounds have all of its cells.


def first_cells(plan: Plan) -> list[Cell]:
    """None: they stand in the search's first round."""
    return []


def most_rounds(plan: Plan) -> int:
    """None of the study's."""
    return 0


def next_cells(plan: Plan, axes: Axes, cells: Any) -> tuple[list[Cell], Axes]:
    """None."""
    return [], axes


def check_searches(plans: Mapping[str, Plan], source: str) -> None:
    """Raise InputError for a search of a study, read from `source`, with too few rungs or settings, or no sampler."""
    for name, plan in plans.items():
        where = f"{source}: experiments.{name}.tune"
        if plan.tuning["sampler"] == TPE and find_spec("optuna") is None:
            what, hint = "tpe needs optuna, which is not installed", f"{INSTALL_OPTUNA}, or sampler: random"
            raise InputError(what, where=f"{where}.sampler", hint=hint)
        _check_trials(plan, f"{where}.trials")
        try:
            brackets_of(plan)
        except InputError as error:
            raise InputError(error.what, where=f"{where}.brackets", allowed=error.allowed, hint=error.hint) from None


def _check_trials(plan: Plan, where: str) -> None:
    trials = plan.tuning["trials"]
    found = len(grid_proposals(plan, (trials or MOST_OF_A_GRID) + 1))
    if trials is None and found > MOST_OF_A_GRID:
        what, allowed = "this grid has too many combinations", f"up to {MOST_OF_A_GRID}"
        raise InputError(what, where=where.replace("trials", "space"), allowed=allowed, hint="sampler: random")
    if trials is not None and found < trials:
        what = f"{trials} trials are asked for, and the space has {found} different settings"
        raise InputError(what, where=where, allowed=f"1 to {found}", hint="ask for fewer, or add levels")


def budgets_of(plan: Plan) -> Budgets:
    """How the search of a plan cuts its trainings: the longest; those that are shorter are whole on an earlier rung."""
    budget = plan.tuning["budget"]
    whole = budget["whole"]
    cut = {name: budget[name] for name in ("kind", "min_epochs", "min_share", "growth")}
    return Budgets(**cut, epochs=max(whole["epochs"].values()), share=whole["data_share"])


def brackets_of(plan: Plan) -> list[list[Rung]]:
    """The rungs of every bracket of a search; raises InputError for more brackets than its budget has."""
    terms = plan.tuning
    trials = terms["trials"] or len(grid_proposals(plan))
    return budgets_of(plan).brackets(trials, eta=terms["eta"], count=terms["brackets"])


def parts_of_rungs(plan: Plan) -> list[float]:
    """Every share of the training data that some rung has."""
    budgets = budgets_of(plan)
    return sorted({budgets.at(rung.epochs)[1] for rungs in brackets_of(plan) for rung in rungs})


def trial_cell(plan: Plan, proposal: Proposal, step: int) -> Cell:
    """The cell of a proposed variant and setting at a step of the budget; a whole training is the setting's own.

    Where the schedule is that of the whole training, a cut one is its beginning.
    """
    epochs, share = budgets_of(plan).at(step)
    budget, cut = plan.tuning["budget"], {"epochs": epochs, "data_share": share}
    whole = whole_training(budget, proposal.variant)
    cut = {name: value for name, value in cut.items() if value < whole[name]}
    if budget["schedule"] == WHOLE and cut:
        cut = {STOP: epochs}
    setting = proposal.setting.changed(Setting.of(cut))
    (cell,) = plan.at(proposal.variant, setting, plan.seeds[:1])
    return cell


def is_whole(cell: Cell) -> bool:
    """Whether the training of a trial's cell is not cut."""
    return not set(CUT) & dict(cell.setting.texts).keys()


def budget_of(plan: Plan, cell: Cell) -> float:
    """Examples that a cell's training goes through, in whole passes of all training data."""
    return passes_of(plan.tuning["budget"], cell.variant.name, cell.setting.values)
