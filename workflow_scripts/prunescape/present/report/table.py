"""A table of the report: columns, each a head and what it shows of a row; and what is known of one experiment."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from prunescape.analysis.axes import Axes
from prunescape.analysis.cost.speedups import OddWidths
from prunescape.analysis.read_cells import variant_order
from prunescape.present.labels import axis_head, variant_title
from prunescape.present.numbers import DASH, is_missing, number, span, whole

# what a column shows of a row: the number of that name with so many decimals, times a factor; the count or text of that
# name; or what a function makes of the row
Shown = tuple[str, int] | tuple[str, int, float] | str | Callable[[Any], str]
Columns = dict[str, Shown]


@dataclass(frozen=True)
class Table:
    """A title, heads, and rows of text. `groups` are (head, columns) spans above the heads; `notes` stand below.

    `marks` holds the class of single cells, by row and column from 0: a verdict, or the best of a column.
    """

    title: str
    heads: list[str]
    rows: list[list[str]]
    notes: list[str] = field(default_factory=list)
    groups: list[tuple[str, int]] = field(default_factory=list)
    marks: dict[tuple[int, int], str] = field(default_factory=dict)


@dataclass(frozen=True)
class ExperimentResults:
    """What is known of ONE experiment: its axes, cells, measurements, and its rows of every result table by name.

    One with a space instead of a grid has no axes. `risk_threshold` is that of the base's region over which risks are
    taken; `benchmarks` is None where nothing was measured; `emulates` names the real target of every emulated one;
    `odd_widths` as `slower_sentences` takes them. `adaptive`: a share of the grid was trained.
    """

    axes: Axes | None
    risk_threshold: float
    cells: pd.DataFrame
    tables: dict[str, pd.DataFrame]
    benchmarks: pd.DataFrame | None = None
    emulates: dict[str, str] = field(default_factory=dict)
    odd_widths: OddWidths = field(default_factory=dict)
    adaptive: bool = False

    def rows(self, name: str, metric: str) -> pd.DataFrame:
        """The rows of a result table in one metric."""
        table = self.tables[name]
        return table[table["metric"] == metric]


def make_table(title: str, rows: Iterable, columns: Columns | list[tuple[str, Columns]], notes: list[str]) -> Table:
    """The table that shows every row in every column, by head; columns below a common head come as (head, columns)."""
    spans = [("", columns)] if isinstance(columns, dict) else columns
    every = [(head, shown) for _, below in spans for head, shown in below.items()]
    texts = [[show(row, shown) for _, shown in every] for row in rows]
    groups = [] if isinstance(columns, dict) else [(head, len(below)) for head, below in spans]
    return Table(title, [head for head, _ in every], texts, notes, groups)


def show(row: Any, shown: Shown) -> str:
    """What a column shows of a row; a dash for what is missing."""
    if callable(shown):
        return shown(row)
    name, *form = (shown,) if isinstance(shown, str) else shown
    value = getattr(row, name)
    if is_missing(value):
        return DASH
    if not form:
        return value if isinstance(value, str) else whole(value)
    return number(value * form[1] if form[1:] else value, form[0])


def p_value(value: float) -> str:
    """A probability, with three decimals where they tell it from 0."""
    return "< 0.001" if not is_missing(value) and value < 0.001 else number(value, 3)


def interval(low: float, high: float, decimals: int = 2) -> str:
    """`1.00 to 2.00`, or a dash."""
    return span(low, high, decimals)


def setting_columns(axes: Axes, prefix: str = "") -> Columns:
    """One column per axis, from the row's columns `prefix` + axis."""
    return {axis_head(axis): (prefix + axis.name, 2) for axis in axes}


def variant_columns(rows: pd.DataFrame) -> Columns:
    """The variant, and the seed where there are several."""
    several = "seed" in rows and rows["seed"].nunique() > 1
    seed: Columns = {"seed": lambda row: str(row.seed)} if several else {}
    return {"variant": lambda row: variant_title(row.variant), **seed}


def by_variant(rows: pd.DataFrame) -> list:
    """The rows in the order of variants, then of seeds."""
    return sorted(rows.itertuples(), key=lambda row: (variant_order(row.variant), getattr(row, "seed", 0)))


def first_known(rows: pd.DataFrame, name: str) -> Any:
    """The first value of a column that is known; None without one."""
    known = rows[name].dropna() if name in rows else []
    return known.iloc[0] if len(known) else None
