"""Variants, cells and their paths: the only place that formats or parses a value in a path. Needs nothing."""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from prunescape.errors import InputError

METHODS = ("uniform", "nonuniform")
NAME_PATTERN = r"[A-Za-z0-9][A-Za-z0-9._-]*"
DECIMAL_PATTERN = r"-?[0-9]+\.[0-9]+"
VARIANT_PATTERN = r"base|(?:uniform|nonuniform)-0\.[0-9]+"
EXPERIMENT_PATH = "experiment={experiment}"
VARIANT_PATH = EXPERIMENT_PATH + "/variant={variant}"
CELL_PATH = VARIANT_PATH + "/log10_lr={log10_lr}/log10_wd={log10_wd}/seed={seed}"


def canonical(value: float | int | str) -> str:
    """The one text of a number in paths: plain decimal, at least one digit after the point, no `-0.0`.

    Raises InputError when `value` is no finite number.
    """
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        number = Decimal("nan")
    if not number.is_finite() or isinstance(value, bool):
        raise InputError(f"{repr(value)[:60]} is not a finite number")
    text = f"{number.normalize() + 0:f}"
    return text if "." in text else f"{text}.0"


def equally_spaced(values: list[str]) -> bool:
    """Whether the numbers in `values`, canonical text in rising order, are all one step apart."""
    numbers = [Decimal(value) for value in values]
    return len({later - earlier for earlier, later in itertools.pairwise(numbers)}) <= 1


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
    def parse(cls, name: str) -> Variant:
        """The variant called `name`; raises InputError for anything else."""
        if not re.fullmatch(VARIANT_PATTERN, name):
            raise InputError(f'no variant is called "{name}"', allowed="base, uniform-0.R or nonuniform-0.R")
        method, _, ratio = name.partition("-")
        return cls(method, ratio)


BASE = Variant("base")


@dataclass(frozen=True, order=True)
class Cell:
    """One training: variant + learning rate + weight decay + seed, within an experiment.

    `log10_lr` and `log10_wd` are canonical decimal texts of log10 of the learning rate and of the weight decay.
    """

    experiment: str
    variant: Variant
    log10_lr: str
    log10_wd: str
    seed: int = 0

    @property
    def learning_rate(self) -> float:
        return 10.0 ** float(self.log10_lr)

    @property
    def weight_decay(self) -> float:
        return 10.0 ** float(self.log10_wd)

    @property
    def path(self) -> str:
        """The folder of this cell, relative to the study's results."""
        return CELL_PATH.format(**self.wildcards)

    @property
    def file_name(self) -> str:
        """The same as the name of one file."""
        return self.path.replace("/", ",")

    @property
    def wildcards(self) -> dict[str, str]:
        """The values that stand in `CELL_PATH`."""
        return {
            "experiment": self.experiment,
            "variant": self.variant.name,
            "log10_lr": self.log10_lr,
            "log10_wd": self.log10_wd,
            "seed": str(self.seed),
        }

    @classmethod
    def parse(cls, path: str) -> Cell:
        """The cell whose `path` this is; raises InputError for anything else."""
        found = CELL_PATTERN.fullmatch(path)
        if not found:
            raise InputError(f'"{path}" is no path of a cell', allowed=CELL_PATH)
        return cls.from_wildcards(found.groupdict())

    @classmethod
    def from_wildcards(cls, wildcards) -> Cell:
        """The inverse of `wildcards`; takes any mapping or object with those names."""
        get = wildcards.get if hasattr(wildcards, "get") else lambda name: getattr(wildcards, name)
        variant = Variant.parse(get("variant"))
        return cls(get("experiment"), variant, get("log10_lr"), get("log10_wd"), int(get("seed")))


CELL_PATTERN = re.compile(
    CELL_PATH.format(
        experiment=f"(?P<experiment>{NAME_PATTERN})",
        variant=f"(?P<variant>{VARIANT_PATTERN})",
        log10_lr=f"(?P<log10_lr>{DECIMAL_PATTERN})",
        log10_wd=f"(?P<log10_wd>{DECIMAL_PATTERN})",
        seed="(?P<seed>[0-9]+)",
    )
)


def grid_cells(experiment: str, variants, log10_lrs, log10_wds, seeds) -> list[Cell]:
    """Every cell of an experiment, in a fixed order: variant, learning rate, weight decay, seed."""
    combinations = itertools.product(variants, log10_lrs, log10_wds, seeds)
    return [Cell(experiment, variant, lr, wd, seed) for variant, lr, wd, seed in combinations]
