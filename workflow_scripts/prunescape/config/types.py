"""The kinds of value a config may hold, each with its bounds."""

from collections.abc import Hashable, Iterable
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from prunescape.errors import InputError, nearest
from prunescape.space.cells import NAME_PATTERN
from prunescape.space.parameters import canonical

Item = TypeVar("Item")
MOST_TOGETHER = 256  # cells on one GPU
SMALLEST_POINTS = 0.01  # one image of 10,000; such a value is more likely a share


class Part(BaseModel):
    """A piece of the config; a key that it does not know is an error.

    The text under a field says what the key means, in which unit: an editor shows it (schema.py).
    """

    model_config = ConfigDict(extra="forbid", frozen=True)


def _decimal(low: float, high: float, meaning: str) -> BeforeValidator:
    """Turns a number strictly between or at the bounds into canonical text."""

    def check(value: Any) -> str:
        try:
            text = canonical(value)
        except InputError as error:
            raise ValueError(f"{error}; allowed: {meaning}") from None
        if not low <= float(text) <= high:
            percent = f"; hint: did you mean {float(text) / 100:g}?" if 1 < float(text) < 100 else ""
            raise ValueError(f"{text} is out of bounds; allowed: {meaning}{percent}")
        return text

    return BeforeValidator(check)


def _distinct(values: list[Item]) -> list[Item]:
    if not values:
        raise ValueError("the list is empty; allowed: at least one value")
    repeated = first_repeated(values)
    if repeated is not None:
        raise ValueError(f"{repeated} is given more than once; allowed: each value once")
    return values


def first_repeated(values: Iterable[Any]) -> Any:
    """The first value that equals one before it, None without one; lists and mappings equal what is spelled alike."""
    seen: set[Any] = set()
    for value in values:
        known = value if isinstance(value, Hashable) else repr(value)
        if known in seen:
            return value
        seen.add(known)
    return None


def _points(value: float) -> float:
    if value <= SMALLEST_POINTS:
        what = f"{value:g} percentage points are less than a test set tells"
        raise ValueError(f"{what}; allowed: above {SMALLEST_POINTS:g}; hint: did you mean {100 * value:g}?")
    return value


def _percent(value: float) -> float:
    if 0 < value <= 1:
        raise ValueError(
            f"{value:g} is taken as percent; allowed: 0, or above 1 to 100; hint: did you mean {100 * value:g}?"
        )
    return value


def _count_or_auto(value: Any) -> int | str:
    if value == "auto" or (type(value) is int and 1 <= value <= MOST_TOGETHER):
        return value
    hint = f"; hint: {near}" if isinstance(value, str) and (near := nearest(value, ["auto"])) else ""
    raise ValueError(f"{value!r} cannot be used; allowed: auto, or a number from 1 to {MOST_TOGETHER}{hint}")


def refuse_tilde(path: str) -> None:
    """Raise InputError for a path that only a shell would read as the user meant it."""
    if path.startswith("~"):
        hint = f"did you mean {Path(path).expanduser()}?" if path.startswith("~/") else "write the whole path"
        raise InputError(f"{path} would be a folder called {Path(path).parts[0]}", hint=hint)


Name = Annotated[str, Field(pattern=rf"^{NAME_PATTERN}$", max_length=100)]
Ratio = Annotated[str, _decimal(1e-6, 1 - 1e-6, "the share of FLOPs to keep, above 0 and below 1")]
Distinct = Annotated[list[Item], AfterValidator(_distinct)]
Points = Annotated[float, Field(gt=0, le=100, allow_inf_nan=False), AfterValidator(_points)]
Percent = Annotated[float, Field(ge=0, le=100, allow_inf_nan=False), AfterValidator(_percent)]
ErrorRate = Annotated[float, Field(gt=0, lt=0.5)]
Count = Annotated[int, Field(ge=1, le=65_536)]
CountOrAuto = Annotated[int | str, BeforeValidator(_count_or_auto)]
Seed = Annotated[int, Field(ge=0, lt=2**31)]
