"""The table of all hyperparameters that stands in docs/hyperparameters.md."""

from dataclasses import MISSING

from prunescape.space.parameters import Parameter, Value
from prunescape.space.recipe import PARAMETERS, Recipe

HEADS = ("name", "meaning", "unit", "values", "default", "dimension", "acts with")


def hyperparameter_table() -> str:
    """One row per hyperparameter, in the order of the registry, as Markdown."""
    rows = [HEADS, ("---",) * len(HEADS), *(_row(parameter) for parameter in PARAMETERS.values())]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _row(parameter: Parameter) -> tuple[str, ...]:
    meaning = parameter.meaning
    conditions = [f"{name}: {', '.join(map(_text, levels))}" for name, levels in meaning.when]
    about = (meaning.label, meaning.unit, parameter.allowed)
    return f"`{parameter.name}`", *about, _default(parameter.name), meaning.dimension, "; ".join(conditions)


def _default(name: str) -> str:
    field = Recipe.__dataclass_fields__.get(name)
    return "" if field is None or field.default in (MISSING, None) else _text(field.default)


def _text(value: Value) -> str:
    return str(value).lower() if isinstance(value, bool) else f"{value:g}" if isinstance(value, float) else str(value)
