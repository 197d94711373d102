"""Variants: the pruned forms of a model, and the model itself."""

import re
from dataclasses import dataclass
from typing import Self

from prunescape.errors import InputError

METHODS = ("uniform", "nonuniform")
VARIANT_PATTERN = r"base|(?:uniform|nonuniform)-0\.[0-9]+"


@dataclass(frozen=True, order=True)
class Variant:
    """One pruned form of a model, or the model itself: it fixes the widths.

    `method` is base, uniform or nonuniform; `ratio` is the share of FLOPs KEPT (matthiesen2023, 2.2.2) as canonical
    text, empty for the base.
    """

    method: str
    ratio: str = ""

    @property
    def name(self) -> str:
        return f"{self.method}-{self.ratio}" if self.ratio else self.method

    @classmethod
    def parse(cls, name: str) -> Self:
        """The variant called `name`; raises InputError for anything else."""
        if not re.fullmatch(VARIANT_PATTERN, name):
            raise InputError(f'no variant is called "{name}"', allowed="base, uniform-0.R or nonuniform-0.R")
        method, _, ratio = name.partition("-")
        return cls(method, ratio)


BASE = Variant("base")
