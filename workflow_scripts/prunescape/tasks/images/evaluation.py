"""Testing a network on one split: its loss, and which images it gets right. Needs torch."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional

from prunescape.store.records import TOP5_CLASSES
from prunescape.tasks.images.splits import InMemory, Normaliser

if TYPE_CHECKING:
    from prunescape.tasks.images.streaming import Streamed

TEST_BATCH = 1024


@torch.inference_mode()
def evaluate(
    network: nn.Module,
    split: InMemory | Streamed,
    normalise: Normaliser,
    classes: int,
    *,
    between_batches: Callable[[], None] = lambda: None,
) -> tuple[float, Tensor, Tensor | None]:
    """Mean cross-entropy and per-image correctness, top-1 and (with TOP5_CLASSES or more) top-5, on one split."""
    network.eval()
    losses, top1, top5 = [], [], []
    for images, labels in split.in_order(TEST_BATCH):
        logits = network(normalise(images))
        losses.append(functional.cross_entropy(logits, labels, reduction="sum").double())
        top1.append(logits.argmax(1) == labels)
        if classes >= TOP5_CLASSES:
            top5.append((logits.topk(5).indices == labels[:, None]).any(1))
        between_batches()
    correct = torch.cat(top1).cpu()
    loss = torch.stack(losses).sum().item() / len(correct)
    return loss, correct, torch.cat(top5).cpu() if top5 else None
