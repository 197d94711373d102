"""Searches with budgets: trials that a sampler proposes, rungs that promote the best of them, and a winner.

Synchronous successive halving and Hyperband (edgetune2022, 2.2 and 4.3; Li et al., JMLR 18(185), 2018). Each experiment
has a chain of rounds of its own: no search waits for another one, nor for the landscapes of a study.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType
from typing import Any

from prunescape.analysis.search.budgets import Budgets, Rung
from prunescape.analysis.search.objectives import (
    UNKNOWN,
    Configured,
    Cost,
    Costs,
    Observed,
    check_energy,
    configured,
    floor_of,
    kept_variants,
    price_of,
    rank_key,
    reaches,
)
from prunescape.analysis.search.terms import TPE
from prunescape.analysis.search.tpe import INSTALL_OPTUNA
from prunescape.designs.plan import Axes, Plan
from prunescape.designs.proposals import Proposal, Seen, grid_proposals, proposed
from prunescape.errors import InputError
from prunescape.space.cells import Cell
from prunescape.space.settings import Setting
from prunescape.store.files import read_json
from prunescape.store.stages import TUNING

STAGE = TUNING
DESIGN = "tuning"
MOST_OF_A_GRID = 10_000  # trials
FIELDS = ("round", "last", "experiments", "trials", "winner", "reason")


@dataclass(frozen=True)
class Entry:
    """A trial on a rung of its bracket, all counted from 0, and the cell that is trained for it.

    A trial of tune_v2 has a `configuration` of system parameters, which is no part of the cell: it changes no bit.
    """

    bracket: int
    rung: int
    trial: int
    cell: Cell
    configuration: Configured = ()

    @property
    def proposal(self) -> Proposal:
        """The trial without its budget."""
        return proposal_of(self.cell, self.configuration)


@dataclass(frozen=True)
class Results:
    """What is known of a search with these `terms`: what its cells reached, and what its variants cost."""

    terms: Mapping[str, Any]
    observed: Mapping[Cell, Observed]
    costs: Costs

    def cost(self, cell: Cell) -> Cost:
        """What the variant of a cell costs."""
        return self.costs.get(cell.variant.name, UNKNOWN)

    def price(self, entry: Entry) -> float | None:
        """What an objective that asks for it divides by the accuracy of a trial."""
        return price_of(self.terms, self.cost(entry.cell), entry.cell.setting.values, entry.configuration)

    def floor(self, entries: Iterable[Entry]) -> float | None:
        """The accuracy that these entries of one rung must reach, a share; None where none is asked for."""
        cells = [entry.cell for entry in entries]
        return floor_of(self.terms, [self.observed[cell] for cell in cells], whole=all(map(is_whole, cells)))

    def ranked(self, entries: Iterable[Entry]) -> list[Entry]:
        """Entries of one rung by the objective of the search, the best first; equals in the order of their trials."""
        entries = list(entries)
        floor = self.floor(entries)

        def key(entry: Entry) -> tuple:
            cell, price = entry.cell, self.price(entry)
            return rank_key(self.observed[cell], self.cost(cell), floor, price), entry.bracket, entry.trial

        return sorted(entries, key=key)


@dataclass(frozen=True)
class SearchRound:
    """What one round adds to a search: its `entries`; the `last` has none, and the winner, or the reason for none."""

    experiment: str
    number: int
    entries: list[Entry] = field(default_factory=list)
    last: bool = False
    winner: Cell | None = None
    reason: str = ""

    @property
    def cells(self) -> list[Cell]:
        """Every cell of the round; brackets may share some."""
        return list(dict.fromkeys(entry.cell for entry in self.entries))

    def content(self) -> dict[str, Any]:
        """The round as JSON values, of which `rounds.read_round` reads the cells and `read_search_round` all."""
        step = {"design": DESIGN, "axes": {}, "cells": [cell.content for cell in self.cells]}
        places = {cell: number for number, cell in enumerate(self.cells)}
        trials = [
            [entry.bracket, entry.rung, entry.trial, places[entry.cell], dict(entry.configuration)]
            for entry in self.entries
        ]
        return {
            "round": self.number,
            "last": self.last,
            "experiments": {self.experiment: step},
            "trials": trials,
            "winner": self.winner.content if self.winner else None,
            "reason": self.reason,
        }


def read_search_round(path: Path | str) -> SearchRound:
    """The round in a file that plan_rung wrote; raises InputError when it is missing or damaged."""
    content = read_json(path, *FIELDS)
    ((experiment, step),) = content["experiments"].items()
    cells = [Cell.from_content(cell) for cell in step["cells"]]
    entries = [
        Entry(bracket, rung, trial, cells[place], configured(configuration))
        for bracket, rung, trial, place, configuration in content["trials"]
    ]
    winner = Cell.from_content(content["winner"]) if content["winner"] else None
    return SearchRound(experiment, content["round"], entries, content["last"], winner, content["reason"])


def present_search_rounds(pattern: str) -> list[SearchRound]:
    """The rounds of one search planned so far, in order; `pattern` is the path of a round's file with {round}."""
    rounds: list[SearchRound] = []
    while not (rounds and rounds[-1].last):
        path = Path(pattern.format(round=len(rounds) + 1))
        if not path.exists():
            break
        rounds.append(read_search_round(path))
    return rounds


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
    """How the search of a plan cuts its trainings."""
    budget = plan.tuning["budget"]
    whole = budget["whole"]
    cut = {name: budget[name] for name in ("kind", "min_epochs", "min_share", "growth")}
    return Budgets(**cut, epochs=whole["epochs"], share=whole["data_share"])


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
    """The cell of a proposed variant and setting at a step of the budget; a whole training is the setting's own."""
    epochs, share = budgets_of(plan).at(step)
    whole = plan.tuning["budget"]["whole"]
    cut = {"epochs": epochs, "data_share": share}
    setting = proposal.setting.changed(Setting.of({name: cut[name] for name in cut if cut[name] != whole[name]}))
    (cell,) = plan.at(proposal.variant, setting, plan.seeds[:1])
    return cell


def is_whole(cell: Cell) -> bool:
    """Whether the training of a trial's cell is not cut."""
    return not {"epochs", "data_share"} & dict(cell.setting.texts).keys()


def proposal_of(cell: Cell, configuration: Configured = ()) -> Proposal:
    """The variant and the setting of a trial's cell, without its budget."""
    pairs = tuple(pair for pair in cell.setting.texts if pair[0] not in ("epochs", "data_share"))
    return Proposal(cell.variant.name, Setting(pairs), configuration)


def next_search_round(
    plan: Plan,
    *,
    number: int,
    earlier: Iterable[SearchRound],
    observed: Mapping[Cell, Observed],
    costs: Costs = MappingProxyType({}),
) -> SearchRound:
    """Round `number` of a search, from the rounds before it, what all of their cells reached, and what variants cost.

    Every bracket takes its next step: it proposes trials until it has all of them, then promotes those of its last
    rung. Where that gives no winner, variants without a whole training get one. A bracket of proposals that learn from
    results begins when the one before it has all its trials.
    """
    check_energy(costs, plan.tuning["objective"], plan.tuning["strategy"])
    plan = replace(plan, tuning=plan.tuning | {"variants": kept_variants(plan.tuning, costs)})
    results = Results(plan.tuning, observed, costs)
    had = [entry for planned in earlier for entry in planned.entries]
    entries: list[Entry] = []
    complete = True
    for bracket, rungs in enumerate(brackets_of(plan)):
        own = [entry for entry in had if entry.bracket == bracket]
        begun = sum(entry.rung == 0 for entry in own)
        if begun < rungs[0].trials:
            if complete or plan.tuning["sampler"] != TPE:
                entries += _proposed(plan, bracket, rungs[0], own, had, results)
            complete = False
        else:
            entries += _promoted(plan, bracket, rungs, own, results)
    if entries:
        return SearchRound(plan.experiment, number, entries)
    winner, reason = winner_of(had, results)
    if winner is None and (entries := other_variants(plan, had, results)):
        return SearchRound(plan.experiment, number, entries)
    return SearchRound(plan.experiment, number, last=True, winner=winner, reason=reason)


def _proposed(
    plan: Plan, bracket: int, rung: Rung, own: list[Entry], had: list[Entry], results: Results
) -> list[Entry]:
    """The next trials of a bracket: all of them, or as many as the sampler proposes before it learns."""
    first = len([entry for entry in own if entry.rung == 0])
    seen = [
        Seen(
            entry.proposal,
            entry.bracket,
            entry.trial,
            budget_of(plan, entry.cell),
            results.observed.get(entry.cell),
            results.cost(entry.cell),
            results.price(entry),
        )
        for entry in had
    ]
    drawn = proposed(plan, bracket, first=first, most=rung.trials, seen=seen)
    return [
        Entry(bracket, 0, first + place, trial_cell(plan, each, rung.epochs), each.configuration)
        for place, each in enumerate(drawn)
    ]


def budget_of(plan: Plan, cell: Cell) -> float:
    """Examples that a cell's training goes through, in whole passes of all training data."""
    values, whole = cell.setting.values, plan.tuning["budget"]["whole"]
    return float(values.get("epochs", whole["epochs"])) * float(values.get("data_share", whole["data_share"]))


def other_variants(plan: Plan, had: Iterable[Entry], results: Results) -> list[Entry]:
    """Whole trainings where no winner was found: of each variant that has none, of its best trial.

    A fast variant that keeps the floor of cut budgets takes the places of slower ones, and may miss the floor with a
    whole training. The best trial of a variant is the most accurate one of those with its largest budget.
    """
    had = list(had)
    whole = {entry.cell.variant.name for entry in had if is_whole(entry.cell)}
    left = [entry for entry in had if not results.observed[entry.cell].diverged]
    left.sort(key=lambda entry: (budget_of(plan, entry.cell), results.observed[entry.cell].accuracy, -entry.trial))
    best = {entry.cell.variant.name: entry for entry in left if entry.cell.variant.name not in whole}
    last, brackets = budgets_of(plan).last, brackets_of(plan)
    return [
        replace(entry, rung=len(brackets[entry.bracket]) - 1, cell=trial_cell(plan, entry.proposal, last))
        for entry in sorted(best.values(), key=lambda entry: (entry.bracket, entry.trial))
    ]


def _promoted(plan: Plan, bracket: int, rungs: list[Rung], own: list[Entry], results: Results) -> list[Entry]:
    """The best trials of the bracket's last rung on its next one; none after the last."""
    reached = max(entry.rung for entry in own)
    if reached + 1 == len(rungs):
        return []
    following = rungs[reached + 1]
    ranked = results.ranked([entry for entry in own if entry.rung == reached])
    chosen = sorted(ranked[: following.trials], key=lambda entry: entry.trial)
    return [
        replace(entry, rung=reached + 1, cell=trial_cell(plan, entry.proposal, following.epochs)) for entry in chosen
    ]


def winner_of(entries: Iterable[Entry], results: Results) -> tuple[Cell | None, str]:
    """The best cell at full budget, or None and why there is none: all diverged, or none reaches the accuracy floor."""
    whole = [entry for entry in entries if is_whole(entry.cell)]
    best = next(iter(results.ranked(whole)), None)
    if best is None or results.observed[best.cell].diverged:
        return None, "every training at full budget diverged"
    observed = results.observed[best.cell]
    if reaches(observed, results.floor(whole)):
        return best.cell, ""
    nearest = f"{best.cell.variant.name} at {best.cell.setting}, with {100 * observed.accuracy:.2f} %"
    what = f"no training at full budget reached {results.terms['accuracy_floor']:g} % of the validation examples"
    return None, f"{what}; nearest came {nearest}"
