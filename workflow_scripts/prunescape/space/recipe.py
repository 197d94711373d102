"""The recipe: what all cells of an experiment share, with its bounds. Needs annotated-types only."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated, Literal

from annotated_types import Ge, Gt, Le, Lt


@dataclass(frozen=True)
class Recipe:
    """How every cell of an experiment is trained (matthiesen2023, Table 3.3): SGD from scratch, cross-entropy.

    `milestones` are the epochs after which a step schedule multiplies the learning rate by `decay`; a cosine schedule
    falls from the learning rate to 0 and is set anew at every epoch. `crop_padding` is in pixels. `precision` is that
    of matrix products and convolutions while training: fp32; tf32, of an NVIDIA GPU; bf16, with weights and sums in
    fp32; or auto, the fastest where the experiment is declared. Tests are in fp32, on a GPU in TF32 unless the
    precision is fp32.
    """

    __pydantic_config__ = {"extra": "forbid"}

    epochs: Annotated[int, Ge(1), Le(10_000)]
    batch_size: Annotated[int, Ge(1), Le(65_536)]
    schedule: Literal["step", "cosine"] = "step"
    milestones: tuple[Annotated[int, Ge(1)], ...] = ()
    decay: Annotated[float, Gt(0), Lt(1)] = 0.1
    momentum: Annotated[float, Ge(0), Lt(1)] = 0.9
    crop_padding: Annotated[int, Ge(0), Le(64)] = 0
    flip: bool = False
    precision: Literal["fp32", "tf32", "bf16", "auto"] = "fp32"

    def rate_factor(self, epoch: int) -> float:
        """What the learning rate is multiplied by during `epoch`, counted from 0."""
        if self.schedule == "cosine":
            return 0.5 * (1 + math.cos(math.pi * epoch / self.epochs))
        return self.decay ** sum(epoch >= milestone for milestone in self.milestones)
