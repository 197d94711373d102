"""Draws a figure of looks: for print with matplotlib, for the browser with plotly."""

import plotly.graph_objects as go
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from plotly.subplots import make_subplots

from prunescape.present.figures.looks_data import GAIN, PER_ROW, SEEDS, LookPanel, LooksFigure
from prunescape.present.figures.style import (
    DOUBLE,
    FAINT,
    INK,
    LINES,
    PAPER,
    PLOTLY_LAYOUT,
    SINGLE,
    TEXT,
    mixed,
    open_axes,
    variant_colour,
)
from prunescape.present.labels import variant_label


def draw_looks_static(figure: LooksFigure) -> Figure:
    """One panel per variant, bars from bound to bound."""
    wide = SINGLE if figure.columns < 3 else DOUBLE
    page = Figure(figsize=(wide, 0.3 + 1.9 * figure.rows), layout="constrained")
    places = page.subplots(figure.rows, figure.columns, sharey=True, squeeze=False).ravel()
    for axes, panel in zip(places, figure.panels, strict=False):
        _draw_panel(axes, figure, panel)
    for axes in places[len(figure.panels) :]:
        axes.set_visible(False)
    page.supxlabel(SEEDS, fontsize=TEXT)
    page.supylabel(GAIN, fontsize=TEXT)
    return page


def _draw_panel(axes: Axes, figure: LooksFigure, panel: LookPanel) -> None:
    (low, high), beyond, colours = figure.ends(panel), figure.beyond(panel), _colours(panel)
    axes.axhline(0, color=FAINT, linewidth=0.8)
    axes.axhline(figure.margin, color=INK, linewidth=1, linestyle="--", zorder=3)
    axes.bar(panel.seeds, high - low, figure.width, low, color=colours, edgecolor=colours, linewidth=0.8, zorder=2)
    for end, cut, marker in zip((low, high), beyond, ("v", "^"), strict=True):
        axes.scatter(panel.seeds[cut], end[cut], s=22, c=PAPER, marker=marker, edgecolor=INK, linewidth=0.8, zorder=4)
    axes.text(
        panel.seeds[-1], figure.height_of_words, panel.verdict, ha="center", va="center", weight="bold", color=INK
    )
    axes.set_title(variant_label(panel.variant))
    axes.set_xticks(figure.ticks)
    axes.set_xlim(*figure.range_x)
    axes.set_ylim(*figure.range_y)
    open_axes(axes, "y")


def _colours(panel: LookPanel) -> list[str]:
    """The last look has the variant's colour, those before it a tint of it."""
    colour = variant_colour(panel.variant)
    return [mixed(PAPER, colour, 0.4)] * (len(panel.seeds) - 1) + [colour]


def draw_looks_interactive(figure: LooksFigure) -> go.Figure:
    """The same bars; hovering shows the numbers."""
    count, shape = len(figure.panels), (figure.rows, figure.columns)
    places = [divmod(number, PER_ROW) for number in range(count)]
    specs = [[{} if PER_ROW * row + column < count else None for column in range(shape[1])] for row in range(shape[0])]
    titles = [variant_label(panel.variant) for panel in figure.panels]
    spacing = {"horizontal_spacing": 0.025, "vertical_spacing": 0.3 / shape[0]}
    page = make_subplots(*shape, specs=specs, subplot_titles=titles, x_title=SEEDS, y_title=GAIN, **spacing)
    for panel, (row, column) in zip(figure.panels, places, strict=True):
        page.add_traces(_traces(figure, panel), rows=row + 1, cols=column + 1)
        page.update_yaxes(showticklabels=column == 0, row=row + 1, col=column + 1)
    page.update_xaxes(range=figure.range_x, tickvals=figure.ticks, showgrid=False, zeroline=False)
    page.update_yaxes(range=figure.range_y, gridcolor=LINES, zerolinecolor=FAINT)
    page.add_hline(figure.margin, line={"color": INK, "width": 1.3, "dash": "dash"})
    page.update_annotations(font_size=12)
    margin = {"l": 72, "r": 16, "t": 40, "b": 64}
    return page.update_layout(**PLOTLY_LAYOUT, height=120 + 270 * shape[0], margin=margin, showlegend=False)


def _traces(figure: LooksFigure, panel: LookPanel) -> list[go.Bar | go.Scatter]:
    """The bars of one variant, a triangle where one goes on, and the verdict in words."""
    (low, high), colours = figure.ends(panel), _colours(panel)
    style = {"color": colours, "line": {"color": colours, "width": 1}}
    hover = {"customdata": panel.texts, "hovertemplate": "%{customdata}<extra></extra>"}
    traces: list[go.Bar | go.Scatter] = [
        go.Bar(x=panel.seeds, y=high - low, base=low, width=figure.width, marker=style, **hover)
    ]
    for end, cut, symbol in zip((low, high), figure.beyond(panel), ("triangle-down", "triangle-up"), strict=True):
        marker = {"symbol": symbol, "size": 10, "color": PAPER, "line": {"color": INK, "width": 0.8}}
        traces.append(go.Scatter(x=panel.seeds[cut], y=end[cut], mode="markers", marker=marker, hoverinfo="skip"))
    place = {"x": panel.seeds[-1:], "y": [figure.height_of_words], "cliponaxis": False}
    return [*traces, go.Scatter(**place, text=[f"<b>{panel.verdict}</b>"], mode="text", hoverinfo="skip")]
