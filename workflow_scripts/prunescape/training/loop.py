"""Training one network from scratch on one prepared data set, epoch by epoch. Needs torch."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.nn import functional

from prunescape.data.prepared import PreparedData
from prunescape.recipe import Recipe
from prunescape.records import TOP5_CLASSES
from prunescape.training.augmentation import Augmenter
from prunescape.training.sgd import SGD

TEST_BATCH = 1024


@dataclass
class Outcome:
    """What a training reached. `history` has one entry per finished epoch; `correct` and `correct_top5` are per-image,

    (n_test,) booleans after the LAST epoch, `correct_top5` None with few classes; `seconds` is the wall time of
    each epoch's training, without its test.
    """

    diverged: bool = False
    loss: float = math.nan
    correct: Tensor | None = None
    correct_top5: Tensor | None = None
    history: list[dict] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)


class Images:
    """One split on the training device: uint8 (n, height, width, channels), normalised batch by batch."""

    def __init__(self, images, labels, data: PreparedData, device: torch.device) -> None:
        self.images = torch.from_numpy(images).permute(0, 2, 3, 1).contiguous().to(device)
        self.labels = torch.from_numpy(labels).to(device)
        self.scale = (1 / (255 * torch.from_numpy(data.std))).to(device)
        self.shift = torch.from_numpy(data.mean / data.std).to(device)

    def normalised(self, batch: Tensor) -> Tensor:
        """(x / 255 − mean) / std per channel: float32 (b, channels, height, width), channels last in memory."""
        return (batch * self.scale - self.shift).permute(0, 3, 1, 2)


def train(
    network: nn.Module,
    data: PreparedData,
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
    finite: the outcome is then `diverged`. Order and augmentation follow from `seed`, on any device alike.
    """
    generator = torch.Generator().manual_seed(seed)
    network.to(device, memory_format=torch.channels_last)
    train_split = Images(data.train_images, data.train_labels, data, device)
    test_split = Images(data.test_images, data.test_labels, data, device)
    augmenter = Augmenter(train_split.images, crop_padding=recipe.crop_padding, flip=recipe.flip, generator=generator)
    optimiser = SGD(network.parameters(), momentum=recipe.momentum, weight_decay=weight_decay)
    outcome = Outcome()
    for epoch in range(recipe.epochs):
        started = time.perf_counter()
        rate = learning_rate * recipe.rate_factor(epoch)
        train_loss, train_top1 = _train_epoch(network, optimiser, rate, train_split, augmenter, recipe.batch_size)
        outcome.seconds.append(time.perf_counter() - started)
        outcome.diverged = not math.isfinite(train_loss)
        if not outcome.diverged:
            outcome.loss, outcome.correct, outcome.correct_top5 = evaluate(network, test_split, data.classes)
            outcome.diverged = not math.isfinite(outcome.loss)
        outcome.history.append(_entry(epoch, rate, train_loss, train_top1, outcome))
        report(outcome.history[-1])
        if outcome.diverged:
            break
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
    network: nn.Module, optimiser: SGD, rate: float, split: Images, augmenter: Augmenter, batch_size: int
) -> tuple[float, float]:
    """One pass in random order, the last partial batch kept: mean loss and percent right over its batches."""
    network.train()
    loss_sum = torch.zeros((), device=split.labels.device, dtype=torch.float64)
    correct = torch.zeros((), device=split.labels.device, dtype=torch.int64)
    order = torch.randperm(len(split.labels), generator=augmenter.generator)
    for chosen in order.split(batch_size):
        labels = split.labels[chosen.to(split.labels.device)]
        logits = network(split.normalised(augmenter.batch(chosen)))
        loss = functional.cross_entropy(logits, labels)
        loss.backward()
        optimiser.step(rate)
        loss_sum += loss.detach() * len(chosen)
        correct += (logits.detach().argmax(1) == labels).sum()
    return loss_sum.item() / len(order), 100 * correct.item() / len(order)


@torch.inference_mode()
def evaluate(network: nn.Module, split: Images, classes: int) -> tuple[float, Tensor, Tensor | None]:
    """Mean cross-entropy and per-image correctness, top-1 and (with TOP5_CLASSES or more) top-5, on one split."""
    network.eval()
    losses, top1, top5 = [], [], []
    for images, labels in zip(split.images.split(TEST_BATCH), split.labels.split(TEST_BATCH), strict=True):
        logits = network(split.normalised(images))
        losses.append(functional.cross_entropy(logits, labels, reduction="sum").double())
        top1.append(logits.argmax(1) == labels)
        if classes >= TOP5_CLASSES:
            top5.append((logits.topk(5).indices == labels[:, None]).any(1))
    loss = torch.stack(losses).sum().item() / len(split.labels)
    return loss, torch.cat(top1).cpu(), torch.cat(top5).cpu() if top5 else None
