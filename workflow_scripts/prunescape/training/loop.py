"""Training one network from scratch on one prepared data set, epoch by epoch. Needs torch."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional

from prunescape.data.prepared import PreparedData, PreparedFolder
from prunescape.recipe import Recipe
from prunescape.records import TOP5_CLASSES
from prunescape.training.sgd import SGD
from prunescape.training.splits import InMemory, Normaliser, open_splits

if TYPE_CHECKING:
    from prunescape.training.streaming import Streamed

TEST_BATCH = 1024


@dataclass
class Outcome:
    """What a training reached. `history` has one entry per finished epoch; `correct` and `correct_top5` are per-image,

    (n_test,) booleans after the LAST epoch, `correct_top5` None with few classes; `val_correct` and `val_correct_top5`
    are the same of the validation split, None without one; `seconds` is the wall time of each epoch's training,
    without its test.
    """

    diverged: bool = False
    loss: float = math.nan
    correct: Tensor | None = None
    correct_top5: Tensor | None = None
    val_correct: Tensor | None = None
    val_correct_top5: Tensor | None = None
    history: list[dict] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)


def train(
    network: nn.Module,
    data: PreparedData | PreparedFolder,
    recipe: Recipe,
    *,
    learning_rate: float,
    weight_decay: float,
    seed: int,
    device: torch.device,
    report: Callable[[dict], None] = lambda epoch: None,
) -> Outcome:
    """Train `network` in place with SGD (matthiesen2023, Eq 2.1) and test it after every epoch.

    V ← μV + ∇L + λW; W ← W − γV, with λ on all parameters. Training ends early only when the loss of an epoch is not
    finite: the outcome is then `diverged`. Order and augmentation follow from `seed`, on any device alike. A validation
    split is looked at once, after the last epoch.
    """
    generator = torch.Generator().manual_seed(seed)
    torch.manual_seed(seed)  # dropout draws from torch's own state
    network.to(device, memory_format=torch.channels_last)
    splits, normalise = open_splits(data, recipe, generator, device), Normaliser(data, device)
    optimiser = SGD(network.parameters(), momentum=recipe.momentum, weight_decay=weight_decay)
    outcome = Outcome()
    for epoch in range(recipe.epochs):
        started = time.perf_counter()
        rate = learning_rate * recipe.rate_factor(epoch)
        batches = splits.train.shuffled(recipe.batch_size)
        train_loss, train_top1 = _train_epoch(network, optimiser, rate, batches, normalise)
        outcome.seconds.append(time.perf_counter() - started)
        outcome.diverged = not math.isfinite(train_loss)
        if not outcome.diverged:
            tested = evaluate(network, splits.test, normalise, data.classes)
            outcome.loss, outcome.correct, outcome.correct_top5 = tested
            outcome.diverged = not math.isfinite(outcome.loss)
        outcome.history.append(_entry(epoch, rate, train_loss, train_top1, outcome))
        report(outcome.history[-1])
        if outcome.diverged:
            return outcome
    if splits.validation:
        loss, *correct = evaluate(network, splits.validation, normalise, data.classes)
        outcome.val_correct, outcome.val_correct_top5 = correct
        outcome.diverged = not math.isfinite(loss)
    return outcome


def _entry(epoch: int, rate: float, train_loss: float, train_top1: float, outcome: Outcome) -> dict:
    tested = outcome.correct is not None and not outcome.diverged
    return {
        "epoch": epoch + 1,
        "learning_rate": rate,
        "train_loss": finite_or_none(train_loss),
        "train_top1": train_top1,
        "test_loss": finite_or_none(outcome.loss) if tested else None,
        "correct": int(outcome.correct.sum()) if tested else None,
    }


def finite_or_none(value: float) -> float | None:
    """JSON has no NaN and no infinity: None stands for both."""
    return value if math.isfinite(value) else None


def _train_epoch(
    network: nn.Module, optimiser: SGD, rate: float, batches: Iterable[tuple[Tensor, Tensor]], normalise: Normaliser
) -> tuple[float, float]:
    """One pass over the batches of an epoch: mean loss and percent right over them."""
    network.train()
    loss_sum = torch.zeros((), device=normalise.shift.device, dtype=torch.float64)
    correct = torch.zeros((), device=normalise.shift.device, dtype=torch.int64)
    seen = 0
    for images, labels in batches:
        logits = network(normalise(images))
        loss = functional.cross_entropy(logits, labels)
        loss.backward()
        optimiser.step(rate)
        loss_sum += loss.detach() * len(labels)
        correct += (logits.detach().argmax(1) == labels).sum()
        seen += len(labels)
    return loss_sum.item() / seen, 100 * correct.item() / seen


@torch.inference_mode()
def evaluate(
    network: nn.Module, split: InMemory | Streamed, normalise: Normaliser, classes: int
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
    correct = torch.cat(top1).cpu()
    loss = torch.stack(losses).sum().item() / len(correct)
    return loss, correct, torch.cat(top5).cpu() if top5 else None
