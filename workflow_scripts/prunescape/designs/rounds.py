"""The rounds of a study: cells that finished cells decide on, as the union over its experiments."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from prunescape.designs import adaptive, confirmation, extension, ranking, replicates, trials, tuning
from prunescape.designs.plan import Axes, Design, Plan, experiment_plan
from prunescape.space.cells import Cell, grid_settings
from prunescape.space.networks import NETWORK
from prunescape.space.settings import Setting
from prunescape.store.files import read_json
from prunescape.store.records import GRID, PILOT, TRIAL

if TYPE_CHECKING:
    from prunescape.config.study import Study

# in the order in which an experiment has them: each ends before the next one begins
DESIGNS: dict[str, Design] = {
    "extension": extension,
    "adaptive": adaptive,
    "replicates": replicates,
    "trials": trials,
    "ranking": ranking,
    "confirmation": confirmation,
    "tuning": tuning,  # its cells stand in rounds of their own (designs/brackets.py)
}
FIELDS = ("round", "last", "experiments")


@dataclass(frozen=True)
class Step:
    """What one round adds to one experiment: the `design` that asks for the cells, and the grid's axes afterwards."""

    design: str
    axes: Axes
    cells: list[Cell]

    @property
    def stage(self) -> str:
        """What the added cells are in their landscape."""
        return DESIGNS[self.design].STAGE


@dataclass(frozen=True)
class Round:
    """What one round adds to a study, by experiment; those that add nothing have no step.

    After the `last` round none follows.
    """

    number: int
    last: bool
    steps: dict[str, Step] = field(default_factory=dict)

    @property
    def cells(self) -> list[Cell]:
        """Every cell of the round, in a fixed order."""
        return [cell for _, step in sorted(self.steps.items()) for cell in step.cells]

    def content(self) -> dict[str, Any]:
        """The round as JSON values; `read_round` is the inverse."""
        steps = {
            name: {"design": step.design, "axes": step.axes, "cells": [cell.content for cell in step.cells]}
            for name, step in self.steps.items()
        }
        return {"round": self.number, "last": self.last, "experiments": steps}


def read_round(path: Path | str) -> Round:
    """The round in a file that plan_round wrote; raises InputError when it is missing or damaged."""
    content = read_json(path, *FIELDS)
    steps = {
        name: Step(step["design"], step["axes"], [Cell.from_content(cell) for cell in step["cells"]])
        for name, step in content["experiments"].items()
    }
    return Round(content["round"], content["last"], steps)


def present_rounds(pattern: str) -> list[Round]:
    """The rounds planned so far, in order: up to the last one, or to the first that is missing.

    `pattern` is the path of a round's file with {round} for its number.
    """
    rounds: list[Round] = []
    while not (rounds and rounds[-1].last):
        path = Path(pattern.format(round=len(rounds) + 1))
        if not path.exists():
            break
        rounds.append(read_round(path))
    return rounds


def study_plans(study: Study, source: str) -> dict[str, Plan]:
    """The plan of every experiment of a study that was read from `source`.

    Raises InputError for a share of a grid from which the rest cannot be inferred.
    """
    plans = {name: experiment_plan(study, name) for name in sorted(study.experiments)}
    for name, plan in plans.items():
        if plan.most_settings is not None:
            adaptive.check_share(plan, f"{source}: experiments.{name}.design")
    return plans


def first_cells(plans: Mapping[str, Plan]) -> list[Cell]:
    """Every cell that no result decides on: grids or the first cells of landscapes, pilots, trials, in order."""
    ordered = [plan for _, plan in sorted(plans.items())]
    return [cell for plan in ordered for design in DESIGNS.values() for cell in design.first_cells(plan)]


def candidate_cells(plan: Plan, rounds: Iterable[Round]) -> list[Cell]:
    """The cells among which the best are chosen: landscapes, as far as `rounds` added to them, or trials.

    Fresh seeds are not among them.
    """
    stages = (GRID, TRIAL)
    first = [cell for design in DESIGNS.values() if design.STAGE in stages for cell in design.first_cells(plan)]
    steps = [planned.steps[plan.experiment] for planned in rounds if plan.experiment in planned.steps]
    return [*first, *(cell for step in steps if step.stage in stages for cell in step.cells)]


def planned_networks(plans: Mapping[str, Plan], first: Iterable[Cell]) -> dict[str, dict[str, Setting]]:
    """The networks of every experiment, those of its `first` cells and of its grid, by their name in paths.

    One without hyperparameters of its own has an empty name: the network that the experiment declares.
    """
    found: dict[str, dict[str, Setting]] = {name: {} for name in sorted(plans)}
    for name, networks in found.items():
        axes = {axis: texts for axis, texts in plans[name].axes.items() if axis in NETWORK}
        networks.update((setting.network_path, setting) for setting in grid_settings(axes) if plans[name].axes)
    for experiment, setting in dict.fromkeys((cell.experiment, cell.setting) for cell in first):
        found[experiment].setdefault(setting.network_path, setting.network)
    return found


def have_rounds(plans: Mapping[str, Plan]) -> bool:
    """Whether any round follows the first cells."""
    return any(design.most_rounds(plan) for plan in plans.values() for design in DESIGNS.values())


def next_round(plans: Mapping[str, Plan], *, number: int, cells: pd.DataFrame, earlier: list[Round]) -> Round:
    """Round `number`: of each experiment, what its first design that is not done asks for.

    `cells` are all finished cells of the study as `checked_cells` gives them.
    """
    steps, all_done = {}, True
    for name, plan in sorted(plans.items()):
        step, done = _step(plan, earlier, cells)
        all_done &= done
        if step:
            steps[name] = step
    return Round(number, all_done, steps)


def _step(plan: Plan, earlier: Iterable[Round], cells: pd.DataFrame) -> tuple[Step | None, bool]:
    """What one experiment adds after the `earlier` rounds, and whether it will add nothing more after that."""
    had = [planned.steps[plan.experiment] for planned in earlier if plan.experiment in planned.steps]
    axes, latest = (had[-1].axes, had[-1].design) if had else (plan.axes, "")
    names = [name for name, design in DESIGNS.items() if design.most_rounds(plan)]
    for name in names[names.index(latest) if had else 0 :]:
        left = DESIGNS[name].most_rounds(plan) - sum(step.design == name for step in had)
        added, after = DESIGNS[name].next_cells(plan, axes, cells) if left > 0 else ([], axes)
        if added:
            return Step(name, after, added), left == 1 and name == names[-1]
    return None, True


def bases_of_rounds(plans: Mapping[str, Plan], rounds: Iterable[Round]) -> dict[Cell, tuple[str, int]]:
    """Stage and round of the bases that cells inherit from, but for first cells: the first round that asks for each."""
    first = dict.fromkeys(first_cells({name: plan for name, plan in plans.items() if plan.bases_per_seed}))
    found: dict[Cell, tuple[str, int]] = {}
    for number, cells in [(0, first), *((planned.number, planned.cells) for planned in rounds)]:
        for base in ranking.inherited_bases(plans, cells):
            found.setdefault(base, (ranking.STAGE, number))
    return {base: place for base, place in found.items() if base not in first}


class Places:
    """Where every cell of a study stands in its design; `rounds` are those planned."""

    def __init__(self, plans: Mapping[str, Plan], rounds: Iterable[Round]) -> None:
        self.plans, rounds = plans, list(rounds)
        rankings = [cell for plan in plans.values() for cell in ranking.first_cells(plan)]
        self.planned = dict.fromkeys(rankings, (ranking.STAGE, 0)) | bases_of_rounds(plans, rounds)
        self.planned |= {
            cell: (step.stage, planned.number)
            for planned in rounds
            for step in planned.steps.values()
            for cell in step.cells
        }

    def of(self, record: Mapping[str, Any]) -> dict[str, Any]:
        """stage, round and select_on of the cell that `record` describes. Raises KeyError for one without a field."""
        cell = Cell.from_content(record)
        plan = self.plans[cell.experiment]
        grid = GRID if cell.seed in plan.seeds else PILOT
        stage, number = self.planned.get(cell, (grid if plan.trials is None else TRIAL, 0))
        return {"stage": stage, "round": number, "select_on": plan.select_on}
