"""The rounds of a study that read results before they add cells, and each cell's place in the design. Needs nothing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from prunescape.space.cells import Cell, Variant, canonical
from prunescape.store.files import read_json
from prunescape.store.records import GRID, PILOT

ROUND = ("round", "last", "axes", "cells")


@dataclass(frozen=True)
class Round:
    """What one round adds to a study, as plan_round decided from the cells that were there.

    `axes` holds for each experiment the grid's values after this round, canonical text by axis; `cells` the added cells
    by stage, those of `replicate` with all fresh seeds of a kept point. After the `last` round nothing follows.
    """

    number: int
    last: bool
    axes: dict[str, dict[str, list[str]]]
    cells: dict[str, list[Cell]] = field(default_factory=dict)

    @property
    def all_cells(self) -> list[Cell]:
        """Every cell of the round, in a fixed order."""
        return [cell for stage in sorted(self.cells) for cell in self.cells[stage]]

    def content(self) -> dict[str, Any]:
        """The round as JSON values; `read_round` is the inverse."""
        cells = {stage: [cell.path for cell in cells] for stage, cells in self.cells.items()}
        return {"round": self.number, "last": self.last, "axes": self.axes, "cells": cells}


def read_round(path: Path | str) -> Round:
    """The round in a file that plan_round wrote; raises InputError when it is missing or damaged."""
    content = read_json(path, *ROUND)
    cells = {stage: [Cell.parse(cell) for cell in paths] for stage, paths in content["cells"].items()}
    return Round(content["round"], content["last"], content["axes"], cells)


def present_rounds(paths: Iterable[Path | str]) -> list[Round]:
    """The rounds planned so far, in order: up to the last one, or to the first of `paths` that is missing."""
    rounds: list[Round] = []
    for path in paths:
        if not Path(path).exists() or (rounds and rounds[-1].last):
            break
        rounds.append(read_round(path))
    return rounds


class Places:
    """Where every cell of a study stands in its design.

    `experiments` holds each one's `seeds` of the grid and the split it is to `select_on`; `rounds` are those planned.
    """

    def __init__(self, experiments: dict[str, dict[str, Any]], rounds: Iterable[Round]) -> None:
        self.experiments = experiments
        self.planned = {
            cell: (stage, step.number) for step in rounds for stage, cells in step.cells.items() for cell in cells
        }

    def of(self, record: dict[str, Any]) -> dict[str, Any]:
        """stage, round and select_on of the cell that `record` describes. Raises KeyError for one without a field."""
        setting = (canonical(record[name]) for name in ("log10_lr", "log10_wd"))
        cell = Cell(record["experiment"], Variant.parse(record["variant"]), *setting, record["seed"])
        experiment = self.experiments[cell.experiment]
        first = GRID if cell.seed in experiment["seeds"] else PILOT
        stage, number = self.planned.get(cell, (first, 0))
        return {"stage": stage, "round": number, "select_on": experiment["select_on"]}
