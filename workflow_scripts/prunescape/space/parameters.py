"""Hyperparameters as settings and analyses know them: name, scale, bounds, and the one text of each value.

The registry is `recipe.PARAMETERS`. Needs annotated-types only.
"""

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, Literal

from annotated_types import Ge, Gt, Le, Lt

from prunescape.errors import InputError

Scale = Literal["log10", "linear", "integer", "categorical", "switch"]
Dimension = Literal["architecture", "layer", "optimiser", "data", "system"]
Value = float | int | bool | str
NUMERIC = ("log10", "linear", "integer")
COMPARISONS = {
    Ge: ("at least", lambda value, bound: value >= bound.ge, lambda bound: bound.ge),
    Gt: ("above", lambda value, bound: value > bound.gt, lambda bound: bound.gt),
    Le: ("at most", lambda value, bound: value <= bound.le, lambda bound: bound.le),
    Lt: ("below", lambda value, bound: value < bound.lt, lambda bound: bound.lt),
}


@dataclass(frozen=True)
class Meaning:
    """What a field of the recipe is as a hyperparameter: stands in the field's annotation.

    `label` names the quantity in text, without its logarithm; `unit` is empty for a pure number or a name. `dimension`
    is the part of a training that it belongs to (liao2022, 3.2, Table 2; data and system are ours). `stackable` says
    that networks which train as one on a GPU may differ in it. It acts only `when` each named hyperparameter has one of
    the values beside its name.
    One of the `network` shapes it, so that its widths are planned anew; all others say how it is trained.
    """

    label: str
    scale: Scale
    dimension: Dimension = "optimiser"
    stackable: bool = False
    unit: str = ""
    when: tuple[tuple[str, tuple[Value, ...]], ...] = ()
    network: bool = False


@dataclass(frozen=True)
class Parameter:
    """One hyperparameter: `name` in configs, paths and tables; `bounds` are those of its field, on its own scale."""

    name: str
    meaning: Meaning
    bounds: tuple[Ge | Gt | Le | Lt, ...] = ()
    levels: tuple[str, ...] = ()

    @property
    def numeric(self) -> bool:
        """Whether its values have an order and distances, as an axis needs."""
        return self.meaning.scale in NUMERIC

    @property
    def column(self) -> tuple[str, str]:
        """The arrow type and the meaning of a column of its values."""
        kinds = {"integer": "int64", "categorical": "string", "switch": "bool"}
        of = "log10 of the " if self.meaning.scale == "log10" else ""
        return kinds.get(self.meaning.scale, "float64"), of + self.meaning.label

    def acts(self, values: Mapping[str, Any]) -> bool:
        """Whether it has an effect beside these values of a training's other hyperparameters.

        Raises KeyError where such a value is missing.
        """
        return all(values[name] in levels for name, levels in self.meaning.when)

    @property
    def allowed(self) -> str:
        """The allowed values, in words."""
        if self.levels:
            return ", ".join(self.levels)
        kind = {"switch": "true or false", "integer": "a whole number"}.get(self.meaning.scale, "a number")
        limits = [f"{COMPARISONS[type(bound)][0]} {COMPARISONS[type(bound)][2](bound)}" for bound in self.bounds]
        text = " ".join([kind, " and ".join(limits)]).strip()
        return f"log10 of the {self.meaning.label}, {text}" if self.meaning.scale == "log10" else text

    def value(self, given: Any) -> Value:
        """`given`, a value or its text, as a value of the hyperparameter's type.

        Raises InputError for what is none, or outside its bounds.
        """
        found = self._typed(given)
        if found is None or not all(COMPARISONS[type(bound)][1](found, bound) for bound in self.bounds):
            raise InputError(f"{str(given)[:60]} cannot be used", allowed=self.allowed)
        return found

    def text(self, given: Any) -> str:
        """The one text of a value in paths and settings; raises InputError as `value` does."""
        found = self.value(given)
        if isinstance(found, bool):
            return str(found).lower()
        return canonical(given) if isinstance(found, float) else str(found)

    def _typed(self, given: Any) -> Value | None:
        if self.meaning.scale == "switch":
            return {"true": True, "false": False}.get(str(given).lower())
        if self.meaning.scale == "categorical":
            return str(given) if str(given) in self.levels else None
        try:
            number = float(canonical(given))
        except InputError:
            return None
        if self.meaning.scale == "integer":
            return int(number) if number.is_integer() else None
        return number


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
