"""Draws an annotated grid: all variants for print with matplotlib, one at a time for the browser with plotly."""

import math

import matplotlib.patheffects as effects
import numpy as np
import plotly.graph_objects as go
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle

from prunescape.present.figures.grid_data import NO_CELL, GridFigure, GridPanel
from prunescape.present.figures.style import (
    BELOW,
    DOUBLE,
    INK,
    PLOTLY_LAYOUT,
    PLOTLY_LEGEND,
    SINGLE,
    SMALL,
    TEXT,
    is_dark,
)
from prunescape.present.labels import axis_label, round_title, variant_label
from prunescape.present.numbers import short

TALLEST = 9.0  # inches: panels that do not fit on a page are left to the browser's figure
# of a cell in inches, by the decimals of the number in it; the last has none
WIDTHS: dict[int | None, float] = {2: 0.37, 1: 0.3, None: 0.16}
HIGH = 0.2
MARGIN = (0.4, 0.42)  # around a panel, for its labels
FRAMES = 0.5  # for the legend
CASING = [effects.Stroke(linewidth=2.4, foreground="white"), effects.Normal()]  # shows a frame on dark cells
BUTTONS = 6  # with more variants they become a list


def draw_grid_static(figure: GridFigure) -> Figure:
    """One panel per variant in reading order, the base first; the base alone where all do not fit on one page."""
    digits, shape, size = _layout(figure)
    panels = figure.panels[: math.prod(shape)]
    (lines, columns), (wide, high) = shape, size
    page = Figure(figsize=(min(max(columns * wide + 0.3, SINGLE), DOUBLE), lines * high + FRAMES), layout="constrained")
    places = page.subplots(lines, columns, squeeze=False, sharex=True, sharey=True).ravel()
    for axes, panel in zip(places, panels, strict=False):
        _draw_panel(axes, figure, panel, digits)
    for axes in places[len(panels) :]:
        axes.set_visible(False)
    for axes in places[max(0, len(panels) - columns) : len(panels)]:
        axes.tick_params(labelbottom=True)
    page.supxlabel(axis_label(figure.axes.x, " "), fontsize=TEXT)
    page.supylabel(axis_label(figure.axes.y), fontsize=TEXT)
    _draw_legend(page, figure)
    return page


def _layout(figure: GridFigure) -> tuple[int | None, tuple[int, int], tuple[float, float]]:
    """The decimals of the numbers in cells, if any; lines and columns of panels; a panel's width and height in inches.

    All panels, with as many decimals as they leave room for; the first panel alone where they do not fit on a page.
    """
    high, widest = HIGH * len(figure.y) + MARGIN[1], DOUBLE - MARGIN[0]
    for digits, cell in WIDTHS.items():
        wide = max(cell * len(figure.x), 1.0) + MARGIN[0]
        columns = min(len(figure.panels), int(DOUBLE / wide))
        lines = math.ceil(len(figure.panels) / max(columns, 1))
        if columns and lines * high <= TALLEST:
            return digits, (lines, columns), (wide, high)
    for digits, cell in WIDTHS.items():
        if cell * len(figure.x) <= widest:
            return digits, (1, 1), (cell * len(figure.x) + MARGIN[0], min(high, TALLEST))
    return None, (1, 1), (DOUBLE, min(high, TALLEST))


def _draw_panel(axes: Axes, figure: GridFigure, panel: GridPanel, digits: int | None) -> None:
    known = [tuple(place) for place in np.argwhere(panel.round != NO_CELL)]
    shown = np.ones((*panel.round.shape, 3))
    for place in known:
        shown[place] = to_rgb(figure.shades.colour(panel.score[place]))
    axes.imshow(shown, origin="lower", aspect="auto", interpolation="nearest")
    for row, column in known if digits is not None else ():
        ink = "white" if is_dark(figure.shades.colour(panel.score[row, column])) else "black"
        weight = "bold" if panel.good[row, column] else "normal"
        style = {"ha": "center", "va": "center", "fontsize": SMALL, "color": ink, "fontweight": weight}
        axes.text(column, row, panel.text(row, column, digits), **style).set_in_layout(False)
    for values, draw in ((figure.x, axes.axvline), (figure.y, axes.axhline)):
        for edge in np.arange(len(values) - 1):
            draw(edge + 0.5, color="white", linewidth=0.5)
    if len(figure.rounds) > 1:
        axes.add_collection(LineCollection(panel.borders, colors=INK, linewidths=1.1))
    _frame(axes, panel.best, "-")
    _frame(axes, figure.prior, (0, (2.2, 1.2)))
    axes.set_title(variant_label(panel.variant))
    axes.set_xticks(*_ticks(figure.x, digits))
    axes.set_yticks(*_ticks(figure.y, 2))
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)


def _ticks(values: np.ndarray, digits: int | None) -> tuple[list[int], list[str]]:
    """Every value, or every third one where columns are narrow."""
    places = list(range(0, len(values), 1 if digits else 3))
    return places, [short(values[place]) for place in places]


def _frame(axes: Axes, place: tuple[int, int] | None, line: object) -> None:
    if place is not None:
        corner = place[1] - 0.47, place[0] - 0.47
        style = {"edgecolor": "black", "linewidth": 1.2, "linestyle": line, "path_effects": CASING}
        axes.add_patch(Rectangle(corner, 0.94, 0.94, fill=False, zorder=3, **style))


def _draw_legend(page: Figure, figure: GridFigure) -> None:
    entries: list[Patch | Line2D] = [Patch(facecolor="none", edgecolor="black", linewidth=1.2, label="best cell")]
    if figure.prior is not None:
        entries.append(Patch(facecolor="none", edgecolor="black", linewidth=1.2, linestyle="--", label="prior"))
    if len(figure.rounds) > 1:
        entries.append(Line2D([], [], color=INK, linewidth=1.1, label="between rounds"))
    page.legend(handles=entries, loc="outside upper center", ncols=len(entries))


def draw_grid_interactive(figure: GridFigure) -> go.Figure:
    """A coloured cell for every setting with its accuracy in it; hovering shows setting, round and status."""
    page = go.Figure()
    for number, panel in enumerate(figure.panels):
        page.add_traces(_panel_traces(figure, panel, shown=number == 0))
    if figure.prior is not None:
        page.add_trace(_outline(figure.prior, "prior", True))
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
    """Each button shows the traces of one variant, and the trace that belongs to all."""
    count, each = len(figure.panels), len(_panel_traces(figure, figure.panels[0], shown=True))
    common = [True] * (figure.prior is not None)
    buttons = []
    for number, panel in enumerate(figure.panels):
        visible = [at == number for at in range(count) for _ in range(each)] + common
        buttons.append({"label": variant_label(panel.variant), "method": "restyle", "args": ["visible", visible]})
    kind = "buttons" if count <= BUTTONS else "dropdown"
    place = {"x": 0, "xanchor": "left", "y": 1, "yanchor": "bottom", "pad": {"b": 8, "t": 0}}
    return {"type": kind, "direction": "right" if kind == "buttons" else "down", "buttons": buttons, **place}


def _panel_traces(figure: GridFigure, panel: GridPanel, *, shown: bool) -> list[go.Heatmap | go.Scatter]:
    """The cells of one variant, the borders between rounds if there are several, and the frame of the best cell."""
    borders = [_borders(panel, shown=shown)] if len(figure.rounds) > 1 else []
    best = _outline(panel.best, f"best cell, {variant_label(panel.variant)}", shown)
    return [_cells(figure, panel, shown=shown), *borders, best]


def _cells(figure: GridFigure, panel: GridPanel, *, shown: bool) -> go.Heatmap:
    shades = figure.shades
    steps = np.clip(np.floor(shades.place(panel.score)), -1, shades.steps - 1)  # nan leaves a hole
    colours = [BELOW, *shades.colours]
    edges = np.linspace(0, 1, len(colours) + 1)
    scale = [(edge, colour) for at, colour in enumerate(colours) for edge in edges[at : at + 2]]
    rows, columns = range(len(figure.y)), range(len(figure.x))
    bold = np.where(panel.good, "<b>{}</b>", "{}")
    return go.Heatmap(
        z=steps,
        zmin=-1.5,
        zmax=shades.steps - 0.5,
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


def _borders(panel: GridPanel, *, shown: bool) -> go.Scatter:
    points = [end for border in panel.borders for end in (*border, (None, None))] or [(None, None)]
    x, y = zip(*points, strict=True)
    line = {"color": INK, "width": 2}
    return go.Scatter(x=x, y=y, mode="lines", line=line, name="between rounds", hoverinfo="skip", visible=shown)


def _outline(place: tuple[int, int], name: str, shown: bool) -> go.Scatter:
    row, column = place
    x, y = np.array([-1, 1, 1, -1, -1]) * 0.46 + column, np.array([-1, -1, 1, 1, -1]) * 0.44 + row
    line = {"color": "black", "width": 2, "dash": "dash" if name == "prior" else "solid"}
    return go.Scatter(x=x, y=y, mode="lines", line=line, name=name, hoverinfo="skip", visible=shown)
