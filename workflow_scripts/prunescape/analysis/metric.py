"""What fills a landscape: the metric, the direction in which it is better, and how results speak of it."""

from __future__ import annotations

from dataclasses import dataclass

from prunescape.errors import InputError

METRICS = ("top1", "top5")  # in percent, so that chance level and sensible thresholds are known


@dataclass(frozen=True)
class Metric:
    """The column `name` of a table of cells; without a name top1 and, where it was recorded, top5.

    A metric to `minimise` is negated while it is analysed, so that higher is better, and has its own sign in results.
    """

    name: str | None = None
    minimise: bool = False

    def __post_init__(self) -> None:
        if self.minimise and self.name is None:
            raise InputError("what to minimise is not said", hint="name the column with --metric")

    @property
    def names(self) -> tuple[str, ...]:
        """The columns, the one that every cell needs first."""
        return METRICS if self.name is None else (self.name,)

    @property
    def in_percent(self) -> bool:
        """Whether chance level and tolerances are known."""
        return self.name is None or self.name in METRICS

    @property
    def sign(self) -> int:
        """What values are multiplied by so that higher is better."""
        return -1 if self.minimise else 1

    @property
    def value(self) -> str:
        """The unit of a value, in text."""
        return "percent" if self.in_percent else str(self.name)

    @property
    def score(self) -> str:
        """What a score is, in text."""
        return "percent on the test split" if self.in_percent else str(self.name)

    @property
    def distance(self) -> str:
        """The unit of a difference, in text."""
        return "percentage points" if self.in_percent else f"units of {self.name}"


DEFAULT_METRIC = Metric()
