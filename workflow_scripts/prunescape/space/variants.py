"""Variants: the pruned forms of a model, and the model itself.

No result follows from this file: a new pipeline trains nothing again (running/code_digest.py).
"""

import re
from dataclasses import dataclass
from typing import Self

from prunescape.errors import InputError
from prunescape.space.pipelines import PIPELINES

METHODS = ("uniform", "nonuniform")
SCRATCH = "scratch"  # the default
INHERITING = tuple(name for name, known in PIPELINES.items() if known.start != "initialised")
FROM_TRAINED = tuple(name for name, known in PIPELINES.items() if known.start == "inherited")  # for E epochs
PRUNED_PATTERN = r"(?:uniform|nonuniform)-0\.[0-9]+"
INHERITING_PATTERN = rf"{PRUNED_PATTERN}-(?:{'|'.join(INHERITING)})"
INITIALISED_PATTERN = rf"base|{PRUNED_PATTERN}(?:-scratch_b)?"
VARIANT_PATTERN = rf"{INITIALISED_PATTERN}|{INHERITING_PATTERN}"


@dataclass(frozen=True, order=True)
class Variant:
    """One pruned form of a model with the way it is trained, or the model itself: it fixes the widths.

    `method` is base, uniform or nonuniform; `ratio` is the share of FLOPs KEPT (matthiesen2023, 2.2.2) as canonical
    text, empty for the base; `pipeline` is how it starts and is trained.
    """

    method: str
    ratio: str = ""
    pipeline: str = SCRATCH

    @property
    def name(self) -> str:
        """`base`, `uniform-0.5`, or `uniform-0.5-fine_tune` for another pipeline than scratch."""
        parts = [self.method, self.ratio, "" if self.pipeline == SCRATCH else self.pipeline]
        return "-".join(filter(None, parts))

    @property
    def inherits(self) -> bool:
        """Whether it starts from weights of the base."""
        return self.pipeline in INHERITING

    @property
    def inherits_trained(self) -> bool:
        """Whether these are trained: it trains E epochs, once or after each of several cuts."""
        return self.pipeline in FROM_TRAINED

    @property
    def rewinds(self) -> bool:
        """Whether these are the weights of an earlier epoch."""
        return PIPELINES[self.pipeline].earlier

    @property
    def ranks_filters(self) -> bool:
        """Whether a ranking of filters decides its cells: which widths it has, or which weights it inherits."""
        return self.method == "nonuniform" or self.inherits

    @property
    def ranks_trained_filters(self) -> bool:
        """Whether these are filters of a trained base, unless all variants rank an untrained one."""
        return self.ranks_filters and PIPELINES[self.pipeline].start != "initial"

    @classmethod
    def parse(cls, name: str) -> Self:
        """The variant called `name`; raises InputError for anything else."""
        if not re.fullmatch(VARIANT_PATTERN, name):
            others = ", ".join(other for other in PIPELINES if other != SCRATCH)
            allowed = f"base, uniform-0.R or nonuniform-0.R, then nothing or -PIPELINE: {others}"
            raise InputError(f'no variant is called "{name}"', allowed=allowed)
        return cls(*name.split("-"))


BASE = Variant("base")
