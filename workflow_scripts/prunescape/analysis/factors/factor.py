"""One factor: a column of a table with its kind, its levels and its reference."""

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
import pandas as pd

from prunescape.analysis.axes import BASE
from prunescape.errors import InputError, nearest
from prunescape.space.recipe import PARAMETERS, Recipe

Kind = Literal["continuous", "log10", "levels", "categorical", "switch"]
KINDS: tuple[Kind, ...] = ("continuous", "log10", "levels", "categorical", "switch")
NUMERIC: tuple[Kind, ...] = ("continuous", "log10", "levels")
FEW_LEVELS = 6  # a number with so many values or fewer has levels; with more it is continuous
LOG10 = "log10:"
ABSENT = "does not act"  # the level of rows without a value
LARGEST = 1e150  # of a number: the square of a larger one is no floating-point number
WIDE = 100  # numbers above 0 of which the largest is so many times the smallest are better seen as logarithms


@dataclass(frozen=True)
class Factor:
    """A factor as it enters a model, `name` as it is spelled: `momentum`, or `log10:lr` for the logarithm of `lr`.

    A continuous one (kinds continuous and log10) enters as its value, and `low` and `high` are its ends. Any other has
    `levels`, in order, and each is compared with the `reference`. Rows without a value are those where it does not act.
    """

    name: str
    column: str
    kind: Kind
    levels: tuple[str, ...] = ()
    reference: str = ""
    low: float = math.nan
    high: float = math.nan
    median: float = math.nan

    @property
    def continuous(self) -> bool:
        """Whether it enters as a number."""
        return self.kind in ("continuous", "log10")

    @property
    def others(self) -> tuple[str, ...]:
        """The levels but the reference."""
        return tuple(level for level in self.levels if level != self.reference)

    def values(self, frame: pd.DataFrame) -> np.ndarray:
        """Its numbers (n,), nan where it does not act; of levels, their places in `levels`, too."""
        if self.continuous:
            return numbers(frame[self.column], self.kind == "log10")
        known = {level: place for place, level in enumerate(self.levels)}
        places, distinct = pd.factorize(frame[self.column])
        return np.array([*(known.get(level_text(value), np.nan) for value in distinct), np.nan])[places]

    def within(self, frame: pd.DataFrame) -> Self | None:
        """The factor in some rows of its table, with the levels or ends that these have; None where it is constant."""
        if self.continuous:
            known = self.values(frame)
            known = known[~np.isnan(known)]
            if len(known) == 0 or known.min() == known.max():
                return None
            return replace(self, low=float(known.min()), high=float(known.max()))
        counts = level_texts(frame[self.column]).value_counts(dropna=False)
        levels = tuple(level for level in self.levels if level in counts.index)
        if len(counts) < 2 or not levels:
            return None
        frequent = max(levels, key=lambda level: counts[level])
        return replace(self, levels=levels, reference=self.reference if self.reference in levels else frequent)

    @classmethod
    def of(cls, frame: pd.DataFrame, name: str, *, where: Path | str = "", kind: str = "", reference: str = "") -> Self:
        """The factor that `name` spells, of a kind that is given or found. Raises InputError for what cannot be one."""
        column, kind = column_of(name), LOG10[:-1] if name.startswith(LOG10) else kind
        name = LOG10 + column if kind == "log10" else name
        kind = checked_kind(frame[column], kind, f"{where}, column {column}")
        if kind in ("continuous", "log10"):
            if reference:
                hint = f"--types {column}=levels"
                raise InputError(f'"{name}" is continuous and has no reference level', where=where, hint=hint)
            low, median, high = _ends(numbers(frame[column], kind == "log10"), name, where)
            return cls(name, column, kind, low=low, high=high, median=median)
        texts = level_texts(frame[column])
        levels = ordered_levels(frame[column], texts)
        if len(levels) + texts.isna().any() < 2:
            what = f'the factor "{name}" has one level, {levels[0] if levels else "no value at all"}'
            raise InputError(what, where=where, hint="leave it out, or add rows with another level")
        return cls(name, column, kind, levels, reference_level(name, column, texts, levels, reference, where))


def column_of(spelling: str) -> str:
    """`lr` of `lr` and of `log10:lr`."""
    return spelling.removeprefix(LOG10)


def numbers(values: pd.Series, logarithm: bool) -> np.ndarray:
    """A column as float64 (n,), nan where it has no value, or the log10 of it."""
    found = pd.to_numeric(values, errors="coerce").to_numpy("float64", na_value=np.nan)
    return np.log10(found) if logarithm else found


def checked_kind(values: pd.Series, kind: str, where: str) -> Kind:
    """The kind of a column: what is given, if the column can be that, else what its values show. Raises InputError."""
    numeric = is_number(values)
    if not kind:
        return found_kind(values)
    if kind not in KINDS:
        raise InputError(f'no factor is of the kind "{kind}"', where=where, allowed=", ".join(KINDS))
    if kind in NUMERIC and not numeric:
        known = values.dropna()
        first = next((str(value) for value in known if not _is_float(value)), str(known.iloc[0]) if len(known) else "")
        hint = "--types NAME=categorical"
        raise InputError(f'"{first}" is no number, so the column is not {kind}', where=where, hint=hint)
    if kind == "log10" and (values <= 0).any():
        what = f"{values.min():g} has no logarithm"
        raise InputError(what, where=where, hint="leave these rows out, or choose the column itself")
    return kind


def found_kind(values: pd.Series) -> Kind:
    """What a column's values show: a switch, a category, or numbers that are few (levels) or many (continuous)."""
    distinct = values.dropna().unique()
    if is_number(values):
        return "levels" if len(distinct) <= FEW_LEVELS else "continuous"
    return "switch" if {str(value).lower() for value in distinct} == {"true", "false"} else "categorical"


def odd_text(values: pd.Series) -> str:
    """The first text of a column whose other values are, for the most part, many numbers; empty for other columns."""
    distinct = [] if is_number(values) else list(values.dropna().unique())
    odd = [str(value) for value in distinct if not _is_float(value)]
    return odd[0] if odd and len(distinct) > FEW_LEVELS and len(odd) < len(distinct) / 2 else ""


def is_number(values: pd.Series) -> bool:
    """Whether a column holds numbers, and no switches; of one without any value nobody can say."""
    return pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values)


def spans_decades(factor: Factor) -> bool:
    """Whether a continuous factor's values, all above 0, span more than two decades, half of them below a tenth."""
    wide = 0 < factor.low * WIDE < factor.high and 10 * factor.median < factor.high
    return factor.kind == "continuous" and wide


def level_texts(values: pd.Series) -> pd.Series:
    """Each value as the text of a level: `true`, `0.1`, `adam`; null where it does not act."""
    places, distinct = pd.factorize(values)
    texts = np.array([*map(level_text, distinct), None], dtype=object)
    return pd.Series(texts[places], index=values.index, name=values.name)


def level_text(value: Any) -> str:
    """`true`, `32`, `0.1`, `adam`."""
    if isinstance(value, bool | np.bool_):
        return str(value).lower()
    if isinstance(value, float | np.floating):
        return repr(int(value)) if abs(value) < 1e15 and value == int(value) else f"{value:.12g}"
    return str(value).strip()


def ordered_levels(values: pd.Series, texts: pd.Series) -> tuple[str, ...]:
    """The levels: numbers by size, texts by alphabet."""
    known = pd.DataFrame({"value": values, "text": texts}).dropna().drop_duplicates("text")
    return tuple(known.sort_values("value" if is_number(values) else "text")["text"])


def reference_level(
    name: str, column: str, texts: pd.Series, levels: tuple[str, ...], given: str, where: Path | str
) -> str:
    """What others are compared with: as given, the recipe's default, the base of variants, or the most frequent."""
    if given:
        found = given if given in levels else _same_number(given, levels)
        if not found:
            what, hint = f'"{name}" has no level "{given}"', nearest(given, levels)
            raise InputError(what, where=where, allowed=", ".join(levels[:20]), hint=hint)
        return found
    default = getattr(Recipe, column, None) if column in PARAMETERS else None
    known = [BASE] if column == "variant" else [level_text(default)] if default is not None else []
    counts = Counter(texts.dropna())
    frequent = max(levels, key=lambda level: counts[level])  # the first of equally frequent ones
    return next((level for level in known if level in levels), frequent)


def check_names(given: Mapping[str, str], names: list[str], where: Path | str) -> None:
    """Raise for a reference or a type of what is no factor."""
    for name in given:
        if name not in {*names, *map(column_of, names)}:
            hint = nearest(name, names)
            raise InputError(f'"{name}" is no factor here', where=where, allowed=", ".join(names), hint=hint)


def _ends(values: np.ndarray, name: str, where: Path | str) -> tuple[float, float, float]:
    """The lowest, the median and the highest value; raises InputError for a number without end, or only one."""
    known = values[~np.isnan(values)]
    if not np.isfinite(known).all():
        raise InputError(f'"{name}" holds {known[~np.isfinite(known)][0]}, which is not a finite number', where=where)
    if len(known) and np.abs(known).max() > LARGEST:
        what = f'"{name}" holds {known[np.abs(known).argmax()]:g}, too large for sums of squares'
        raise InputError(what, where=where, hint="leave the row out, or take its logarithm")
    if len(known) == 0 or known.min() == known.max():
        only = f"{known[0]:g}" if len(known) else "no value at all"
        raise InputError(f'the factor "{name}" has one level, {only}', where=where, hint="leave it out")
    return float(known.min()), float(np.median(known)), float(known.max())


def _same_number(text: str, levels: tuple[str, ...]) -> str:
    """The level that is the same number as `text`, spelled otherwise."""
    if not _is_float(text):
        return ""
    return next((level for level in levels if _is_float(level) and float(level) == float(text)), "")


def _is_float(value: Any) -> bool:
    try:
        float(value)
    except (TypeError, ValueError):
        return False
    return True
