"""Which columns of a table span its landscapes and which one fills them; the analysis itself knows one set of names."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from prunescape.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

SETTING = ["log10_lr", "log10_wd"]  # a landscape's y and x axis, in the order in which settings are sorted
GROUP = ["experiment", "model", "dataset"]
METRICS = ("top1", "top5")  # in percent, so that chance level and sensible thresholds are known
BASE = "base"
# what says which cell or landscape a row is of is neither axis nor metric
TAKEN = (*GROUP, "variant", "seed", "status", "stage", "round", "select_on", "classes")
# columns of results that hold the metric itself: a minimised one is negated in them; every other one holds differences
METRIC_VALUES = ("score", "chosen_on", "best", "best_chosen_on")
IMAGES = ("correct_bits", "correct", "tested")  # which images were right says nothing about any other metric than top1


@dataclass(frozen=True)
class Axis:
    """A column that is an axis, as it stands or, when `log10`, through the logarithm of its values."""

    column: str
    log10: bool = False

    @classmethod
    def parse(cls, text: str) -> Axis:
        """`momentum`, or `log10:batch_size` for the logarithm of a column."""
        prefix, _, column = text.partition(":")
        return cls(column, log10=True) if prefix == "log10" and column else cls(text)

    @property
    def name(self) -> str:
        """The axis' name in results."""
        return f"log10_{self.column}" if self.log10 else self.column

    @property
    def in_decades(self) -> bool:
        """Whether its values are logarithms: taken here, or called so."""
        return self.name.startswith("log10_")


@dataclass(frozen=True)
class Choice:
    """The columns that an analysis takes for its axes and its metric, and what it counts as near the best.

    `x` and `y` stand where log10 weight decay and log10 learning rate stand by default; `metric` None means top1, and
    top5 where it was recorded. `thresholds` (x of the x-ROIs) are in the metric's own unit, ascending; the lowest is
    the base's region that risks are taken over. `base` is the name of the variant that is the base. Raises InputError
    for a choice that no table could fulfil.
    """

    x: Axis = field(default=Axis("log10_wd"))
    y: Axis = field(default=Axis("log10_lr"))
    metric: str | None = None
    minimise: bool = False
    thresholds: tuple[float, ...] = ()
    base: str = BASE

    def __post_init__(self) -> None:
        _check_columns(self.x, self.y, self.metrics)
        if self.minimise and self.metric is None:
            raise InputError("what to minimise is not said", hint="name the column with --metric")
        for x in self.thresholds:
            if not 0 <= x < float("inf"):
                raise InputError(f"the threshold {x} is no distance to the best", allowed="0 or more")
        object.__setattr__(self, "thresholds", tuple(sorted(set(self.thresholds))))

    @property
    def metrics(self) -> tuple[str, ...]:
        """The metrics' columns, the one that every cell needs first."""
        return METRICS if self.metric is None else (self.metric,)

    @property
    def in_percent(self) -> bool:
        return self.metric is None or self.metric in METRICS

    def internal(self, cells: pd.DataFrame) -> pd.DataFrame:
        """Checked cells under the names that the analysis knows: axes as `SETTING`, metric as top1, higher is better.

        A column that is called so but was not chosen is left out. With the default choice the cells stay as they are.
        """
        if self == Choice(thresholds=self.thresholds):
            return cells
        names = {self.y.name: "log10_lr", self.x.name: "log10_wd"}
        taken = set(SETTING)
        if self.metric is not None:
            names |= {self.metric: "top1", f"val_{self.metric}": "val_top1"}
            taken |= {"top1", "top5", "val_top1", "val_top5", *(IMAGES if self.metric != "top1" else ())}
        cells = cells.drop(columns=[name for name in cells if name in taken and name not in names])
        cells = cells.rename(columns=names)
        if self.metric is not None:
            cells = cells.assign(top5=float("nan"), val_top5=float("nan"))
        if self.minimise:
            cells[["top1", "val_top1"]] *= -1
        return cells.assign(variant=cells["variant"].replace(self.base, BASE))

    def result(self, frame: pd.DataFrame, columns: dict[str, tuple[str, str]]):
        """A result table and its columns (name -> type, meaning) under the chosen names, the metric in its own sign."""
        values = [name for name in columns if self.minimise and name in METRIC_VALUES]
        frame = frame.assign(**{name: 0.0 - frame[name] for name in values})
        if "metric" in columns and self.metric is not None:
            frame = frame.assign(metric=self.metric)
        if "variant" in columns and self.base != BASE:
            frame = frame.assign(variant=frame["variant"].replace(BASE, self.base))
        given = {name: self.given(name) for name in columns}
        for axis in (self.x.name, self.y.name):
            if list(given.values()).count(axis) > 1:
                raise InputError(f'an axis is called "{axis}", as a column of the results is', hint="rename it")
        meanings = {given[name]: (kind, self.meaning(text)) for name, (kind, text) in columns.items()}
        return frame.rename(columns=given), meanings

    def given(self, name: str) -> str:
        """The name that a result's column has in the chosen words: `centre_log10_wd` becomes `centre_momentum`."""
        words = {"log10_lr": self.y.name, "log10_wd": self.x.name, "top1": self.metric or "top1"}
        return re.sub("|".join(words), lambda found: words[found[0]], name)

    def meaning(self, text: str) -> str:
        """What a result's column means in the chosen words; `text` is written for the default choice."""
        words = {}
        if self.y != DEFAULT.y:
            words[r"(?:log10 |decades )?(?:of (?:the|its) |of )?learning rate|log10_lr"] = self.y.name
        if self.x != DEFAULT.x:
            words[r"(?:log10 |decades )?(?:of (?:the|its) |of )?weight decay|log10_wd"] = self.x.name
        if not (self.x.in_decades and self.y.in_decades):
            words[r"decades(?: \(log10 units\))?"] = "units of the axes"
        if self.metric is not None:
            words[r"top1 or top5"] = "the chosen column"
        if not self.in_percent:
            words |= {r"percentage points": f"units of {self.metric}", r"percent(?: on the test split)?": self.metric}
        if self.thresholds:
            words[r"0\.5-ROI"] = f"{self.thresholds[0]:g}-ROI"
        if not words:
            return text
        # in one pass: with the axes swapped, a word put in is another one's pattern
        return re.sub("|".join(words), lambda found: _word(words, found[0]), text)


def _word(words: dict[str, str], found: str) -> str:
    return next(word for pattern, word in words.items() if re.fullmatch(pattern, found))


def _check_columns(x: Axis, y: Axis, metrics: tuple[str, ...]) -> None:
    """A column has one role."""
    for name in (x.column, y.column, *metrics):
        if name in TAKEN:
            what = f'the column "{name}" can be no axis and no metric: it says which cell or landscape a row is of'
            raise InputError(what)
    if x.column == y.column or x.name == y.name:
        raise InputError(f'the column "{x.column}" is chosen for both axes', hint="--x and --y need two columns")
    for axis in (x, y):
        if axis.column in metrics:
            raise InputError(f'the column "{axis.column}" is chosen as an axis and as the metric')


DEFAULT = Choice()
