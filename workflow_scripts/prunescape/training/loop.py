"""One training: its batches epoch by epoch, and the tests between them. A step on a batch is in step.py."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from prunescape.pruning.retraining import whole_recipe
from prunescape.space.recipe import Recipe
from prunescape.tasks.contract import Split, Splits, Task, Tested
from prunescape.training.cell_record import finite_or_none
from prunescape.training.device import check_precision, computed_in, to_precision
from prunescape.training.energy import Meter, nothing_used
from prunescape.training.internal import Internal, build_internal
from prunescape.training.loss_scaling import ScaledOptimiser
from prunescape.training.optimisers import Optimiser, build_optimiser
from prunescape.training.system.unchanged import Unchanged


@dataclass
class Outcome:
    """What a training reached: `test` after the LAST epoch, `validation` too, None without such a split.

    `history` has one entry per finished epoch; `seconds` is the wall time of each epoch's training, without its test
    and what compiles it, `used` what that used (energy.py). `float_test` is that of the same weights in floating point,
    where the others are those of a quantised network.
    """

    diverged: bool = False
    test: Tested | None = None
    validation: Tested | None = None
    float_test: Tested | None = None
    history: list[dict] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    used: list[dict[str, Any]] = field(default_factory=list)


@dataclass
class Epoch:
    """How far the running epoch is: batches trained, and sums over their examples that stay on the training device.

    `start` is the state of the generator before the epoch's order was drawn: from it the same batches come again. The
    two sums are the same tensors in every epoch, since a captured step (step.py) adds to them.
    """

    start: Tensor
    loss_sum: Tensor
    correct: Tensor
    batches: int = 0
    examples: int = 0
    seconds: float = 0.0
    used: dict[str, Any] = field(default_factory=nothing_used)

    @classmethod
    def first(cls, generator: torch.Generator, device: torch.device) -> Epoch:
        """An epoch of which nothing is trained yet."""
        loss_sum = torch.zeros((), device=device, dtype=torch.float64)
        return cls(generator.get_state(), loss_sum, torch.zeros((), device=device, dtype=torch.int64))

    def begin_next(self, generator: torch.Generator) -> None:
        """The same for the epoch that follows."""
        self.start, self.batches, self.examples, self.seconds = generator.get_state(), 0, 0, 0.0
        self.used = nothing_used()
        self.loss_sum.zero_()
        self.correct.zero_()

    def add(self, outputs: Tensor, labels: Tensor, loss: Tensor) -> None:
        """Add what one trained batch gave to the sums."""
        self.loss_sum += loss.detach() * len(labels)
        classes = labels.argmax(1) if labels.is_floating_point() else labels
        self.correct += (outputs.detach().argmax(1) == classes).sum()


@dataclass(frozen=True)
class Batch:
    """What a step trains on: examples (b, ...) as the task stores them, labels, and the learning rate.

    Labels are classes (b,), or the share of each class (b, classes), of which the largest counts as right.
    """

    examples: Tensor
    labels: Tensor
    rate: float


@dataclass
class Training:
    """One network in training: with what `checkpointing.py` saves of it, it goes on from between any two batches.

    The learning rate of epoch e is the recipe's times `rate_factors[e]`; a warm-up lowers it from step to step.
    """

    network: nn.Module
    task: Task
    recipe: Recipe
    rate_factors: Sequence[float]
    splits: Splits
    optimiser: Optimiser
    generator: torch.Generator
    epoch: Epoch
    report: Callable[[dict], None]
    between_batches: Callable[[Training], None]
    meter: Meter
    internal: Internal
    system: Unchanged = field(default_factory=Unchanged)
    outcome: Outcome = field(default_factory=Outcome)

    @property
    def device(self) -> torch.device:
        return self.task.device

    @property
    def steps_of_epoch(self) -> int:
        """How many batches an epoch has."""
        return -(-len(self.splits.train) // self.recipe.batch_size)

    @property
    def steps(self) -> int:
        """How many batches are trained."""
        return self.steps_of_epoch * len(self.outcome.history) + self.epoch.batches

    def pause(self) -> None:
        """Call `between_batches`, where the training may be saved or end."""
        self.between_batches(self)

    def batches(self) -> Iterator[Batch]:
        """The batches to the last epoch, or to the first whose loss is not finite: the outcome is then `diverged`.

        Whoever takes the next batch has trained on the last one. The test split is scored after every epoch, a
        validation split once, after the last.
        """
        outcome = self.outcome
        while len(outcome.history) < len(self.rate_factors):
            number = len(outcome.history)
            rate = self.recipe.learning_rate * self.rate_factors[number]
            yield from self._batches_of_epoch(rate)
            self._end_epoch(number, rate)
            if outcome.diverged:
                return
        self._score()

    def _score(self) -> None:
        """Score what the trained network is used as, once more where that differs from what the epochs tested."""
        outcome, internal = self.outcome, self.internal
        scored, plain = internal.scored(self), internal.plain(self.network)
        if scored is not plain:
            outcome.float_test = outcome.test if plain is self.network else self._test(self.splits.test, plain)
            outcome.test = outcome.test if scored is self.network else self._test(self.splits.test, scored)
            outcome.diverged = not math.isfinite(outcome.test.loss)
        if self.splits.validation:
            outcome.validation = self._test(self.splits.validation, scored)
            outcome.diverged |= not math.isfinite(outcome.validation.loss)

    def _clock(self) -> float:
        """Seconds that count as training: it stands still while a network is compiled."""
        return time.perf_counter() - (self.internal.compile_seconds or 0.0)

    def _batches_of_epoch(self, rate: float) -> Iterator[Batch]:
        """What is left of the running epoch."""
        self.network.train()
        self.system.begin_epoch(self)
        epoch, started = self.epoch, self._clock() - self.epoch.seconds
        self.generator.set_state(epoch.start)
        self.meter.start()
        for examples, labels in self.splits.train.shuffled(self.recipe.batch_size, skip=epoch.batches):
            yield Batch(examples, labels, rate * self.recipe.warmup_factor(self.steps, self.steps_of_epoch))
            epoch.examples += len(labels)
            epoch.batches += 1
            epoch.seconds = self._clock() - started
            self.meter.keep_up(epoch.used)
            self.pause()
        epoch.loss_sum.item()  # a GPU has really ended only now
        epoch.seconds = self._clock() - started
        self.meter.stop(epoch.used)
        self.system.end_epoch(self)

    def _end_epoch(self, number: int, rate: float) -> None:
        """Test after epoch `number`, counted from 0, and note what it reached."""
        outcome, epoch = self.outcome, self.epoch
        train_loss, train_top1 = epoch.loss_sum.item() / epoch.examples, 100 * epoch.correct.item() / epoch.examples
        outcome.diverged = not math.isfinite(train_loss)
        if not outcome.diverged:
            outcome.test = self._test(self.splits.test, self.network, between_batches=self.pause)
            outcome.diverged = not math.isfinite(outcome.test.loss)
        outcome.seconds.append(epoch.seconds)
        outcome.used.append(epoch.used)
        outcome.history.append(
            {
                "epoch": number + 1,
                "learning_rate": rate * self.recipe.warmup_factor(self.steps - 1, self.steps_of_epoch),
                "train_loss": finite_or_none(train_loss),
                "train_top1": train_top1,
                "test_loss": None if outcome.diverged else outcome.test.loss,
                "correct": None if outcome.diverged else int(outcome.test.correct.sum()),
            }
        )
        self.report(outcome.history[-1])
        epoch.begin_next(self.generator)

    def _test(self, split: Split, network: nn.Module, **hooks) -> Tested:
        """In float32, on a GPU as TF32 unless the recipe asks for fp32: that takes a fifth of the time."""
        with computed_in(self.recipe.precision):
            return self.task.test(network, split, **hooks)


def start_training(
    network: nn.Module,
    task: Task,
    recipe: Recipe,
    *,
    seed: int,
    rate_factors: Sequence[float] | None = None,
    report: Callable[[dict], None] = lambda entry: None,
    between_batches: Callable[[Training], None] = lambda training: None,
    beside: Training | None = None,
    meter: Meter | None = None,
    system: Unchanged | None = None,
) -> Training:
    """A training of `network`, which moves to the task's device, that has not begun.

    Order and augmentation follow from `seed`, on any device alike. `rate_factors` are by default those of the whole
    recipe. `between_batches` is called with this training wherever it may be saved; what it raises ends the training.
    A training `beside` another shares its examples. Neutral system parameters may change between epochs by `system`.
    Raises InputError for a precision that the device does not have, and for a network that the recipe's internal
    optimisation cannot change.
    """
    check_precision(recipe.precision, task.device)
    generator = torch.Generator().manual_seed(seed)
    torch.manual_seed(seed)  # dropout draws from torch's global state
    to_precision(network.to(task.device, memory_format=torch.channels_last), recipe.precision)
    internal = build_internal(recipe.internal)
    internal.prepare(network)
    return Training(
        network,
        task,
        recipe,
        whole_recipe(recipe) if rate_factors is None else rate_factors,
        beside.splits.drawn_from(generator) if beside else task.open_splits(recipe, generator),
        optimiser_for(network, recipe),
        generator,
        Epoch.first(generator, task.device),
        report,
        between_batches,
        meter or Meter(),
        internal,
        system=system or Unchanged(),
    )


def optimiser_for(network: nn.Module, recipe: Recipe) -> Optimiser:
    """The recipe's optimiser for a network on its device; in fp16 one that scales the loss."""
    optimiser = build_optimiser(network.parameters(), recipe)
    return ScaledOptimiser(optimiser, list(network.parameters())) if recipe.precision == "fp16" else optimiser
