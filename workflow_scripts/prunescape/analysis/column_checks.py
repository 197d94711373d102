"""The columns of a table of cells, one by one: which are missing, and texts and numbers that each row must hold."""

import re
import sys
from collections.abc import Callable, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from prunescape.analysis.axes import Axes, Metric
from prunescape.analysis.sources.runs import FINISHED, STEPS, UNFINISHED
from prunescape.errors import InputError, nearest
from prunescape.store.records import DIVERGED, GRID, OK, SPLITS, VALIDATION
from prunescape.store.stages import ALL_STAGES

# texts with few values: their default and all that they may be
CHOICES = {"status": (OK, (OK, DIVERGED)), "stage": (GRID, ALL_STAGES), "select_on": (VALIDATION, SPLITS)}
WHOLE = ("seed", "classes", "round")
ALIKE = 0.7  # share of letters, as difflib counts it: "seed" is not meant by "Created"
NAMED = 12  # so many columns are named in a hint
MOST_GROUPS = 200  # of rows that are analysed apart
EXACT = 2**53  # a floating-point number keeps every whole number up to here
HOLDS = 'the column "{name}" holds {value:g}'
NO_NUMBER = 'the column "{name}" holds "{value}", which is not a finite number'
IS_TIME = 'the column "{name}" holds {value}, a time and no number'
NOT_FINITE = 'the column "{name}" holds {value}, which is not a finite number'
NOT_WHOLE = 'the column "{name}" holds {value}, which is not a whole number'
INEXACT = 'the column "{name}" holds {value}, of which a floating-point number keeps only the first 16 digits'
TOO_LARGE = 'the column "{name}" holds {value}, which has more than 64 bits'
Hint = str | Callable[[Any], str]


def check_columns(cells: pd.DataFrame, needed: tuple[str, ...], axes: Axes, metric: Metric, path: Path | str) -> None:
    """Raise for the `needed` columns that are missing, all at once, each with the column that is meant, if any is."""
    missing = [name for name in dict.fromkeys(needed) if name not in cells]
    if not missing:
        return
    others = [str(name) for name in cells if name not in needed]
    options = {axis.column: axes.option(axis) for axis in axes} | {metric.names[0]: "--metric"}
    near = {name: text for name in missing if (text := _meant(name, others))}
    hints = []
    for name in missing:
        texts = [near.get(name, ""), f"{options[name]} chooses another" if name in options else ""]
        if text := "; ".join(filter(None, texts)):
            hints.append(f"{name}: {text}" if len(missing) > 1 else text)
    if alone := [name for name in missing if name not in near and name not in options]:
        hints.append(f"add the {_plural(alone)}, with the same value in all rows where nothing varies")
    hints += _other_kinds(cells, missing, options)
    if others and not near:
        hints.append(f"the other columns are {', '.join(others[:NAMED])}" + ", ..." * (len(others) > NAMED))
    what = f"the {_plural(missing)} {'is' if len(missing) == 1 else 'are'} missing"
    raise InputError(what, where=path, allowed=f"needed are {', '.join(needed)}", hint="; ".join(hints))


def _other_kinds(cells: pd.DataFrame, missing: list[str], options: dict[str, str]) -> list[str]:
    """Hints at tables that are no tables of runs: with settings as text in one column, or without settings."""
    hints, first = [], cells.head(1)
    records = [name for name in cells if first[name].astype("str").str.startswith("{").any()]
    if records:
        hints.append(f'"{records[0]}" holds records: pandas.json_normalize makes a column of each of their keys')
    steps = [name for name in STEPS if name in cells]
    if steps and any(name in options for name in missing):
        hints.append(f'is this the log of a run, by "{steps[0]}"? A table has one row per run, with its settings')
    return hints


def _meant(name: str, others: list[str]) -> str:
    """A hint at the column that is `name` below another, as `optimizer.lr`, or is much like it; or an empty text."""
    nested = [other for other in others if re.split(r"[/.]", other)[-1] == name]
    lower = {other.lower(): other for other in others}
    alike = get_close_matches(name.lower(), lower, n=1, cutoff=ALIKE)
    meant = [*nested[:1], *(lower[found] for found in alike)]
    return f'did you mean "{meant[0]}"?' if meant else ""


def _plural(names: list[str]) -> str:
    """`column "model"`, `columns "model", "dataset" and "seed"`."""
    quoted = [f'"{name}"' for name in names]
    if len(quoted) == 1:
        return f"column {quoted[0]}"
    return f"columns {', '.join(quoted[:-1])} and {quoted[-1]}"


def check_groups(frame: pd.DataFrame, by: Sequence[str], path: Path | str) -> None:
    """Raise where the columns `by` have so many values that they are no names of groups."""
    sizes = frame.groupby(list(by), dropna=False).size() if by else pd.Series([2])
    if len(sizes) > MOST_GROUPS or sizes.max() < 2:
        what = f"{' and '.join(by)} split the table into {len(sizes)} groups"
        few = f" of {len(frame) / len(sizes):.3g} rows" if sizes.max() > 1 else " of one row"
        allowed = f"up to {MOST_GROUPS} groups, of two rows or more"
        raise InputError(what + few, where=path, allowed=allowed, hint="is it a number that varies from run to run?")


def set_text(cells: pd.DataFrame, name: str, path: Path | str) -> None:
    """Make the column text, with its default where it is missing."""
    if name == "experiment" and name not in cells:
        cells[name] = cells["dataset"] + "-" + cells["model"]
    elif name in CHOICES:
        default = CHOICES[name][0]
        cells[name] = cells[name].astype("str").fillna(default) if name in cells else default
    values = cells[name] = cells[name].astype("str").str.strip()
    refuse(values, values.isna() | (values == ""), 'the column "{name}" is empty', path)
    if name in CHOICES:
        allowed = CHOICES[name][1]

        def hint(value: str) -> str:
            if name == "status" and value.lower() in (*FINISHED, *UNFINISHED):
                return 'call the column "state": runs that are not finished are then left out'
            return nearest(value, allowed)

        refuse(values, ~values.isin(allowed), 'unknown {name} "{value}"', path, allowed=", ".join(allowed), hint=hint)


def set_number(cells: pd.DataFrame, name: str, path: Path | str, *, needed: bool, hint: str = "") -> None:
    """Make the column float64 (seed and round: int64); null stays null unless it is `needed`.

    `hint` says what to do about a value that is missing or infinite.
    """
    values = cells[name] if name in cells else pd.Series(np.nan, index=cells.index, name=name)
    if values.dtype.kind in "mM":  # pandas would count nanoseconds
        refuse(values, values.notna(), IS_TIME, path, hint="give seconds or days as a number")
        values = pd.Series(np.nan, index=values.index, name=name)
    if values.dtype == object or pd.api.types.is_bool_dtype(values):
        values = values.map(lambda value: value if value is None else str(value)).astype("str")
    numbers = pd.to_numeric(values, errors="coerce").astype("float64")
    refuse(values, numbers.isna() & values.notna(), NO_NUMBER, path, hint=lambda value: _why_no_number(value) or hint)
    refuse(numbers, np.isinf(numbers) | (numbers.isna() & needed), NOT_FINITE, path, hint=hint)
    if name in WHOLE:
        refuse(values, (numbers % 1 != 0) & numbers.notna(), NOT_WHOLE, path)
    if name in ("seed", "round"):
        cells[name] = _exact(values.fillna(0) if name == "round" else values, path)
    else:
        cells[name] = numbers


def _why_no_number(value: str) -> str:
    """What a spreadsheet may have made of a number."""
    if re.fullmatch(r"[-+]?[0-9]*,[0-9]+(e[-+]?[0-9]+)?", value, re.IGNORECASE):
        return f"a decimal point instead of the comma: {value.replace(',', '.')}; save the sheet with English numbers"
    if re.fullmatch(r"[-+]?[0-9]+([.,][0-9]+)?\s*%", value):
        return f"without its unit: {value.rstrip('% ').replace(',', '.')}"
    return ""


def _exact(values: pd.Series, path: Path | str) -> pd.Series:
    """Whole numbers as int64, without a detour through floating-point numbers.

    Where one has 64 bits without a sign, as seeds of torch may, all are numbered by size instead, with a warning.
    """
    known = {value: _whole(value) for value in values.unique()}
    found = values.map(known).astype(object)
    refuse(values, found.isna(), INEXACT, path, hint="give it as a whole number or as text")
    ordered = sorted(set(known.values()))
    if ordered and (ordered[-1] >= 2**64 or ordered[0] < -(2**63)):
        bad = found.map(lambda value: not -(2**63) <= value < 2**64)
        refuse(values, bad, TOO_LARGE, path, hint="number the seeds 0, 1, ...")
    if ordered and ordered[-1] >= 2**63:
        named = ", ".join(f"{number} for {value}" for number, value in enumerate(ordered[:3]))
        more = f", ... of {len(ordered)}" if len(ordered) > 3 else ""
        print(f"warning: {path}: a {values.name} is over 2^63, so results have {named}{more}", file=sys.stderr)
        found = found.map({value: number for number, value in enumerate(ordered)})
    return found.astype("int64")


def _whole(value: Any) -> int | None:
    """The whole number that a number or a text is; None where a floating-point number holds it inexactly."""
    if isinstance(value, float):
        return int(value) if abs(value) <= EXACT else None
    try:
        return int(value)
    except ValueError:
        return _whole(float(value))


def refuse(
    values: pd.Series, bad: pd.Series, text: str, path: Path | str, *, hint: Hint = "", allowed: str = ""
) -> None:
    """Raise for the first `bad` row, whose text may quote the column's {name} and its {value} there.

    `hint` may be a function of that value. The row is named by its number: a trial of a storage has a name of its own.
    """
    if bad.any():
        row = int(bad.to_numpy(dtype=bool).argmax())
        label, value = values.index[row], values.iloc[row]
        place = label if isinstance(label, str) else f"row {label + 1} after the header"
        found = hint if isinstance(hint, str) else hint(value)
        raise InputError(
            text.format(name=values.name, value=value), where=f"{path}, {place}", allowed=allowed, hint=found
        )
