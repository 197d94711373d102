"""Draws forest plots: for print with matplotlib, for the browser with plotly."""

import plotly.graph_objects as go
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from prunescape.analysis.verdict.evidence import INCONCLUSIVE, KEEP, RETUNE
from prunescape.present.figures.forest_data import ForestFigure, ForestRow
from prunescape.present.figures.style import FAINT, INK, LINES, PAPER, PLOTLY_LAYOUT
from prunescape.present.numbers import short

# of Okabe and Ito's palette, dark enough for words; the marks tell them apart in grey, too
VERDICT_COLOURS = {KEEP: "#005a8c", RETUNE: "#b34a00", INCONCLUSIVE: "#5b6570"}
MARKS = {KEEP: ("o", "circle"), RETUNE: ("^", "triangle-up"), INCONCLUSIVE: ("o", "circle")}
ROW_INCHES, ROW_PIXELS = 0.42, 46


def draw_forest_static(figure: ForestFigure) -> Figure:
    """One row each: a bar from bound to bound, the estimate as a mark, name and verdict in words beside."""
    page = Figure(figsize=(6.6, 0.95 + ROW_INCHES * len(figure.rows)), layout="constrained")
    axes = page.subplots()
    axes.axvline(0, color=FAINT, linewidth=0.8, zorder=1)
    axes.axvline(figure.margin, color=INK, linewidth=1.2, linestyle="--", zorder=1)
    for place, row in zip(figure.places, figure.rows, strict=True):
        _draw_row(axes, figure, row, place)
    axes.set_yticks(figure.places, [row.label for row in figure.rows])
    axes.set_xlim(*figure.limits)
    axes.set_ylim(-0.6, len(figure.rows) - 0.4)
    axes.set_xlabel(figure.axis)
    axes.annotate(
        f"margin {short(figure.margin)}",
        (figure.margin, 1.0),
        xycoords=("data", "axes fraction"),
        xytext=(0, 3),
        textcoords="offset points",
        ha="center",
        va="bottom",
        fontsize=8,
    )
    axes.grid(axis="x", color=LINES, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.tick_params(length=0)
    axes.spines[["top", "right", "left"]].set_visible(False)
    return page


def _draw_row(axes: Axes, figure: ForestFigure, row: ForestRow, place: float) -> None:
    colour, ends = VERDICT_COLOURS[row.look], figure.ends(row)
    axes.hlines(place, *ends, color=colour, linewidth=2.6, linestyle=_line(row, ("-", (0, (2, 1)))), zorder=2)
    for end, cut, arrow in zip(ends, figure.beyond(row), ("<", ">"), strict=True):
        axes.plot([end], [place], arrow if cut else "|", color=colour, markersize=7, markeredgewidth=2, zorder=3)
    fill = PAPER if row.look == INCONCLUSIVE else colour
    axes.plot([row.estimate], [place], MARKS[row.look][0], color=fill, markeredgecolor=colour, markersize=8, zorder=4)
    axes.annotate(
        row.word,
        (1.0, place),
        xycoords=("axes fraction", "data"),
        xytext=(8, 0),
        textcoords="offset points",
        va="center",
        ha="left",
        color=colour,
        weight="bold",
        annotation_clip=False,
    )


def _line(row: ForestRow, kinds: tuple) -> object:
    """The line of a bar: that of an inconclusive variant is broken."""
    return kinds[row.look == INCONCLUSIVE]


def draw_forest_interactive(figure: ForestFigure) -> go.Figure:
    """The same; words stand below the names, so that a phone has room for the bars; hovering shows the numbers."""
    page = go.Figure()
    page.add_vline(0, line={"color": FAINT, "width": 1})
    page.add_vline(figure.margin, line={"color": INK, "width": 1.6, "dash": "dash"})
    for place, row in zip(figure.places, figure.rows, strict=True):
        page.add_traces(_traces(figure, row, int(place)))
    names = [
        f"{row.lines[0]}<br><b style='color:{VERDICT_COLOURS[row.look]}'>{row.lines[1]}</b>" for row in figure.rows
    ]
    page.add_annotation(
        x=figure.margin, y=1, yref="paper", text=f"margin {short(figure.margin)}", showarrow=False, yanchor="bottom"
    )
    page.update_xaxes(
        title=figure.axis, range=figure.limits, gridcolor=LINES, zeroline=False, fixedrange=True, nticks=7
    )
    page.update_yaxes(
        tickvals=figure.places,
        ticktext=names,
        range=[-0.6, len(figure.rows) - 0.4],
        showgrid=False,
        zeroline=False,
        fixedrange=True,
        tickfont={"size": 13},
        ticks="outside",
        ticklen=8,
        tickcolor=PAPER,
    )
    margin = {"l": figure.label_width, "r": 14, "t": 24, "b": 46}
    height = margin["t"] + margin["b"] + ROW_PIXELS * len(figure.rows)
    return page.update_layout(**PLOTLY_LAYOUT, height=height, margin=margin, showlegend=False)


def _traces(figure: ForestFigure, row: ForestRow, place: int) -> list[go.Scatter]:
    """A bar with its ends, and the estimate."""
    colour, ends = VERDICT_COLOURS[row.look], figure.ends(row)
    hover = {"customdata": [row.text] * 2, "hovertemplate": "%{customdata}<extra></extra>"}
    arrows = zip(figure.beyond(row), ("triangle-left", "triangle-right"), strict=True)
    marker = {"symbol": [arrow if cut else "line-ns-open" for cut, arrow in arrows], "size": 11, "color": colour}
    line = {"color": colour, "width": 4, "dash": _line(row, ("solid", "dot"))}
    bar = go.Scatter(x=ends, y=[place] * 2, mode="lines+markers", line=line, marker=marker, cliponaxis=False, **hover)
    fill = PAPER if row.look == INCONCLUSIVE else colour
    mark = {"symbol": MARKS[row.look][1], "size": 13, "color": fill, "line": {"color": colour, "width": 2}}
    return [bar, go.Scatter(x=[row.estimate], y=[place], mode="markers", marker=mark, **hover)]
