"""Variants: the pruned forms of a model, and the model itself.

No result follows from this file: a new pipeline trains nothing again (running/code_digest.py).
"""

import re
from dataclasses import dataclass
from typing import Self

from prunescape.errors import InputError

METHODS = ("uniform", "nonuniform")
SCRATCH = "scratch"
# how a pruned network starts and is trained (pruning/pipelines.py); the first is the default
REWIND_WEIGHTS = "rewind_weights"
INHERITING = ("fine_tune", "rewind_rate", REWIND_WEIGHTS, "restart")  # they start from weights of the base
PIPELINES = (SCRATCH, "scratch_b", *INHERITING)
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
    def rewinds(self) -> bool:
        """Whether these are the weights of an earlier epoch."""
        return self.pipeline == REWIND_WEIGHTS

    @property
    def ranks_filters(self) -> bool:
        """Whether a ranking of filters decides its cells: which widths it has, or which weights it inherits."""
        return self.method == "nonuniform" or self.inherits

    @classmethod
    def parse(cls, name: str) -> Self:
        """The variant called `name`; raises InputError for anything else."""
        if not re.fullmatch(VARIANT_PATTERN, name):
            allowed = f"base, uniform-0.R or nonuniform-0.R, then nothing or -PIPELINE: {', '.join(PIPELINES[1:])}"
            raise InputError(f'no variant is called "{name}"', allowed=allowed)
        return cls(*name.split("-"))


BASE = Variant("base")
