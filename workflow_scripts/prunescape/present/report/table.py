"""A table of the report: columns, each a head and what it shows of a row; and what is known of one experiment."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from prunescape.analysis.axes import Axes
from prunescape.analysis.cells_table import variant_order
from prunescape.present.labels import axis_head, variant_title
from prunescape.present.numbers import DASH, is_missing, number, whole

if TYPE_CHECKING:
    import pandas as pd

Column = tuple[str, Callable[[Any], str]]


@dataclass(frozen=True)
class Table:
    """A title, heads, and rows of text. `groups` are (head, columns) spans above the heads; `notes` stand below."""

    title: str
    heads: list[str]
    rows: list[list[str]]
    notes: list[str] = field(default_factory=list)
    groups: list[tuple[str, int]] = field(default_factory=list)


@dataclass(frozen=True)
class ExperimentResults:
    """What is known of ONE experiment: its axes, cells, measurements, and its rows of every result table by name.

    `risk_threshold` is that of the base's region over which risks are taken; `benchmarks` is None where nothing was
    measured; `emulates` names the real target of every emulated one.
    """

    axes: Axes
    risk_threshold: float
    cells: pd.DataFrame
    tables: dict[str, pd.DataFrame]
    benchmarks: pd.DataFrame | None = None
    emulates: dict[str, str] = field(default_factory=dict)

    def rows(self, name: str, metric: str) -> pd.DataFrame:
        """The rows of a result table in one metric."""
        table = self.tables[name]
        return table[table["metric"] == metric]


def make_table(title: str, rows: Iterable, columns: list[Column], notes: list[str], groups: list = ()) -> Table:
    """The table that shows every row in every column."""
    texts = [[show(row) for _, show in columns] for row in rows]
    return Table(title, [head for head, _ in columns], texts, notes, list(groups))


def shown(name: str, decimals: int = 2, factor: float = 1.0) -> Callable[[Any], str]:
    """Shows `factor` times the column `name` of a row, or a dash."""

    def show(row: Any) -> str:
        value = getattr(row, name)
        return number(value if is_missing(value) else factor * value, decimals)

    return show


def counted_in(name: str) -> Callable[[Any], str]:
    """Shows a count in the column `name` of a row, or a dash."""
    return lambda row: whole(getattr(row, name))


def text_in(name: str) -> Callable[[Any], str]:
    """Shows the column `name` of a row as it is."""
    return lambda row: str(getattr(row, name))


def p_value(name: str) -> Callable[[Any], str]:
    """Shows a probability, with three decimals where they tell it from 0."""

    def show(row: Any) -> str:
        value = getattr(row, name)
        return "< 0.001" if not is_missing(value) and value < 0.001 else number(value, 3)

    return show


def interval(low: str, high: str, decimals: int = 2) -> Callable[[Any], str]:
    """Shows `1.00 to 2.00`, or a dash."""

    def show(row: Any) -> str:
        ends = getattr(row, low), getattr(row, high)
        return DASH if is_missing(ends[0]) else f"{number(ends[0], decimals)} to {number(ends[1], decimals)}"

    return show


def setting_columns(axes: Axes, prefix: str = "") -> list[Column]:
    """One column per axis, from the row's columns `prefix` + axis."""
    return [(axis_head(axis), shown(prefix + axis.name)) for axis in axes]


def variant_columns(rows: pd.DataFrame) -> list[Column]:
    """The variant, and the seed where there are several."""
    seeds = [("seed", text_in("seed"))] if "seed" in rows and rows["seed"].nunique() > 1 else []
    return [("variant", lambda row: variant_title(row.variant)), *seeds]


def by_variant(rows: pd.DataFrame) -> list:
    """The rows in the order of variants, then of seeds."""
    return sorted(rows.itertuples(), key=lambda row: (variant_order(row.variant), getattr(row, "seed", 0)))


def first_known(rows: pd.DataFrame, name: str) -> Any:
    """The first value of a column that is known; None without one."""
    known = rows[name].dropna() if name in rows else []
    return known.iloc[0] if len(known) else None
