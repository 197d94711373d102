"""Decimal numbers and their one text. Needs nothing."""

from __future__ import annotations

import itertools
from decimal import Decimal, InvalidOperation

from prunescape.errors import InputError


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
