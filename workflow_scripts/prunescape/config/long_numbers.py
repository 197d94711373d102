"""Numbers that a path cannot hold: every digit of a hyperparameter's value or a ratio stands in the paths of cells."""

from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from typing import Any

from prunescape.errors import InputError

MOST_DIGITS = 40
# of an experiment; below `design` and `tune` their `space`
HOLDERS = (("recipe",), ("prior",), ("network",), ("grid",), ("variants",), ("design", "space"), ("tune", "space"))


def refuse_long_numbers(config: dict[str, Any], source: str) -> None:
    """Raise InputError for a number, or its text, that has more than MOST_DIGITS digits when it is written out."""
    experiments = _at(config, ("experiments",))
    for name, experiment in experiments.items() if isinstance(experiments, dict) else ():
        for holder in HOLDERS:
            for keys, value in _leaves(_at(experiment, holder)):
                if _digits(value) > MOST_DIGITS:
                    where = f"{source}: {'.'.join(map(str, ('experiments', name, *holder, *keys)))}"
                    what, hint = f"{str(value)[:20]}... has too many digits", "round it"
                    if len(str(value)) <= MOST_DIGITS:
                        what = f"{value} has {_digits(value)} digits when it is written out"
                    raise InputError(what, where=where, allowed=f"up to {MOST_DIGITS} digits", hint=hint)


def _at(holder: Any, keys: tuple[str, ...]) -> Any:
    for key in keys:
        holder = holder.get(key) if isinstance(holder, dict) else None
    return holder


def _leaves(value: Any, *keys: object) -> Iterator[tuple[tuple[object, ...], Any]]:
    """Every value with its keys below a place of the config."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else None
    if items is None:
        yield keys, value
        return
    for key, item in items:
        yield from _leaves(item, *keys, key)


def _digits(value: Any) -> int:
    """How many digits a finite number has without an exponent; 0 for anything else."""
    try:
        number = Decimal(value if isinstance(value, int) else str(value))
    except (InvalidOperation, ValueError):
        return 0
    if not number.is_finite():
        return 0
    _, digits, exponent = number.as_tuple()
    return max(len(digits) + exponent, -int(exponent), len(digits))
