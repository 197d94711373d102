"""The files of one cell's training, and the record of what it reached."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from prunescape.space.cells import Cell
from prunescape.store.records import DIVERGED, OK, pack_bits

if TYPE_CHECKING:
    from prunescape.tasks.contract import Task, Tested
    from prunescape.training.loop import Outcome


@dataclass(frozen=True)
class CellFiles:
    """The paths that the training of a cell reads and writes.

    `shared` (JSON, see declare_experiment) holds the recipe and the training code's digest, `widths` the plan of the
    variant, `identity` and `data` the prepared data set. In `checkpoint` an interrupted training left its state; the
    next one goes on from there, to the same result. `folder` holds the images of an image folder: it changes no result.
    `start` holds the weights that the variant inherits, where its pipeline says so.
    """

    shared: str
    identity: str
    widths: str
    data: str
    record: str
    weights: str
    checkpoint: str
    folder: str | None = None
    start: str | None = None


def cell_record(
    cell: Cell, outcome: Outcome, *, task: Task, widths: dict[str, Any], identity: dict[str, Any]
) -> dict[str, Any]:
    """What `cell` is and what it reached; `widths` is its variant's plan, `identity` that of its data set."""
    last = outcome.history[-1]
    tested = (None, None) if outcome.diverged else (outcome.test, outcome.validation)
    return {
        "experiment": cell.experiment,
        "model": widths["model"],
        "dataset": identity["dataset"],
        "variant": cell.variant.name,
        "method": cell.variant.method,
        "ratio": float(cell.variant.ratio or 1),
        "ratio_achieved": widths["ratio_achieved"],
        "network": widths.get("network", {}),
        "setting": cell.setting.values,
        "seed": cell.seed,
        "status": DIVERGED if outcome.diverged else OK,
        **task.scores(identity, *tested),
        "loss": last["test_loss"] if outcome.float_test is None else finite_or_none(outcome.test.loss),
        **_float_scores(None if outcome.diverged else outcome.float_test),
        "train_loss": last["train_loss"],
        "train_top1": last["train_top1"],
        "best_epoch": best_epoch(outcome.history),
        "epochs_trained": len(outcome.history),
        "flops": widths["flops"],
        "parameters": widths["parameters"],
        "images_per_second": identity["train"] * len(outcome.seconds) / sum(outcome.seconds),
        "history": outcome.history,
        "epoch_seconds": outcome.seconds,
    }


def _float_scores(tested: Tested | None) -> dict[str, Any]:
    """Correct test examples in floating point, and which, of a cell that scores in int8; else None."""
    if tested is None:
        return {"float_correct": None, "float_correct_bits": None}
    return {"float_correct": int(tested.correct.sum()), "float_correct_bits": pack_bits(tested.correct)}


def finite_or_none(value: float) -> float | None:
    """JSON has no NaN and no infinity: None stands for both."""
    return value if math.isfinite(value) else None


def best_epoch(history: list[dict[str, Any]]) -> int | None:
    """The first epoch, counted from 1, with the most correct test examples: stored, never used (3.1.1)."""
    tested = [entry for entry in history if entry["correct"] is not None]
    return max(tested, key=lambda entry: entry["correct"])["epoch"] if tested else None
