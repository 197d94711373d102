"""Describes the columns of a landscape: its key, its axes (two or more hyperparameters) and its metric."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Self

from prunescape.errors import InputError
from prunescape.space.recipe import PARAMETERS

LOG10 = "log10_"
# the parameters that the default axes are the logarithms of, by the names that people give them
SYNONYMS = {"log10_lr": ("learning_rate", "lr"), "log10_wd": ("weight_decay", "wd")}
METRICS = ("top1", "top5")  # in percent, so that chance level and sensible thresholds are known
BASE = "base"
GROUP = ["experiment", "model", "dataset"]
LANDSCAPE = [*GROUP, "variant", "seed", "metric"]
KEY_COLUMNS = {
    "experiment": ("string", "name in the config"),
    "model": ("string", "unpruned architecture"),
    "dataset": ("string", "name of the data set"),
    "variant": ("string", "base or the name of a pruned form"),
    "seed": ("int64", "seed of the landscape's cells; in a risk, of the base's too"),
    "metric": ("string", "column of the cells that the row is about"),
}
# the same for a row that speaks of all seeds of a variant together
VARIANT_KEY_COLUMNS = {name: column for name, column in KEY_COLUMNS.items() if name != "seed"}
VARIANT_KEY = list(VARIANT_KEY_COLUMNS)


@dataclass(frozen=True)
class Axis:
    """One hyperparameter: a column called `name`, of the quantity called `label` or, in `decades`, of its logarithm.

    `source` is the column that the logarithm is still to be taken of, where the table has no column `name`; `zero` is
    the value there that 0, which has no logarithm, stands at.
    """

    name: str
    label: str
    decades: bool
    source: str = ""
    zero: float | None = None

    @classmethod
    def of(cls, name: str) -> Self:
        """The axis of a column: a hyperparameter of the recipe, or any other, where log10_ in front means decades."""
        if name in PARAMETERS:
            meaning = PARAMETERS[name].meaning
            return cls(name, meaning.label, meaning.scale == "log10")
        quantity = name.removeprefix(LOG10)
        known = next((default for default, names in SYNONYMS.items() if quantity in names), quantity)
        label = PARAMETERS[known].meaning.label if known in PARAMETERS else quantity
        return cls(name, label, quantity != name)

    @classmethod
    def parse(cls, text: str) -> Self:
        """`momentum`, or `log10:batch_size` for the logarithm of a column."""
        prefix, _, column = text.partition(":")
        if prefix != "log10" or not column:
            return cls.of(text)
        return replace(cls.of(LOG10 + column.removeprefix(LOG10)), source=column)

    @property
    def column(self) -> str:
        """The column of a table that it is read from."""
        return self.source or self.name

    @property
    def value(self) -> str:
        """What its column holds, in text: `log10 of the learning rate`, `momentum`."""
        text = f"log10 of the {self.label}" if self.decades else self.label
        return text if self.zero is None else f"{text}, 0 standing at {self.zero:g}"

    @property
    def distance(self) -> str:
        """What a difference of its values is, in text: `decades of learning rate`, `units of momentum`."""
        return f"{'decades' if self.decades else 'units'} of {self.label}"


@dataclass(frozen=True)
class Axes:
    """The axes of a landscape, at least two, in the order in which settings are sorted.

    The first two span the plane that ellipses and figures show: y, then x. Raises InputError for fewer, or for the
    same column twice.
    """

    axes: tuple[Axis, ...]

    def __post_init__(self) -> None:
        columns = [axis.column for axis in self.axes]
        columns += [axis.name for axis in self.axes if axis.name != axis.column]
        twice = [name for name in columns if columns.count(name) > 1]
        if twice:
            raise InputError(f'the column "{twice[0]}" is chosen for two axes', hint="each needs a column of its own")
        if len(self.axes) < 2:
            named = ", ".join(columns) or "none"
            raise InputError(f"a landscape needs two axes or more, and has {named}", hint="vary another hyperparameter")

    @classmethod
    def of(cls, names: Iterable[str]) -> Self:
        """The axes of these columns, sorted by name."""
        return cls(tuple(Axis.of(name) for name in sorted(names)))

    def with_zeros(self, places: Mapping[str, float]) -> Self:
        """These axes with the value that 0 stands at, by the column that is read or the quantity's name."""
        axes = {axis.name: axis for axis in self.axes}
        for column, value in places.items():
            found = [axis for axis in self.axes if column in (axis.column, *SYNONYMS.get(axis.column, ()))]
            if not found or not found[0].decades:
                what, hint = f'"{column}" is read by no logarithmic axis', f"--x log10:{column}"
                raise InputError(what, where="--zero-at", hint=hint)
            axes[found[0].name] = replace(found[0], zero=value)
        return type(self)(tuple(axes.values()))

    def __iter__(self) -> Iterator[Axis]:
        return iter(self.axes)

    @property
    def names(self) -> list[str]:
        """The columns, in the order in which settings are sorted."""
        return [axis.name for axis in self.axes]

    @property
    def y(self) -> Axis:
        """The vertical axis of the plane."""
        return self.axes[0]

    @property
    def x(self) -> Axis:
        """The horizontal axis of the plane."""
        return self.axes[1]

    @property
    def others(self) -> tuple[Axis, ...]:
        """The axes beyond the plane."""
        return self.axes[2:]

    def option(self, axis: Axis) -> str:
        """The option of the command line that chooses the column of an axis."""
        return {self.y.name: "--y", self.x.name: "--x"}.get(axis.name, "--other-axes")

    @property
    def x_first(self) -> tuple[Axis, ...]:
        """The axes in the order of columns and rows in tables of points: x, y, others."""
        return (self.x, self.y, *self.others)

    @property
    def unit(self) -> str:
        """What distances in the plane are measured in, in text."""
        return "decades" if self.x.decades and self.y.decades else "units of the axes"


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
    def is_top1(self) -> bool:
        """Whether it is what verdicts and a report speak of: top-1 accuracy in percent."""
        return self.names[0] == METRICS[0] and not self.minimise

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


DEFAULT_AXES = Axes.of(("log10_lr", "log10_wd"))
DEFAULT_METRIC = Metric()
