"""Pipelines and scores of a cut, each at its best setting and at the base's: the figure's data, and two drawings."""

from dataclasses import dataclass
from typing import ClassVar

import matplotlib.figure
import numpy as np
import pandas as pd
import plotly.graph_objects as go
from matplotlib.axes import Axes

from prunescape.analysis.pipelines.candidates import BEST, CARRIED
from prunescape.present.figures.figure import Figure, file_name
from prunescape.present.figures.style import DOUBLE, FAINT, INK, LINES, PAPER, PLOTLY_LAYOUT, PLOTLY_LEGEND, open_axes
from prunescape.present.labels import pipeline_title, variant_title
from prunescape.present.numbers import number, span

# of scores in their order, from Okabe and Ito's palette; marks tell them apart in print without colour
LOOKS = (
    *(("#0072b2", "o", "circle"), ("#d55e00", "^", "triangle-up"), ("#009e73", "D", "diamond")),
    *(("#cc79a7", "v", "triangle-down"), ("#e69f00", "P", "cross"), ("#56b4e9", "X", "x")),
)
CONTROL = ("#77818d", "s", "square")
NO_SCORE = (INK, "o", "circle")
APART = 0.17  # of the two choices of a row
CHOICES = {BEST: "at its best setting", CARRIED: "at the base's best setting"}


@dataclass(frozen=True)
class PipelineMark:
    """One pipeline and score at one choice of settings, on the row at `place`: mean and interval, percent."""

    place: float
    label: str
    score: str
    choice: str
    mean: float
    low: float
    high: float

    @property
    def text(self) -> str:
        """What who points at the mark reads."""
        return f"{self.label}, {CHOICES[self.choice]}: {number(self.mean)} % ({span(self.low, self.high)})"


@dataclass(frozen=True, kw_only=True)
class PipelinesFigure(Figure):
    """One row for each pipeline and score of a `cut`, the first at the top; `labels` name the rows."""

    kind: ClassVar[str] = "pipelines"
    least_width: ClassVar[int] = 420
    axis: ClassVar[str] = "top-1, %"
    cut: str
    labels: list[str]
    marks: list[PipelineMark]
    compared: int

    @property
    def title(self) -> str:
        return f"{self.whose}: pipelines of {variant_title(self.cut)}"

    @property
    def caption(self) -> str:
        return (
            f"Each pipeline and score with a 95 % t-interval over {self.compared} seeds that chose no setting. Filled: "
            "at its own best setting. Hollow: at the base's best setting, which is what carrying it over gives. "
            "Intervals are of single means; whether two differ is in the table pipeline_tests, seed by seed."
        )

    @property
    def looks(self) -> dict[str, tuple[str, str, str]]:
        """Colour, matplotlib's mark and plotly's by score; a row without a score has its own."""
        scores = sorted({mark.score for mark in self.marks} - {"", "random"})
        known = {score: LOOKS[place % len(LOOKS)] for place, score in enumerate(scores)}
        return known | {"random": CONTROL, "": NO_SCORE}


def pipeline_figures(table: pd.DataFrame) -> list[PipelinesFigure]:
    """A figure for each experiment and cut, from the result table `pipelines`."""
    return [
        _figure(str(experiment), str(cut), rows)
        for (experiment, cut), rows in table.groupby(["experiment", "cut"], sort=True)
    ]


def _figure(experiment: str, cut: str, rows: pd.DataFrame) -> PipelinesFigure:
    names = list(dict.fromkeys(rows[["pipeline", "score"]].itertuples(index=False, name=None)))
    names.sort(key=lambda name: list(rows["pipeline"]).index(name[0]))
    places = {name: len(names) - 1 - place for place, name in enumerate(names)}
    marks = [
        PipelineMark(
            place=places[row.pipeline, row.score] + APART * (1 if row.choice == BEST else -1),
            label=pipeline_title(row.pipeline, row.score),
            score=row.score,
            choice=row.choice,
            **{name: float(getattr(row, name)) for name in ("mean", "low", "high")},
        )
        for row in rows.itertuples()
    ]
    return PipelinesFigure(
        name=file_name("pipelines", experiment, cut),
        experiment=experiment,
        metrics=["top1"],
        seeds=(),
        cut=cut,
        labels=[pipeline_title(*name) for name in names],
        marks=marks,
        compared=int(rows["seeds"].max()),
    )


def draw_pipelines_static(figure: PipelinesFigure) -> matplotlib.figure.Figure:
    """One row each: two marks with their intervals."""
    page = matplotlib.figure.Figure(figsize=(0.8 * DOUBLE, 0.8 + 0.27 * len(figure.labels)), layout="constrained")
    axes = page.subplots()
    for mark in figure.marks:
        _draw_mark(axes, figure, mark)
    for choice, label in CHOICES.items():
        fill = INK if choice == BEST else PAPER
        axes.plot([], [], "o", color=fill, markeredgecolor=INK, markersize=5, label=label)
    axes.set_yticks(np.arange(len(figure.labels))[::-1], figure.labels)
    axes.set_ylim(-0.6, len(figure.labels) - 0.4)
    axes.set_xlabel(figure.axis)
    open_axes(axes, "x")
    page.legend(loc="outside lower center", ncols=2)
    return page


def _draw_mark(axes: Axes, figure: PipelinesFigure, mark: PipelineMark) -> None:
    colour, marker, _ = figure.looks[mark.score]
    line = "-" if mark.choice == BEST else (0, (3, 1.5))
    axes.hlines(mark.place, mark.low, mark.high, color=colour, linewidth=1.4, linestyle=line, zorder=2)
    fill = colour if mark.choice == BEST else PAPER
    axes.plot([mark.mean], [mark.place], marker, color=fill, markeredgecolor=colour, markersize=5, zorder=3)


def draw_pipelines_interactive(figure: PipelinesFigure) -> go.Figure:
    """The same; hovering shows the numbers."""
    page = go.Figure()
    for mark in figure.marks:
        colour, _, symbol = figure.looks[mark.score]
        hover = {"customdata": [mark.text] * 2, "hovertemplate": "%{customdata}<extra></extra>", "showlegend": False}
        line = {"color": colour, "width": 2.4, "dash": "solid" if mark.choice == BEST else "dot"}
        page.add_scatter(x=[mark.low, mark.high], y=[mark.place] * 2, mode="lines", line=line, **hover)
        style = _marker(symbol, colour if mark.choice == BEST else PAPER, colour)
        page.add_scatter(x=[mark.mean], y=[mark.place], mode="markers", marker=style, **hover)
    for choice, label in CHOICES.items():
        style = _marker("circle", INK if choice == BEST else PAPER, INK)
        page.add_scatter(x=[None], y=[None], mode="markers", marker=style, name=label)
    page.update_xaxes(title=figure.axis, gridcolor=LINES, zeroline=False, linecolor=FAINT)
    page.update_yaxes(
        tickvals=np.arange(len(figure.labels))[::-1],
        ticktext=figure.labels,
        range=[-0.6, len(figure.labels) - 0.4],
        showgrid=False,
        zeroline=False,
    )
    margin = {"l": 150, "r": 14, "t": 24, "b": 96}
    height = margin["t"] + margin["b"] + 40 * len(figure.labels)
    return page.update_layout(
        **PLOTLY_LAYOUT, height=height, margin=margin, legend={**PLOTLY_LEGEND, "y": -62 / height}
    )


def _marker(symbol: str, fill: str, edge: str) -> dict:
    return {"symbol": symbol, "size": 10, "color": fill, "line": {"color": edge, "width": 2}}
