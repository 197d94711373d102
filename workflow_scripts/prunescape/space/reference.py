"""Hyperparameters in words: the table in docs/hyperparameters.md, and the one line that an editor shows of each."""

import ast
import inspect
import textwrap
from dataclasses import MISSING
from itertools import pairwise

from prunescape.space.parameters import Parameter, Value
from prunescape.space.recipe import PARAMETERS, Recipe

HEADS = ("name", "meaning", "unit", "values", "default", "dimension", "acts with")


def hyperparameter_table() -> str:
    """One row per hyperparameter, in the order of the registry, as Markdown."""
    rows = [HEADS, ("---",) * len(HEADS), *(_row(parameter) for parameter in PARAMETERS.values())]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def hyperparameter_line(parameter: Parameter) -> str:
    """Its meaning, unit and values, with what it acts, and what else its field says."""
    meaning = parameter.meaning
    label = f"{meaning.label} in {meaning.unit}" if meaning.unit else meaning.label
    line = parameter.allowed if meaning.scale == "log10" else f"{label}: {parameter.allowed}"
    acts = f"Acts with {_conditions(parameter)}." if meaning.when else ""
    return " ".join(filter(None, [f"{line}.", acts, field_texts(Recipe).get(parameter.name)]))


def field_texts(kind: type) -> dict[str, str]:
    """The text under each field of a class, or of one that it is derived from, by field; lines are joined.

    pydantic can collect these too (`use_attribute_docstrings`), but an option of a class changes the code digest of
    all that reaches it, and a text does not.
    """
    found: dict[str, str] = {}
    for above in reversed(kind.__mro__[:-1]):
        if not above.__module__.startswith("pydantic"):
            (syntax,) = ast.parse(textwrap.dedent(inspect.getsource(above))).body
            found |= {name: joined(text) for name, text in map(_field_and_text, pairwise(syntax.body)) if text}
    return found


def joined(text: str) -> str:
    """A docstring as one line of plain text."""
    return " ".join(text.replace("`", "").split())


def _field_and_text(statements: tuple[ast.stmt, ast.stmt]) -> tuple[str, str]:
    """Two neighbours in a class as a field and the text under it; empty where they are something else."""
    match statements:
        case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(text))):
            return name, text
    return "", ""


def _row(parameter: Parameter) -> tuple[str, ...]:
    meaning = parameter.meaning
    about = (meaning.label, meaning.unit, parameter.allowed)
    return f"`{parameter.name}`", *about, _default(parameter.name), meaning.dimension, _conditions(parameter)


def _conditions(parameter: Parameter) -> str:
    return "; ".join(f"{name}: {', '.join(map(_text, levels))}" for name, levels in parameter.meaning.when)


def _default(name: str) -> str:
    field = Recipe.__dataclass_fields__.get(name)
    return "" if field is None or field.default in (MISSING, None) else _text(field.default)


def _text(value: Value) -> str:
    return str(value).lower() if isinstance(value, bool) else f"{value:g}" if isinstance(value, float) else str(value)
