"""All runs and their hyperparameters as three matrices, sorted by accuracy, by cost and by their quotient.

As Figure 7 of burmester2023. The data, and the drawing for print; that for the browser is in matrix_interactive.py.
"""

from dataclasses import dataclass
from typing import ClassVar

import matplotlib.figure
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import PatchCollection
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.patches import Rectangle

from prunescape.analysis.efficiency.efficiency import varying
from prunescape.analysis.read_cells import variant_order
from prunescape.present.figures.figure import Figure, file_name
from prunescape.present.figures.runs_data import cost_of, factor_title
from prunescape.present.figures.style import ACCENT, DOUBLE, FAINT, INK, PANEL, PAPER, SINGLE, SMALL
from prunescape.present.labels import shortened
from prunescape.present.numbers import DASH

MOST_LEVELS = 8  # a hyperparameter with more values is one column, shaded by rank
MOST_VECTORS = 2000  # fields that are drawn one by one; more are an image within the drawing
TICKS = 5
COLUMN = 0.15  # width of a column in print, inches, so that values below it can be read
LINE = 12  # letters of a factor's name


@dataclass(frozen=True)
class Column:
    """One column of the matrices: a level of a factor, or all its values where `level` is empty."""

    factor: str
    level: str


@dataclass(frozen=True)
class Order:
    """The runs from best to worst: their places (runs,) in the matrix, and the values (runs,) they are sorted by."""

    title: str
    places: np.ndarray
    values: np.ndarray

    @property
    def ticks(self) -> tuple[list[int], list[str]]:
        """A few rows and their values."""
        rows = np.unique(np.linspace(0, len(self.values) - 1, TICKS).round().astype(int)).tolist()
        return rows, [DASH if np.isnan(self.values[row]) else f"{self.values[row]:.3g}" for row in rows]


@dataclass(frozen=True, kw_only=True)
class MatrixFigure(Figure):
    """`on` (runs, columns): 1 where a run has the level, 0 where not, between for ranks, nan where it does not act."""

    kind: ClassVar[str] = "matrix"
    least_width: ClassVar[int] = 980
    columns: list[Column]
    on: np.ndarray
    runs: list[str]
    orders: list[Order]

    @property
    def title(self) -> str:
        return f"{self.whose}: hyperparameters of all runs, sorted"

    @property
    def caption(self) -> str:
        ranked = any(not column.level for column in self.columns)
        return (
            f"Each row is one of {len(self.runs)} runs, the best above; a dark field: the run has that value. The "
            "matrices differ in their order alone. A value whose dark fields gather at one end goes with good or bad "
            "runs; what gathers by chance, a matrix does not tell."
            + " A hyperparameter with many values has one column: the darker, the larger."
            * ranked
        )

    @property
    def factors(self) -> list[tuple[str, int, int]]:
        """Each factor with its first column and the one after its last."""
        names = [column.factor for column in self.columns]
        ordered = list(dict.fromkeys(names))
        return [(name, names.index(name), names.index(name) + names.count(name)) for name in ordered]


def matrix_figure(runs: pd.DataFrame, experiment: str) -> MatrixFigure:
    """The figure of ONE experiment's `runs`, as `design_runs` gives them."""
    factors = [*(["variant"] if runs["variant"].nunique() > 1 else []), *varying(runs)]
    columns, parts = [], []
    for factor in factors:
        added, values = _columns(runs[factor], factor)
        columns += added
        parts.append(values)
    cost, quotient, title = cost_of(runs)
    split = runs["accuracy_on"].iloc[0]
    seeds = tuple(int(seed) for seed in sorted(runs["seed"].unique()))
    names = runs["variant"] + ", " + runs["setting"]
    if len(seeds) > 1:
        names += ", seed " + runs["seed"].astype(str)
    quotients = {"eq": "EQ, accuracy / Wh per epoch", "accuracy_per_second": "accuracy / s per epoch"}
    return MatrixFigure(
        name=file_name("matrix", experiment),
        experiment=experiment,
        metrics=["top1"],
        seeds=seeds,
        columns=columns,
        on=np.column_stack(parts),
        runs=names.tolist(),
        orders=[
            _order(f"{split} accuracy, %", 100 * runs["accuracy"], falling=True),
            _order(title, runs[cost], falling=False),
            _order(quotients[quotient], runs[quotient], falling=True),
        ],
    )


def _columns(values: pd.Series, factor: str) -> tuple[list[Column], np.ndarray]:
    """The columns of one factor and their part of the matrix, (runs, columns)."""
    title, known = factor_title(factor), values.dropna()
    levels = sorted(known.unique(), key=variant_order if factor == "variant" else None)
    if len(levels) > MOST_LEVELS and pd.api.types.is_numeric_dtype(known):
        ranks = values.astype("float64").rank(method="average")
        return [Column(title, "")], ((ranks - ranks.min()) / (ranks.max() - ranks.min())).to_numpy()[:, None]
    unknown = values.isna().to_numpy()
    parts = [np.where(unknown, np.nan, (values == level).to_numpy(dtype="float64")) for level in levels]
    return [Column(title, _level(level)) for level in levels], np.column_stack(parts)


def heading(name: str, columns: int) -> list[str]:
    """A factor's name in one line, or in two above several columns, broken at the space nearest to its middle."""
    spaces = [place for place, sign in enumerate(name) if sign == " "]
    if not spaces or len(name) <= LINE or columns < 2:
        return [shortened(name, 2 * LINE)]
    middle = min(spaces, key=lambda place: abs(place - len(name) / 2))
    return [shortened(part, LINE + 4) for part in (name[:middle], name[middle + 1 :])]


def _level(value: object) -> str:
    return shortened(str(value), 16) if isinstance(value, str | bool | np.bool_) else f"{value:g}"


def _order(title: str, values: pd.Series, *, falling: bool) -> Order:
    """Runs without the value stand last."""
    numbers = values.to_numpy(dtype="float64")
    places = np.argsort(-numbers if falling else numbers, kind="stable")
    return Order(title, places, numbers[places])


def _fields(column: int, values: np.ndarray) -> list[tuple[int, int, int, float]]:
    """The fields of a column that are not white, as (column, first row, rows, value): equal neighbours are one."""
    filled = np.nan_to_num(values, nan=-1.0)
    starts = np.flatnonzero(np.r_[True, filled[1:] != filled[:-1]])
    ends = np.r_[starts[1:], len(values)]
    return [
        (column, start, end - start, values[start]) for start, end in zip(starts, ends, strict=True) if filled[start]
    ]


def draw_matrix_static(figure: MatrixFigure) -> matplotlib.figure.Figure:
    """The three matrices one below the other: names of factors above all, their values below all."""
    count, runs = len(figure.columns), len(figure.runs)
    high = 2.2 + len(figure.orders) * min(max(0.03 * runs, 0.9), 2.1)
    wide = min(max(COLUMN * count + 0.8, SINGLE), DOUBLE)
    page = matplotlib.figure.Figure(figsize=(wide, high), layout="constrained")
    places = page.subplots(len(figure.orders), 1, sharex=True, squeeze=False)[:, 0]
    for axes, order in zip(places, figure.orders, strict=True):
        _draw_order(axes, figure, order)
    _name_factors(places[0], figure)
    return page


def _draw_order(axes: Axes, figure: MatrixFigure, order: Order) -> None:
    shades = LinearSegmentedColormap.from_list("on", [PAPER, ACCENT]).with_extremes(bad=PANEL)
    shown = figure.on[order.places]
    if shown.size > MOST_VECTORS:
        axes.imshow(np.ma.masked_invalid(shown), cmap=shades, vmin=0, vmax=1, aspect="auto", interpolation="nearest")
    else:
        fields = [field for column, values in enumerate(shown.T) for field in _fields(column, values)]
        patches = [Rectangle((column - 0.5, start - 0.5), 1, rows) for column, start, rows, _ in fields]
        colours = shades(np.ma.masked_invalid([value for *_, value in fields]))
        axes.add_collection(PatchCollection(patches, facecolors=colours, edgecolors="none", antialiaseds=False))
    axes.set_xlim(-0.5, len(figure.columns) - 0.5)
    axes.set_ylim(len(figure.runs) - 0.5, -0.5)
    rows, values = order.ticks
    axes.set_yticks(rows, values)
    axes.set_xticks(range(len(figure.columns)), [column.level for column in figure.columns], rotation=90)
    for _, start, _ in figure.factors:
        axes.axvline(start - 0.5, color=FAINT, linewidth=0.7)
    axes.set_ylabel(f"by {order.title}", fontsize=SMALL)
    axes.tick_params(length=0)
    for spine in axes.spines.values():
        spine.set_color(FAINT)


def _name_factors(axes: Axes, figure: MatrixFigure) -> None:
    """The names of factors above their columns."""
    for name, start, end in figure.factors:
        place = {"xy": ((start + end - 1) / 2, -0.8), "xycoords": "data", "annotation_clip": False}
        style = {"rotation": 90, "ha": "center", "va": "bottom", "fontsize": SMALL, "color": INK}
        axes.annotate("\n".join(heading(name, end - start)), **place, **style)
