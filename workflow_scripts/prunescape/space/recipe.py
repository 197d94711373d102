"""The recipe: every hyperparameter of a training, with its bounds and meaning.

A hyperparameter is one entry here: a field of `Recipe` whose annotation has a `Meaning`, with a text under it for what
that does not say. Those of the network itself, which `PARAMETERS` has too, stand in networks.py.
"""

import math
from dataclasses import dataclass
from typing import Annotated, Literal, get_args, get_origin, get_type_hints

from annotated_types import Ge, Gt, Le, Lt

from prunescape.space.levels import (
    AUTO,
    DIVIDED,
    EXPONENTIAL,
    MEANS,
    POLYNOMIAL,
    SQUARES,
    STEPS,
    VELOCITY,
    Augmentations,
    Internals,
    Losses,
    Optimisers,
    Partitions,
    Precisions,
    Scalings,
    Schedules,
)
from prunescape.space.networks import NETWORK
from prunescape.space.parameters import Meaning, Parameter


@dataclass(frozen=True)
class Recipe:
    """How a cell is trained (matthiesen2023, Table 3.3; liao2022, Table 2; burmester2023, 2.5).

    docs/hyperparameters.md lists all. The prior, the grid or the space has learning rate and weight decay. Tests are in
    fp32 (fp64 for fp64), on a GPU in TF32 unless the precision is fp32.
    """

    __pydantic_config__ = {"extra": "forbid"}

    epochs: Annotated[int, Ge(1), Le(10_000), Meaning("epochs", "integer", unit="passes")]
    batch_size: Annotated[int, Ge(1), Le(65_536), Meaning("batch size", "integer", unit="examples")]
    log10_lr: Annotated[float | None, Ge(-6), Le(1), Meaning("learning rate", "log10", stackable=True)] = None
    log10_wd: Annotated[float | None, Ge(-8), Le(0), Meaning("weight decay", "log10", stackable=True)] = None
    schedule: Annotated[Schedules, Meaning("schedule", "categorical", stackable=True)] = "step"
    """What the learning rate is multiplied by at every epoch, see `rate_factor` and docs/hyperparameters.md."""
    milestones: tuple[Annotated[int, Ge(1)], ...] = ()
    """The epochs after which a step schedule multiplies the learning rate by `decay`."""
    decay: Annotated[float, Gt(0), Lt(1), Meaning("decay at a milestone", "linear", when=STEPS)] = 0.1
    decay_rate: Annotated[float, Gt(0), Lt(1), Meaning("decay over all epochs", "linear", when=EXPONENTIAL)] = 0.01
    power: Annotated[float, Gt(0), Le(10), Meaning("polynomial's power", "linear", when=POLYNOMIAL)] = 1.0
    warmup_epochs: Annotated[int, Ge(0), Le(1_000), Meaning("warm-up", "integer", stackable=True, unit="epochs")] = 0
    """Over them the learning rate rises besides from step to step."""
    optimiser: Annotated[Optimisers, Meaning("optimiser", "categorical")] = "sgd"
    momentum: Annotated[float, Ge(0), Lt(1), Meaning("momentum", "linear", stackable=True, when=VELOCITY)] = 0.9
    beta1: Annotated[float, Ge(0), Lt(1), Meaning("β1", "linear", stackable=True, when=MEANS)] = 0.9
    """The weight of the past in a mean of gradients."""
    beta2: Annotated[float, Gt(0), Lt(1), Meaning("β2", "linear", stackable=True, when=MEANS)] = 0.999
    """The weight of the past in a mean of their squares."""
    rho: Annotated[float, Gt(0), Lt(1), Meaning("ρ of mean squares", "linear", stackable=True, when=SQUARES)] = 0.9
    """The weight of the past."""
    log10_epsilon: Annotated[float, Ge(-12), Le(0), Meaning("ε", "log10", stackable=True, when=DIVIDED)] = -7.0
    loss_function: Annotated[Losses, Meaning("loss function", "categorical")] = "cross_entropy"
    """What training minimises; the loss of a test is cross-entropy with all of them."""
    label_smoothing: Annotated[float, Ge(0), Lt(1), Meaning("label smoothing", "linear")] = 0.0
    """The share of a label that all classes get alike."""
    crop_padding: Annotated[int, Ge(0), Le(64), Meaning("crop padding", "integer", "data", unit="pixels")] = 0
    """Zeros around an image before a random crop; 0 turns it off."""
    flip: Annotated[bool, Meaning("random flips", "switch", "data")] = False
    """Horizontal ones."""
    augmentation: Annotated[Augmentations, Meaning("augmentation", "categorical", "data")] = "none"
    """What torchvision does to a batch, after crops and flips."""
    scaling: Annotated[Scalings, Meaning("scaling of inputs", "categorical", "data")] = "standard"
    """standard by mean and deviation, robust by median and quartiles, minmax to 0..1 (tasks/images/scaling.py)."""
    partition: Annotated[Partitions, Meaning("partition of the training images", "categorical", "data")] = "none"
    """Percent to train on, to validate on, to leave aside; tests are on the test split (tasks/parts.py)."""
    data_share: Annotated[float, Gt(0), Le(1), Meaning("share of the training images", "linear", "data")] = 1.0
    """Of those to train on; a smaller share is part of a larger one (tasks/parts.py)."""
    precision: Annotated[Precisions, Meaning("precision", "categorical", "system")] = "fp32"
    """Of matrix products and convolutions while training; tf32 and fp16 on a GPU only.

    bf16 and fp16 have weights and sums in fp32, fp64 has all; auto is the fastest where the experiment is declared.
    """
    internal: Annotated[Internals, Meaning("internal optimisation", "categorical", "system")] = "none"
    """How the network is computed: compiled, or quantised to int8 after or during training (training/internal)."""

    @property
    def learning_rate(self) -> float:
        """At the start of the training."""
        return 10.0**self.log10_lr

    @property
    def weight_decay(self) -> float:
        """λ of Eq 2.1."""
        return 10.0**self.log10_wd

    @property
    def epsilon(self) -> float:
        """What keeps an adaptive optimiser's division finite."""
        return 10.0**self.log10_epsilon

    def rate_factor(self, epoch: int) -> float:
        """What the learning rate is multiplied by during `epoch`, counted from 0: t = epoch / epochs is the time.

        constant 1; step `decay` to the number of milestones passed; exponential `decay_rate`^t; polynomial
        (1 − t)^`power`; cosine (1 + cos πt) / 2. Every schedule spans all epochs.
        """
        time = epoch / self.epochs
        if self.schedule == "cosine":
            return 0.5 * (1 + math.cos(math.pi * epoch / self.epochs))
        if self.schedule == "exponential":
            return self.decay_rate**time
        if self.schedule == "polynomial":
            return (1 - time) ** self.power
        return self.decay ** sum(epoch >= milestone for milestone in self.milestones if self.schedule == "step")

    def warmup_factor(self, step: int, steps_of_epoch: int) -> float:
        """What the rate of `step`, counted from 0, is multiplied by besides: rising by equal parts to 1 (He 2019)."""
        return min(1.0, (step + 1) / (self.warmup_epochs * steps_of_epoch)) if self.warmup_epochs else 1.0


def _parameters() -> dict[str, Parameter]:
    """The hyperparameters among the recipe's fields, in their order."""
    found = {}
    for name, hint in get_type_hints(Recipe, include_extras=True).items():
        meanings = [mark for mark in getattr(hint, "__metadata__", ()) if isinstance(mark, Meaning)]
        if meanings:
            bounds = tuple(mark for mark in hint.__metadata__ if not isinstance(mark, Meaning))
            kind = get_args(hint)[0]
            levels = tuple(level for level in get_args(kind) if level != AUTO) if get_origin(kind) is Literal else ()
            found[name] = Parameter(name, meanings[0], bounds, levels)
    return found


PARAMETERS = _parameters() | NETWORK
# the last epoch of a training that ends early: its schedule is that of `epochs`; no config varies it, a search does
STOP = "stop_epoch"
STOPS = {STOP: Parameter(STOP, Meaning("last epoch trained", "integer"), PARAMETERS["epochs"].bounds)}
