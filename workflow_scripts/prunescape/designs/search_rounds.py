"""The rounds of a search with budgets, as files: which trials a round trains, and how a search ended."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from prunescape.analysis.search.objectives import Configured, configured
from prunescape.designs.proposals import Proposal, proposal_of
from prunescape.space.cells import Cell
from prunescape.store.files import read_json

DESIGN = "tuning"
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
class SearchRound:
    """What one round adds to a search: its `entries`. After the `last` one of a bracket none of that bracket follows.

    The last decision of a search has no entries, but the winner, or the reason for none.
    """

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

    @property
    def ends_search(self) -> bool:
        """Whether no round of the search follows."""
        return self.last and not self.entries

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
    """The round in a file that plan_rung or choose_winner wrote; raises InputError when it is missing or damaged."""
    content = read_json(path, *FIELDS)
    ((experiment, step),) = content["experiments"].items()
    cells = [Cell.from_content(cell) for cell in step["cells"]]
    entries = [
        Entry(bracket, rung, trial, cells[place], configured(configuration))
        for bracket, rung, trial, place, configuration in content["trials"]
    ]
    winner = Cell.from_content(content["winner"]) if content["winner"] else None
    return SearchRound(experiment, content["round"], entries, content["last"], winner, content["reason"])


def entries_of(rounds: Iterable[SearchRound]) -> list[Entry]:
    """The entries of these rounds, in order."""
    return [entry for planned in rounds for entry in planned.entries]


def left_behind(entries: Iterable[Entry]) -> set[Cell]:
    """The whole trainings whose beginnings no later rung goes on with: their bracket has come further without them."""
    entries, reached = list(entries), {}
    for entry in entries:
        reached[entry.bracket] = max(entry.rung, reached.get(entry.bracket, 0))
    going_on = {entry.cell.whole for entry in entries if entry.rung == reached[entry.bracket]}
    return {entry.cell.whole for entry in entries if entry.cell.setting.stop} - going_on
