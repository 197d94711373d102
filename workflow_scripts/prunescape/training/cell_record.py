"""The record of one trained cell, as strict JSON values. Needs what the training gave, and numpy through records."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from prunescape.space.cells import Cell
from prunescape.store.records import DIVERGED, OK, TOP5_CLASSES, pack_bits

if TYPE_CHECKING:
    from prunescape.training.loop import Outcome


def cell_record(cell: Cell, outcome: Outcome, *, widths: dict[str, Any], identity: dict[str, Any]) -> dict[str, Any]:
    """What `cell` is and what it reached; `widths` is its variant's plan, `identity` that of its data set.

    A diverged cell scores exactly as guessing does, 100 / classes percent, and has no counts (METHODS, diverged cell).
    """
    trained, tested, classes = identity["train"], identity["test"], identity["classes"]
    last, top5 = outcome.history[-1], classes >= TOP5_CLASSES
    return {
        "experiment": cell.experiment,
        "model": widths["model"],
        "dataset": identity["dataset"],
        "variant": cell.variant.name,
        "method": cell.variant.method,
        "ratio": float(cell.variant.ratio or 1),
        "ratio_achieved": widths["ratio_achieved"],
        "log10_lr": float(cell.log10_lr),
        "log10_wd": float(cell.log10_wd),
        "seed": cell.seed,
        "status": DIVERGED if outcome.diverged else OK,
        "classes": classes,
        "tested": tested,
        **_score("1", outcome.correct, outcome.diverged, tested, 100 / classes),
        **_score("5", outcome.correct_top5, outcome.diverged, tested, 500 / classes if top5 else None),
        **_validation(outcome, identity.get("validation"), classes),
        "loss": last["test_loss"],
        "train_loss": last["train_loss"],
        "train_top1": last["train_top1"],
        "best_epoch": best_epoch(outcome.history),
        "epochs": len(outcome.history),
        "flops": widths["flops"],
        "parameters": widths["parameters"],
        "images_per_second": trained * len(outcome.seconds) / sum(outcome.seconds),
        "correct_bits": "" if outcome.diverged else pack_bits(outcome.correct),
        "history": outcome.history,
        "epoch_seconds": outcome.seconds,
    }


def _validation(outcome: Outcome, tested: int | None, classes: int) -> dict[str, Any]:
    """The score on the validation split of `tested` images; all null without one."""
    if tested is None:
        return dict.fromkeys(("val_correct", "val_tested", "val_top1", "val_top5"))
    chance = 500 / classes if classes >= TOP5_CLASSES else None
    top1 = _score("1", outcome.val_correct, outcome.diverged, tested, 100 / classes)
    top5 = _score("5", outcome.val_correct_top5, outcome.diverged, tested, chance)
    return {
        "val_correct": top1["correct"],
        "val_tested": tested,
        "val_top1": top1["top1"],
        "val_top5": top5["top5"],
    }


def _score(top: str, correct, diverged: bool, tested: int, guessing: float | None) -> dict[str, Any]:
    """The count and the percent of one metric; `correct` is (n_test,) booleans or None."""
    count = None if diverged or correct is None else int(correct.sum())
    percent = guessing if count is None else 100 * count / tested
    return {"correct" if top == "1" else f"correct_top{top}": count, f"top{top}": percent}


def best_epoch(history: list[dict[str, Any]]) -> int | None:
    """The first epoch, counted from 1, with the most correct test images: stored, never used (3.1.1)."""
    tested = [entry for entry in history if entry["correct"] is not None]
    return max(tested, key=lambda entry: entry["correct"])["epoch"] if tested else None
