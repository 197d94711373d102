"""Regret of search strategies against the epochs that they spend: the figure's data, and its two drawings."""

from dataclasses import dataclass
from typing import ClassVar

import matplotlib.figure
import numpy as np
import pandas as pd
import plotly.graph_objects as go
from matplotlib.axes import Axes
from plotly.subplots import make_subplots

from prunescape.analysis.search.terms import HYPERBAND, STRATEGIES, TPE
from prunescape.present.figures.figure import Figure, file_name
from prunescape.present.figures.style import (
    ACCENT,
    DOUBLE,
    FAINT,
    INK,
    LINES,
    PLOTLY_LAYOUT,
    PLOTLY_LEGEND,
    SINGLE,
    SMALL,
    open_axes,
)
from prunescape.present.labels import variant_title

# strategy -> colour (the last four of Okabe and Ito's palette), matplotlib's marker, plotly's
LOOKS = dict(
    zip(
        STRATEGIES,
        (
            (INK, "*", "star"),
            (ACCENT, "o", "circle"),
            ("#d55e00", "s", "square"),
            ("#cc79a7", "D", "diamond"),
            ("#009e73", "^", "triangle-up"),
        ),
        strict=True,
    )
)
# of the number beside a mark, points: strategies whose marks lie near each other have theirs on different sides
OFFSETS = dict.fromkeys(STRATEGIES, (4, 3)) | {HYPERBAND: (-6, 6), TPE: (4, -9)}
EPOCHS, REGRET = "epochs of one search", "regret, points"


@dataclass(frozen=True)
class Line:
    """One strategy in one variant, each (k,) in rising order of trials, and the ends of intervals of the regret.

    `seed_low` and `seed_high` are the lowest and the highest mean regret by the seed that chose.
    """

    strategy: str
    trials: np.ndarray
    epochs: np.ndarray
    regret: np.ndarray
    low: np.ndarray
    high: np.ndarray
    seed_low: np.ndarray
    seed_high: np.ndarray


@dataclass(frozen=True, kw_only=True)
class SearchFigure(Figure):
    """The lines of each variant by its name, in the order of the table."""

    kind: ClassVar[str] = "search"
    least_width: ClassVar[int] = 620
    panels: dict[str, list[Line]]
    searches: int

    @property
    def title(self) -> str:
        return f"{self.whose}: what a search costs, and what it misses"

    @property
    def caption(self) -> str:
        return (
            f"Each mark is the mean over up to {self.searches} searches on finished trainings; beside it the number of "
            "settings that a search draws. Regret: how far the setting that was chosen on one seed is under the best "
            "one, by the mean of the other seeds. Thick bars: 95 % interval over searches; thin: lowest and highest "
            "mean by the seed that chose."
        )

    @property
    def top(self) -> float:
        """The upper end of the axis of regret."""
        return 1.08 * max(0.1, *(line.seed_high.max() for lines in self.panels.values() for line in lines))


def search_figures(replay: pd.DataFrame) -> list[SearchFigure]:
    """One figure per experiment from the table `replay`."""
    return [
        SearchFigure(
            name=file_name("search", experiment),
            experiment=experiment,
            metrics=["top1"],
            seeds=(),
            panels={variant: _lines(one) for variant, one in rows.groupby("variant", sort=False)},
            searches=int(rows["searches"].max()),
        )
        for experiment, rows in replay.groupby("experiment", sort=True)
    ]


def _lines(rows: pd.DataFrame) -> list[Line]:
    columns = ("trials", "epochs", "regret", "regret_low", "regret_high", "regret_seed_low", "regret_seed_high")
    found = {name: some.sort_values("trials") for name, some in rows.groupby("strategy")}
    return [Line(name, *(found[name][column].to_numpy() for column in columns)) for name in STRATEGIES if name in found]


def draw_search_static(figure: SearchFigure) -> matplotlib.figure.Figure:
    """A panel per variant, two in a row; epochs on a log axis."""
    count = len(figure.panels)
    columns = min(2, count)
    rows = -(-count // columns)
    page = matplotlib.figure.Figure(
        figsize=(SINGLE if columns == 1 else DOUBLE, 0.4 + 2.4 * rows), layout="constrained"
    )
    places = page.subplots(rows, columns, squeeze=False).ravel()
    for axes, (variant, lines) in zip(places, figure.panels.items(), strict=False):
        for line in lines:
            _draw_line(axes, line)
        _finish(axes, variant_title(variant), figure.top)
    for axes in places[count:]:
        axes.set_visible(False)
    handles, labels = places[0].get_legend_handles_labels()
    page.legend(handles, labels, loc="outside lower center", ncols=len(labels) if columns > 1 else 3)
    return page


def _draw_line(axes: Axes, line: Line) -> None:
    colour, marker, _ = LOOKS[line.strategy]
    axes.vlines(line.epochs, line.seed_low, line.seed_high, color=colour, linewidth=0.8, alpha=0.6)
    axes.vlines(line.epochs, line.low, line.high, color=colour, linewidth=2)
    axes.plot(line.epochs, line.regret, color=colour, marker=marker, markersize=4, linewidth=0.8, label=line.strategy)
    for x, y, trials in zip(line.epochs, line.regret, line.trials, strict=True):
        axes.annotate(
            str(trials), (x, y), OFFSETS[line.strategy], textcoords="offset points", fontsize=SMALL, color=colour
        )


def _finish(axes: Axes, title: str, top: float) -> None:
    axes.set_title(title)
    axes.set_xscale("log")
    axes.set_ylim(0, top)
    axes.set_xlabel(EPOCHS)
    axes.set_ylabel(REGRET)
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.xaxis.set_minor_formatter(lambda value, _: f"{value:g}" if f"{value:g}"[0] in "25" else "")
    open_axes(axes, "both")


def draw_search_interactive(figure: SearchFigure) -> go.Figure:
    """The same; hovering names the search."""
    count = len(figure.panels)
    columns = min(2, count)
    rows = -(-count // columns)
    titles = [variant_title(variant) for variant in figure.panels]
    page = make_subplots(rows, columns, subplot_titles=titles, horizontal_spacing=0.1, vertical_spacing=0.2 / rows)
    for number, lines in enumerate(figure.panels.values()):
        place = {"row": number // columns + 1, "col": number % columns + 1}
        for line in lines:
            page.add_trace(_thin(line), **place)
            page.add_trace(_marks(line, shown=number == 0), **place)
    page.update_xaxes(title=EPOCHS, type="log", gridcolor=LINES, zeroline=False)
    page.update_yaxes(title=REGRET, range=(0, figure.top), gridcolor=LINES, zerolinecolor=FAINT)
    margin = {"l": 64, "r": 16, "t": 32, "b": 96}
    legend = {**PLOTLY_LEGEND, "y": -0.2 / rows}
    return page.update_layout(**PLOTLY_LAYOUT, height=60 + 340 * rows, margin=margin, legend=legend)


def _thin(line: Line) -> go.Scatter:
    """The range over seeds that chose, as a segment per mark."""
    ends = np.column_stack([line.seed_low, line.seed_high, np.full(len(line.regret), np.nan)]).ravel()
    style = {"color": LOOKS[line.strategy][0], "width": 1}
    return go.Scatter(x=np.repeat(line.epochs, 3), y=ends, mode="lines", line=style, hoverinfo="skip", showlegend=False)


def _marks(line: Line, *, shown: bool) -> go.Scatter:
    colour, _, symbol = LOOKS[line.strategy]
    bars = {"array": line.high - line.regret, "arrayminus": line.regret - line.low, "thickness": 3, "width": 0}
    hover = f"{line.strategy}, %{{text}} settings<br>%{{x:.4g}} epochs<br>regret %{{y:.3f}} points<extra></extra>"
    return go.Scatter(
        x=line.epochs,
        y=line.regret,
        error_y=bars,
        mode="lines+markers+text",
        text=[str(trials) for trials in line.trials],
        textposition="top right",
        marker={"color": colour, "symbol": symbol, "size": 8},
        line={"color": colour, "width": 1},
        name=line.strategy,
        legendgroup=line.strategy,
        showlegend=shown,
        hovertemplate=hover,
    )
