"""Training one network from scratch on one prepared data set, batch by batch. Needs torch."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional

from prunescape.space.recipe import Recipe
from prunescape.tasks.images.evaluation import evaluate
from prunescape.tasks.images.prepared import PreparedData, PreparedFolder
from prunescape.tasks.images.splits import InMemory, Normaliser, open_splits
from prunescape.training.precision import check_tf32, computed_in, forward
from prunescape.training.sgd import SGD

if TYPE_CHECKING:
    from prunescape.tasks.images.streaming import Streamed


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


@dataclass
class Epoch:
    """How far the running epoch is: batches trained, and sums over their images that stay on the training device.

    `start` is the state of the generator before the epoch's order was drawn: from it the same batches come again. The
    two sums are the same tensors in every epoch, since a captured step (fused.py) adds to them.
    """

    start: Tensor
    loss_sum: Tensor
    correct: Tensor
    batches: int = 0
    images: int = 0
    seconds: float = 0.0

    @classmethod
    def first(cls, generator: torch.Generator, device: torch.device) -> Epoch:
        """An epoch of which nothing is trained yet."""
        loss_sum = torch.zeros((), device=device, dtype=torch.float64)
        return cls(generator.get_state(), loss_sum, torch.zeros((), device=device, dtype=torch.int64))

    def begin_next(self, generator: torch.Generator) -> None:
        """The same for the epoch that follows."""
        self.start, self.batches, self.images, self.seconds = generator.get_state(), 0, 0, 0.0
        self.loss_sum.zero_()
        self.correct.zero_()

    def add(self, logits: Tensor, labels: Tensor, loss: Tensor) -> None:
        """Add what one trained batch gave to the sums."""
        self.loss_sum += loss.detach() * len(labels)
        self.correct += (logits.detach().argmax(1) == labels).sum()


@dataclass(frozen=True)
class Batch:
    """What a step trains on: images uint8 (b, height, width, channels), labels (b,), and the learning rate."""

    images: Tensor
    labels: Tensor
    rate: float


class Training:
    """One network on its way: with what `state.py` saves of it, it goes on from between any two batches.

    Order and augmentation follow from `seed`, on any device alike. `between_batches` is called with this training
    wherever it may be saved; what it raises ends the training. A training `beside` another shares its images.
    """

    def __init__(
        self,
        network: nn.Module,
        data: PreparedData | PreparedFolder,
        recipe: Recipe,
        *,
        learning_rate: float,
        weight_decay: float,
        seed: int,
        device: torch.device,
        report: Callable[[dict], None] = lambda entry: None,
        between_batches: Callable[[Training], None] = lambda training: None,
        beside: Training | None = None,
    ) -> None:
        check_tf32(recipe.precision, device)
        self.network, self.recipe, self.learning_rate = network, recipe, learning_rate
        self.device, self.classes, self.report = device, data.classes, report
        self.pause = lambda: between_batches(self)
        self.generator = torch.Generator().manual_seed(seed)
        torch.manual_seed(seed)  # dropout draws from torch's own state
        network.to(device, memory_format=torch.channels_last)
        self.normalise = Normaliser(data, device)
        same = beside and beside.splits.drawn_from(self.generator)
        self.splits = same or open_splits(data, recipe, self.generator, device)
        decay = {"momentum": recipe.momentum, "weight_decay": weight_decay}
        self.optimiser = SGD(network.parameters(), **decay, fused=device.type == "cuda")
        self.outcome = Outcome()
        self.epoch = Epoch.first(self.generator, device)

    @property
    def steps(self) -> int:
        """How many batches are trained."""
        of_epoch = -(-len(self.splits.train) // self.recipe.batch_size)
        return of_epoch * len(self.outcome.history) + self.epoch.batches

    def batches(self) -> Iterator[Batch]:
        """The batches to the last epoch, or to the first whose loss is not finite: the outcome is then `diverged`.

        Whoever takes the next one has trained on the last. The test split is looked at after every epoch, a validation
        split once, after the last.
        """
        outcome = self.outcome
        while len(outcome.history) < self.recipe.epochs:
            number = len(outcome.history)
            rate = self.learning_rate * self.recipe.rate_factor(number)
            yield from self._batches_of_epoch(rate)
            self._end_epoch(number, rate)
            if outcome.diverged:
                return
        if self.splits.validation:
            loss, *correct = self._test(self.splits.validation)
            outcome.val_correct, outcome.val_correct_top5 = correct
            outcome.diverged = not math.isfinite(loss)

    def _batches_of_epoch(self, rate: float) -> Iterator[Batch]:
        """What is left of the running epoch."""
        self.network.train()
        epoch, started = self.epoch, time.perf_counter() - self.epoch.seconds
        self.generator.set_state(epoch.start)
        for images, labels in self.splits.train.shuffled(self.recipe.batch_size, skip=epoch.batches):
            yield Batch(images, labels, rate)
            epoch.images += len(labels)
            epoch.batches += 1
            epoch.seconds = time.perf_counter() - started
            self.pause()
        epoch.loss_sum.item()  # a GPU has really ended only now
        epoch.seconds = time.perf_counter() - started

    def _end_epoch(self, number: int, rate: float) -> None:
        """Test after epoch `number`, counted from 0, and note what it reached."""
        outcome, epoch = self.outcome, self.epoch
        train_loss, train_top1 = epoch.loss_sum.item() / epoch.images, 100 * epoch.correct.item() / epoch.images
        outcome.diverged = not math.isfinite(train_loss)
        if not outcome.diverged:
            tested = self._test(self.splits.test, between_batches=self.pause)
            outcome.loss, outcome.correct, outcome.correct_top5 = tested
            outcome.diverged = not math.isfinite(outcome.loss)
        outcome.seconds.append(epoch.seconds)
        outcome.history.append(_entry(number, rate, train_loss, train_top1, outcome))
        self.report(outcome.history[-1])
        epoch.begin_next(self.generator)

    def _test(self, split: InMemory | Streamed, **hooks) -> tuple[float, Tensor, Tensor | None]:
        """In float32, on a GPU as TF32 unless the recipe asks for fp32: that takes a fifth of the time."""
        with computed_in(self.recipe.precision):
            return evaluate(self.network, split, self.normalise, self.classes, **hooks)

    def step(self, batch: Batch) -> None:
        """Train on one batch: V ← μV + ∇L + λW; W ← W − γV (matthiesen2023, Eq 2.1)."""
        with computed_in(self.recipe.precision):
            logits = forward(self.network, self.normalise(batch.images), self.recipe.precision)
            loss = functional.cross_entropy(logits, batch.labels)
            loss.backward()
        self.optimiser.step(batch.rate)
        self.epoch.add(logits, batch.labels, loss)

    def run(self) -> Outcome:
        """Train to the end, alone."""
        for batch in self.batches():
            self.step(batch)
        return self.outcome


def train(network: nn.Module, data: PreparedData | PreparedFolder, recipe: Recipe, **settings) -> Outcome:
    """Train `network` in place with SGD, λ on all parameters, and test it after every epoch.

    `settings` are those of `Training`: learning_rate, weight_decay, seed, device, and optionally report.
    """
    return Training(network, data, recipe, **settings).run()


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
