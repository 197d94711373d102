"""Columns by the names that sweep services give them: `params_lr`, `config/lr`, and a rate for its logarithm."""

from collections.abc import Container, Iterable
from dataclasses import replace

import pandas as pd

from prunescape.analysis.axes import SYNONYMS, Axes, Axis

# what Optuna's trials_dataframe, Ray Tune and W&B put before the name of a parameter or an attribute
CONFIG_PREFIXES = ("params_", "config/", "config.", "params.")
PREFIXES = (*CONFIG_PREFIXES, "user_attrs_", "summary/", "summary.", "metrics.", "value_")


def with_named_columns(cells: pd.DataFrame, axes: Axes, wanted: Iterable[str]) -> tuple[pd.DataFrame, Axes, list[str]]:
    """The cells with `wanted` columns under their own names, the axes with the columns that they are read from.

    A column that is missing is taken from the one that has a prefix of `PREFIXES` before its name, if there is just
    one; a default axis that is missing, from the rate or decay itself. The third value says what was taken from where.
    """
    synonyms = [name for axis in axes if not axis.source for name in SYNONYMS.get(axis.name, ())]
    known = {str(name) for name in cells}
    nested = {}
    for name in dict.fromkeys([*wanted, *synonyms]):
        column = nested_name(name, known)
        if column != name:
            nested[column] = name
    cells = cells.rename(columns=nested)
    read = [_from_parameter(axis, cells) for axis in axes]
    taken = {name: column for column, name in nested.items() if name not in synonyms}
    taken |= {new.name: f"log10 of {new.source}" for old, new in zip(axes, read, strict=True) if old != new}
    return cells, Axes(tuple(read)), [f"{name} from {column}" for name, column in taken.items()]


def nested_name(name: str, known: Container[str]) -> str:
    """The one column that has a prefix of `PREFIXES` before `name`, where no column has that name; else `name`."""
    found = [prefix + name for prefix in PREFIXES if prefix + name in known]
    return found[0] if name not in known and len(found) == 1 else name


def _from_parameter(axis: Axis, cells: pd.DataFrame) -> Axis:
    """The axis; a default one that is no column is read from the parameter that it is the logarithm of."""
    found = [name for name in SYNONYMS.get(axis.name, ()) if name in cells]
    return replace(axis, source=found[0]) if found and axis.column not in cells else axis
