"""What all tasks with one class per example share: tests by cross-entropy, top-1 and top-5, and scores of a record."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from prunescape.store.records import TOP5_CLASSES, pack_bits
from prunescape.tasks.contract import Split, Tested

TEST_BATCH = 1024


class Classification:
    """A Task (tasks/contract.py) but for its `open_splits`, its `inputs` and their `stack_dim`.

    `data` is a prepared data set, of which `classes` is needed here.
    """

    data: Any
    device: torch.device

    def inputs(self, examples: Tensor) -> Tensor:
        """What a network takes for stored examples."""
        raise NotImplementedError

    @torch.inference_mode()
    def test(self, network: nn.Module, split: Split, *, between_batches: Callable[[], None] = lambda: None) -> Tested:
        """Mean cross-entropy, and which examples of `split` are right: top-1 and, with enough classes, top-5."""
        network.eval()
        losses, top1, top5 = [], [], []
        for examples, labels in split.in_order(TEST_BATCH):
            logits = network(self.inputs(examples))
            losses.append(functional.cross_entropy(logits, labels, reduction="sum").double())
            top1.append(logits.argmax(1) == labels)
            if self.data.classes >= TOP5_CLASSES:
                top5.append((logits.topk(5).indices == labels[:, None]).any(1))
            between_batches()
        correct = torch.cat(top1).cpu()
        loss = torch.stack(losses).sum().item() / len(correct)
        return Tested(loss, correct, torch.cat(top5).cpu() if top5 else None)

    def scores(self, identity: dict[str, Any], test: Tested | None, validation: Tested | None) -> dict[str, Any]:
        """Counts and percentages of both splits; a diverged training scores as guessing does, without counts."""
        classes, held_out = self.data.classes, identity.get("validation")
        validated = dict.fromkeys(("correct", "top1", "top5"))
        if held_out is not None:
            validated = _percentages(validation, held_out, classes)
        return {
            "classes": classes,
            "tested": identity["test"],
            **_percentages(test, identity["test"], classes),
            "correct_bits": "" if test is None else pack_bits(test.correct),
            "val_tested": held_out,
            **{f"val_{name}": validated[name] for name in ("correct", "top1", "top5")},
        }


def _percentages(tested: Tested | None, examples: int, classes: int) -> dict[str, Any]:
    """Counts and percent of a split of `examples`; for None 100 / classes percent (METHODS, diverged cell)."""
    counts = None if tested is None else int(tested.correct.sum())
    top5_counts = None if tested is None or tested.correct_top5 is None else int(tested.correct_top5.sum())
    chance = 500 / classes if classes >= TOP5_CLASSES else None
    return {
        "correct": counts,
        "top1": 100 / classes if counts is None else 100 * counts / examples,
        "correct_top5": top5_counts,
        "top5": chance if top5_counts is None else 100 * top5_counts / examples,
    }
