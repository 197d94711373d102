"""Draws accuracy over one hyperparameter, for print with matplotlib and for the browser with plotly."""

import math

import matplotlib.figure
import plotly.graph_objects as go
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from plotly.subplots import make_subplots

from prunescape.analysis.axes import BASE
from prunescape.present.figures.style import (
    DOUBLE,
    FAINT,
    INK,
    LINES,
    PAPER,
    PLOTLY_LAYOUT,
    PLOTLY_LEGEND,
    TINT,
    open_axes,
    variant_colour,
)
from prunescape.present.figures.sweep_data import DIVERGED, INSIDE, OUTSIDE, PER_ROW, Sweep, SweepFigure
from prunescape.present.labels import axis_label, roi_title

PANEL_HEIGHT, BETWEEN, AROUND = 210, 80, 150  # pixels: of a panel, of titles and labels between rows, above and below
STAR = {"color": PAPER, "markeredgecolor": INK, "markersize": 9}


def kind_title(figure: SweepFigure, kind: str) -> str:
    """A kind of cells in the legend."""
    return {INSIDE: roi_title(figure.threshold), OUTSIDE: "other cells", DIVERGED: "diverged"}[kind]


def draw_sweep_static(figure: SweepFigure) -> matplotlib.figure.Figure:
    """A panel per variant on common axes."""
    rows = math.ceil(len(figure.sweeps) / figure.columns)
    wide = DOUBLE * (0.25 + 0.75 * figure.columns / PER_ROW)
    page = matplotlib.figure.Figure(figsize=(wide, 0.5 + 1.75 * rows), layout="constrained")
    grid = page.subplots(rows, figure.columns, sharex=True, sharey=True, squeeze=False)
    for axes, sweep in zip(grid.flat, figure.sweeps, strict=False):
        _draw_panel(axes, figure, sweep)
    for number, axes in enumerate(grid.flat):
        axes.set_visible(number < len(figure.sweeps))
        if number + figure.columns >= len(figure.sweeps):
            axes.set_xlabel(axis_label(figure.axis))
            axes.tick_params(labelbottom=True)
    for axes in grid[:, 0]:
        axes.set_ylabel(figure.score_title)
    grid[0, 0].set_ylim(figure.span_y)
    page.legend(handles=_entries(figure), loc="outside lower center", ncols=6)
    return page


def _draw_panel(axes: Axes, figure: SweepFigure, sweep: Sweep) -> None:
    open_axes(axes, "both")
    axes.set_title(sweep.title)
    if figure.prior is not None:
        axes.axvline(figure.prior, color=FAINT, linewidth=0.8, linestyle=":", zorder=1)
    if figure.base and sweep.variant != BASE:
        axes.plot(figure.base.values, figure.base.scores, "-", color=TINT, linewidth=1.2, zorder=1.5)
    colour = variant_colour(sweep.variant)
    axes.plot(sweep.values, sweep.scores, "-", color=colour, linewidth=1.2, zorder=2)
    for kind, marked in sweep.kinds.items():
        axes.plot(sweep.values[marked], sweep.scores[marked], zorder=3, **_mark(kind, colour))
    axes.plot(sweep.values[sweep.best], sweep.scores[sweep.best], "*", clip_on=False, zorder=4, **STAR)


def _mark(kind: str, colour: str) -> dict:
    """matplotlib's mark of a kind of cells."""
    if kind == DIVERGED:
        return {"linestyle": "none", "marker": "x", "color": INK, "markersize": 4}
    face = colour if kind == INSIDE else PAPER
    return {"linestyle": "none", "marker": "o", "color": face, "markeredgecolor": colour, "markersize": 4}


def _entries(figure: SweepFigure) -> list[Line2D]:
    """The legend."""
    found = [Line2D([], [], linestyle="none", marker="*", label="best cell", **STAR)]
    found += [Line2D([], [], label=kind_title(figure, kind), **_mark(kind, INK)) for kind in figure.kinds]
    if figure.prior is not None:
        found.append(Line2D([], [], color=FAINT, linewidth=0.8, linestyle=":", label="prior"))
    if figure.base and len(figure.sweeps) > 1:
        found.append(Line2D([], [], color=TINT, linewidth=1.2, label="base"))
    return found


def draw_sweep_interactive(figure: SweepFigure) -> go.Figure:
    """The same; hovering shows value, score and kind."""
    columns, count = figure.columns, len(figure.sweeps)
    rows = math.ceil(count / columns)
    high = (PANEL_HEIGHT + BETWEEN) * rows
    spacing = {"horizontal_spacing": 0.1 / (columns + 2), "vertical_spacing": BETWEEN / high}
    page = make_subplots(rows, columns, shared_xaxes=True, shared_yaxes=True, **spacing)
    for at, sweep in enumerate(figure.sweeps):
        place = {"row": at // columns + 1, "col": at % columns + 1}
        page.add_traces(_traces(figure, sweep), place["row"], place["col"])
        if figure.prior is not None:
            page.add_vline(figure.prior, line={"color": FAINT, "width": 1, "dash": "dot"}, layer="below", **place)
        above = {"x": 0.5, "xref": "x domain", "y": 1, "yref": "y domain", "yanchor": "bottom", "showarrow": False}
        page.add_annotation(text=sweep.title.replace("\n", "<br>"), font={"size": 12}, **above, **place)
        if at + columns >= count:
            page.update_xaxes(title=axis_label(figure.axis, "<br>"), showticklabels=True, **place)
    page.add_traces(_legend(figure))
    page.update_yaxes(title=figure.score_title, col=1)
    page.update_xaxes(gridcolor=LINES, zeroline=False)
    page.update_yaxes(gridcolor=LINES, zeroline=False, range=figure.span_y)
    margin = {"l": 64, "r": 20, "t": 64, "b": 102}
    legend = {**PLOTLY_LEGEND, "y": -62 / high}
    return page.update_layout(**PLOTLY_LAYOUT, height=high + AROUND, margin=margin, legend=legend)


def _traces(figure: SweepFigure, sweep: Sweep) -> list[go.Scatter]:
    """All of one panel, from the ground up."""
    colour, found = variant_colour(sweep.variant), []
    behind = [(figure.base, TINT)] if figure.base and sweep.variant != BASE else []
    for each, shade in (*behind, (sweep, colour)):
        line = {"mode": "lines", "line": {"color": shade, "width": 2}, "hoverinfo": "skip", "showlegend": False}
        found.append(go.Scatter(x=each.values, y=each.scores, **line))
    for kind, marked in sweep.kinds.items():
        hover = f"{axis_label(figure.axis, ' ')} %{{x:g}}<br>%{{y:.2f}} %<extra>{kind_title(figure, kind)}</extra>"
        mark = {"mode": "markers", "marker": _symbol(kind, colour), "hovertemplate": hover, "showlegend": False}
        found.append(go.Scatter(x=sweep.values[marked], y=sweep.scores[marked], **mark))
    best = {"x": [sweep.values[sweep.best]], "y": [sweep.scores[sweep.best]], "mode": "markers", "hoverinfo": "skip"}
    return [*found, go.Scatter(marker=_symbol("best", INK), showlegend=False, **best)]


def _legend(figure: SweepFigure) -> list[go.Scatter]:
    """Traces without points, which only name what the panels have."""
    names = {"best": "best cell"} | {kind: kind_title(figure, kind) for kind in figure.kinds}
    nothing = {"x": [None], "y": [None]}
    found = [
        go.Scatter(name=name, mode="markers", marker=_symbol(kind, INK), **nothing) for kind, name in names.items()
    ]
    if figure.base and len(figure.sweeps) > 1:
        found.append(go.Scatter(name="base", mode="lines", line={"color": TINT, "width": 2}, **nothing))
    return found


def _symbol(kind: str, colour: str) -> dict:
    """plotly's mark of a kind of cells, or of the best one."""
    if kind == "best":
        return {"symbol": "star", "size": 14, "color": PAPER, "line": {"color": INK, "width": 1.5}}
    if kind == DIVERGED:
        return {"symbol": "x", "size": 8, "color": INK}
    return {
        "symbol": "circle",
        "size": 9,
        "color": colour if kind == INSIDE else PAPER,
        "line": {"color": colour, "width": 1.5},
    }
