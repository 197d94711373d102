"""What a search looks for: how trials on one rung are ranked, from what their cells reached."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prunescape.space.cells import Cell
from prunescape.store.files import read_json
from prunescape.store.records import DIVERGED

NEEDED = ("experiment", "variant", "setting", "seed", "status", "val_correct", "val_tested")


@dataclass(frozen=True)
class Observed:
    """What the training of a cell reached: no wall time, so that a repeated training decides the same."""

    diverged: bool
    correct: int
    tested: int

    @property
    def accuracy(self) -> float:
        """Share of the validation examples that are right; 0 where the training diverged."""
        return 0.0 if self.diverged else self.correct / self.tested


def observe(record: Path | str) -> tuple[Cell, Observed]:
    """The cell of a record and what it reached; raises InputError for a record that is damaged or lacks a field."""
    content = read_json(record, *NEEDED)
    diverged = content["status"] == DIVERGED
    return Cell.from_content(content), Observed(diverged, content["val_correct"] or 0, content["val_tested"] or 1)


def rank_key(terms: Mapping[str, Any], observed: Observed) -> tuple[float, ...]:
    """What trials are sorted by, the best first: a training that diverged comes last."""
    return float(observed.diverged), -observed.accuracy
