"""The recipe: every hyperparameter of a training, with its bounds and meaning.

A hyperparameter is one entry here: a field of `Recipe` whose annotation has a `Meaning`. Those of the network itself,
which `PARAMETERS` has too, stand in networks.py.
"""

import math
from dataclasses import dataclass
from typing import Annotated, Literal, get_args, get_origin, get_type_hints

from annotated_types import Ge, Gt, Le, Lt

from prunescape.space.networks import NETWORK
from prunescape.space.parameters import Meaning, Parameter

STEPS = (("schedule", ("step",)),)


@dataclass(frozen=True)
class Recipe:
    """How a cell is trained (matthiesen2023, Table 3.3). `optimiser` is a module of training/optimisers.

    `log10_lr` and `log10_wd` are log10 of the learning rate and of the weight decay; the grid or the prior of a config
    gives them. `milestones` are the epochs after which a step schedule multiplies the learning rate by `decay`; a
    cosine schedule falls from the learning rate to 0 and is set anew at every epoch. `crop_padding` is in pixels.
    `precision` is that of matrix products and convolutions while training: fp32; tf32, of an NVIDIA GPU; bf16, with
    weights and sums in fp32; or auto, the fastest where the experiment is declared. Tests are in fp32, on a GPU in TF32
    unless the precision is fp32.
    """

    __pydantic_config__ = {"extra": "forbid"}

    epochs: Annotated[int, Ge(1), Le(10_000), Meaning("epochs", "integer")]
    batch_size: Annotated[int, Ge(1), Le(65_536), Meaning("batch size", "integer")]
    log10_lr: Annotated[float | None, Ge(-6), Le(1), Meaning("learning rate", "log10", stackable=True)] = None
    log10_wd: Annotated[float | None, Ge(-8), Le(0), Meaning("weight decay", "log10", stackable=True)] = None
    schedule: Annotated[Literal["step", "cosine"], Meaning("schedule", "categorical")] = "step"
    milestones: tuple[Annotated[int, Ge(1)], ...] = ()
    decay: Annotated[float, Gt(0), Lt(1), Meaning("decay at a milestone", "linear", when=STEPS)] = 0.1
    momentum: Annotated[float, Ge(0), Lt(1), Meaning("momentum", "linear", stackable=True)] = 0.9
    crop_padding: Annotated[int, Ge(0), Le(64), Meaning("crop padding", "integer", "data")] = 0
    flip: Annotated[bool, Meaning("random flips", "switch", "data")] = False
    precision: Literal["fp32", "tf32", "bf16", "auto"] = "fp32"
    optimiser: Literal["sgd"] = "sgd"

    @property
    def learning_rate(self) -> float:
        """At the start of the training."""
        return 10.0**self.log10_lr

    @property
    def weight_decay(self) -> float:
        """λ of Eq 2.1."""
        return 10.0**self.log10_wd

    def rate_factor(self, epoch: int) -> float:
        """What the learning rate is multiplied by during `epoch`, counted from 0."""
        if self.schedule == "cosine":
            return 0.5 * (1 + math.cos(math.pi * epoch / self.epochs))
        return self.decay ** sum(epoch >= milestone for milestone in self.milestones)


def _parameters() -> dict[str, Parameter]:
    """The hyperparameters among the recipe's fields, in their order."""
    found = {}
    for name, hint in get_type_hints(Recipe, include_extras=True).items():
        meanings = [mark for mark in getattr(hint, "__metadata__", ()) if isinstance(mark, Meaning)]
        if meanings:
            bounds = tuple(mark for mark in hint.__metadata__ if not isinstance(mark, Meaning))
            kind = get_args(hint)[0]
            levels = get_args(kind) if get_origin(kind) is Literal else ()
            found[name] = Parameter(name, meanings[0], bounds, levels)
    return found


PARAMETERS = _parameters() | NETWORK
