"""Draws figures about arms, box plots and densities: for print with matplotlib, for the browser with plotly."""

import math

import plotly.graph_objects as go
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, StrMethodFormatter
from plotly.subplots import make_subplots

from prunescape.present.figures.arm_data import ArmFigure, ArmPanel
from prunescape.present.figures.style import ACCENT, INK, LINES, PLOTLY_LAYOUT, TEXT, TINT, open_axes

MOST_COLUMNS = 3
BOX_WIDTH = 0.72  # of a box with its label, inches
COLOURS = (ACCENT, "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")  # Okabe and Ito's palette, after our blue
BOX_LINES = {"medianprops": {"color": INK, "linewidth": 1.4}, "boxprops": {"facecolor": TINT, "edgecolor": INK}}
DOTS = {"marker": "o", "markersize": 3, "markerfacecolor": INK, "markeredgewidth": 0, "alpha": 0.5}


def shape_of(figure: ArmFigure) -> tuple[int, int]:
    """Rows and columns of panels."""
    count = len(figure.panels)
    columns = min(count, 2 if count == 4 else MOST_COLUMNS)
    return math.ceil(count / columns), columns


def draw_arms_static(figure: ArmFigure) -> Figure:
    """Every panel with its own axis of values."""
    rows, columns = shape_of(figure)
    wide = max(3.1, 0.4 + BOX_WIDTH * max(len(panel.samples) for panel in figure.panels))
    page = Figure(figsize=(0.6 + wide * columns, 0.3 + 2.7 * rows), layout="constrained")
    places = page.subplots(rows, columns, squeeze=False).ravel()
    draw = _draw_boxes if figure.kind == "arm_boxes" else _draw_densities
    for axes, panel in zip(places, figure.panels, strict=False):
        draw(axes, panel)
        axes.set_title(panel.title)
    for axes in places[len(figure.panels) :]:
        axes.set_visible(False)
    (page.supylabel if figure.kind == "arm_boxes" else page.supxlabel)(figure.label, fontsize=TEXT)
    return page


def _draw_boxes(axes: Axes, panel: ArmPanel) -> None:
    values = [sample.values for sample in panel.samples]
    names = [sample.name.replace(" ", "\n") for sample in panel.samples]
    axes.boxplot(values, tick_labels=names, widths=0.6, patch_artist=True, flierprops=DOTS, **BOX_LINES)
    axes.set_yscale(panel.axis)
    axes.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    open_axes(axes, "y")


def _draw_densities(axes: Axes, panel: ArmPanel) -> None:
    for place, sample in enumerate(panel.samples):
        colour = COLOURS[place % len(COLOURS)]
        if sample.curve:
            axes.plot(*sample.curve, color=colour, linewidth=1.4)
        height = -0.05 * (place + 1)
        trans = axes.get_xaxis_transform()
        axes.plot(sample.values, [height] * len(sample.values), "|", color=colour, transform=trans, clip_on=False)
        axes.plot([], [], color=colour, label=sample.name)
    axes.axvline(0, color=INK, linewidth=0.8, linestyle=":")
    axes.set_yticks([])
    axes.xaxis.set_major_locator(MaxNLocator(5))
    axes.set_ylim(bottom=0)
    open_axes(axes, "x")
    axes.tick_params(axis="x", pad=4 + 7 * len(panel.samples))
    axes.legend()


def draw_arms_interactive(figure: ArmFigure) -> go.Figure:
    """The same panels; hovering shows quartiles, or the values of pairs."""
    rows, columns = shape_of(figure)
    titles = [panel.title for panel in figure.panels]
    page = make_subplots(rows, columns, subplot_titles=titles, vertical_spacing=0.28 / rows, horizontal_spacing=0.08)
    boxes = figure.kind == "arm_boxes"
    for number, panel in enumerate(figure.panels):
        place = {"row": number // columns + 1, "col": number % columns + 1}
        for trace in _boxes(panel) if boxes else _densities(panel, first=number == 0):
            page.add_trace(trace, **place)
        if boxes:
            page.update_yaxes(type=panel.axis, gridcolor=LINES, zeroline=False, **place)
        else:
            page.update_yaxes(showticklabels=False, showgrid=False, rangemode="tozero", **place)
            page.update_xaxes(gridcolor=LINES, zerolinecolor=INK, **place)
    if boxes:
        page.update_yaxes(title=figure.label, col=1)
    else:
        page.update_xaxes(title=figure.label, row=rows)
    margin = {"l": 64, "r": 16, "t": 40, "b": 56}
    return page.update_layout(**PLOTLY_LAYOUT, height=110 + 280 * rows, margin=margin, showlegend=not boxes)


def _boxes(panel: ArmPanel) -> list[go.Box]:
    style = {"fillcolor": TINT, "line": {"color": INK, "width": 1.2}, "marker": {"color": INK, "size": 4}}
    known = {"quartilemethod": "linear", "boxpoints": "outliers", **style}
    return [go.Box(y=sample.values, name=sample.name, **known) for sample in panel.samples]


def _densities(panel: ArmPanel, *, first: bool) -> list[go.Scatter]:
    traces = []
    for place, sample in enumerate(panel.samples):
        colour = COLOURS[place % len(COLOURS)]
        known = {"name": sample.name, "legendgroup": sample.name}
        x, y = sample.curve or ([None], [None])
        line = {"mode": "lines", "line": {"color": colour, "width": 2}, "hoverinfo": "skip"}
        traces.append(go.Scatter(x=x, y=y, showlegend=first, **line, **known))
        mark = {"symbol": "line-ns", "size": 9, "line": {"color": colour, "width": 1}}
        hover = {"mode": "markers", "marker": mark, "hovertemplate": f"{sample.name}: %{{x:.3g}}<extra></extra>"}
        traces.append(go.Scatter(x=sample.values, y=[0] * len(sample.values), showlegend=False, **hover, **known))
    return traces
