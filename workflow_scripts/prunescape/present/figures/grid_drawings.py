"""Draws an annotated grid: all variants for print with matplotlib, one at a time for the browser with plotly."""

import math

import matplotlib.patheffects as effects
import numpy as np
import plotly.graph_objects as go
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle

from prunescape.present.figures.grid_data import NO_CELL, GridFigure, GridPanel
from prunescape.present.figures.style import PLOTLY_LAYOUT, PLOTLY_LEGEND, PRIOR, is_dark, round_colours
from prunescape.present.labels import axis_label, round_title, variant_label
from prunescape.present.numbers import short

PAGE = (10.5, 13.0)  # inches: panels that do not fit are left to the browser's figure
WIDE, HIGH = 0.37, 0.235  # of a cell, inches
MARGIN = (0.45, 0.5)  # around a panel, for its labels
CASING = [effects.Stroke(linewidth=2.3, foreground="white"), effects.Normal()]  # shows a frame on dark cells
BUTTONS = 6  # with more variants they become a list


def draw_grid_static(figure: GridFigure) -> Figure:
    """One panel per variant in reading order, the base first; the base alone where all do not fit on one page."""
    scale = 0.86 if figure.dense else 1.0
    wide = max(WIDE * scale * len(figure.x), 1.2) + MARGIN[0]
    high = HIGH * scale * len(figure.y) + MARGIN[1]
    columns = min(len(figure.panels), max(1, int(PAGE[0] / wide)))
    lines = math.ceil(len(figure.panels) / columns)
    fits = lines * high <= PAGE[1]
    panels = figure.panels if fits else figure.panels[:1]
    columns, lines = (columns, lines) if fits else (1, 1)
    page = Figure(figsize=(max(columns * wide + 0.3, 3.2), lines * high + 0.6), layout="constrained")
    places = page.subplots(lines, columns, squeeze=False, sharex=True, sharey=True).ravel()
    for axes, panel in zip(places, panels, strict=False):
        _draw_panel(axes, figure, panel, 6.6 * scale)
    for axes in places[len(panels) :]:
        axes.set_visible(False)
    for axes in places[max(0, len(panels) - columns) : len(panels)]:
        axes.tick_params(labelbottom=True)
    page.supxlabel(axis_label(figure.axes.x), fontsize=9)
    page.supylabel(axis_label(figure.axes.y), fontsize=9)
    _draw_legend(page, figure)
    return page


def _draw_panel(axes: Axes, figure: GridFigure, panel: GridPanel, size: float) -> None:
    colours = round_colours(figure.rounds)
    shown = np.ones((*panel.round.shape, 3))
    for number, colour in colours.items():
        shown[panel.round == number] = to_rgb(colour)
    axes.imshow(shown, origin="lower", aspect="auto", interpolation="nearest")
    for row, column in np.argwhere(panel.round != NO_CELL):
        ink = "white" if is_dark(colours[int(panel.round[row, column])]) else "black"
        weight = "bold" if panel.good[row, column] else "normal"
        style = {"ha": "center", "va": "center", "fontsize": size, "color": ink, "fontweight": weight}
        axes.text(column, row, panel.text(row, column), **style).set_in_layout(False)
    for values, draw in ((figure.x, axes.axvline), (figure.y, axes.axhline)):
        for edge in np.arange(len(values) - 1):
            draw(edge + 0.5, color="white", linewidth=0.6)
    _frame(axes, panel.best, "black", "-")
    _frame(axes, figure.prior, PRIOR, (0, (2.5, 1.2)))
    axes.set_title(variant_label(panel.variant), fontsize=9.5)
    axes.set_xticks(range(len(figure.x)), [short(value) for value in figure.x])
    axes.set_yticks(range(len(figure.y)), [short(value) for value in figure.y])
    axes.tick_params(length=0, labelsize=size)
    axes.spines[:].set_visible(False)


def _frame(axes: Axes, place: tuple[int, int] | None, colour: str, line: object) -> None:
    if place is not None:
        corner = place[1] - 0.48, place[0] - 0.48
        style = {"edgecolor": colour, "linewidth": 1.3, "linestyle": line, "path_effects": CASING}
        axes.add_patch(Rectangle(corner, 0.96, 0.96, fill=False, zorder=3, **style))


def _draw_legend(page: Figure, figure: GridFigure) -> None:
    frames = [Patch(facecolor="none", edgecolor="black", linewidth=1.4, label="best cell")]
    if figure.prior is not None:
        frames.append(Patch(facecolor="none", edgecolor=PRIOR, linewidth=1.4, linestyle="--", label="prior"))
    several = len(figure.rounds) > 1
    colours = round_colours(figure.rounds) if several else {}
    rounds = [Patch(facecolor=colour, label=round_title(number)) for number, colour in colours.items()]
    columns = max(1, min(len(rounds) + len(frames), int(page.get_size_inches()[0] / 1.15)))
    page.legend(handles=[*rounds, *frames], loc="outside upper center", ncols=columns, frameon=False, fontsize=8)


def draw_grid_interactive(figure: GridFigure) -> go.Figure:
    """A coloured cell for every setting with its accuracy in it; hovering shows setting, round and status."""
    page = go.Figure()
    for number, panel in enumerate(figure.panels):
        page.add_trace(_cells(figure, panel, shown=number == 0))
        page.add_trace(_outline(figure, panel.best, "black", f"best cell, {variant_label(panel.variant)}", number == 0))
    page.add_traces(_rounds(figure))
    if figure.prior is not None:
        page.add_trace(_outline(figure, figure.prior, PRIOR, "prior", True))
    for axis, values in (("xaxis", figure.x), ("yaxis", figure.y)):
        ticks = {"tickvals": list(range(len(values))), "ticktext": [short(value) for value in values]}
        page.update_layout({axis: {**ticks, "range": (-0.5, len(values) - 0.5), "showgrid": False, "zeroline": False}})
    height = 170 + 28 * len(figure.y)
    return page.update_layout(
        **PLOTLY_LAYOUT,
        xaxis_title=axis_label(figure.axes.x, "<br>"),
        yaxis_title=axis_label(figure.axes.y, "<br>"),
        height=height,
        margin={"l": 64, "r": 16, "t": 52, "b": 90},
        legend={**PLOTLY_LEGEND, "y": -52 / (height - 142)},
        updatemenus=[_menu(figure)] if len(figure.panels) > 1 else [],
    )


def _menu(figure: GridFigure) -> dict:
    """Each button shows the two traces of one variant, and the traces that belong to all."""
    count = len(figure.panels)
    common = [True] * (len(_rounds(figure)) + (figure.prior is not None))
    buttons = []
    for number, panel in enumerate(figure.panels):
        visible = [at == number for at in range(count) for _ in range(2)] + common
        buttons.append({"label": variant_label(panel.variant), "method": "restyle", "args": ["visible", visible]})
    kind = "buttons" if count <= BUTTONS else "dropdown"
    place = {"x": 0, "xanchor": "left", "y": 1, "yanchor": "bottom", "pad": {"b": 8, "t": 0}}
    return {"type": kind, "direction": "right" if kind == "buttons" else "down", "buttons": buttons, **place}


def _cells(figure: GridFigure, panel: GridPanel, *, shown: bool) -> go.Heatmap:
    colours = round_colours(figure.rounds)
    # each round has its own step of the scale; nan leaves a hole
    steps = np.select([panel.round == number for number in colours], list(range(len(colours))), np.nan)
    edges = np.linspace(0, 1, len(colours) + 1)
    scale = [(edge, colour) for at, colour in enumerate(colours.values()) for edge in edges[at : at + 2]]
    rows, columns = range(len(figure.y)), range(len(figure.x))
    bold = np.where(panel.good, "<b>{}</b>", "{}")
    return go.Heatmap(
        z=steps,
        zmin=-0.5,
        zmax=len(colours) - 0.5,
        colorscale=scale,
        showscale=False,
        xgap=1,
        ygap=1,
        text=[[bold[row, column].format(panel.text(row, column)) for column in columns] for row in rows],
        texttemplate="%{text}",
        textfont={"size": 10 if figure.dense else 12},
        customdata=[[_hover(panel, row, column) for column in columns] for row in rows],
        hovertemplate=(
            f"%{{customdata[0]}}<br>{figure.metric_titles} %{{customdata[1]}} % · %{{customdata[2]}}"
            "<extra>%{fullData.name}</extra>"
        ),
        hoverongaps=False,
        visible=shown,
        name=variant_label(panel.variant),
    )


def _hover(panel: GridPanel, row: int, column: int) -> list[str]:
    """Setting, score, and which round planned the cell."""
    status = round_title(int(panel.round[row, column])) + ", diverged" * bool(panel.diverged[row, column])
    return [panel.settings[row, column], f"{panel.score[row, column]:.3f}", status]


def _rounds(figure: GridFigure) -> list[go.Scatter]:
    """Entries of the legend alone: the colour of each round, where there are several."""
    if len(figure.rounds) < 2:
        return []
    square = {"symbol": "square", "size": 13}
    return [
        go.Scatter(x=[None], y=[None], mode="markers", marker={**square, "color": colour}, name=round_title(number))
        for number, colour in round_colours(figure.rounds).items()
    ]


def _outline(figure: GridFigure, place: tuple[int, int], colour: str, name: str, shown: bool) -> go.Scatter:
    row, column = place
    x, y = np.array([-1, 1, 1, -1, -1]) * 0.46 + column, np.array([-1, -1, 1, 1, -1]) * 0.44 + row
    line = {"color": colour, "width": 2, "dash": "dash" if name == "prior" else "solid"}
    return go.Scatter(x=x, y=y, mode="lines", line=line, name=name, hoverinfo="skip", visible=shown)
