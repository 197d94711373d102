"""Draws an annotated grid for print with matplotlib."""

import math

import matplotlib.patheffects as effects
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle

from prunescape.present.figures.grid_data import NO_CELL, GridFigure, GridPanel
from prunescape.present.figures.style import PRIOR, is_dark, round_colours
from prunescape.present.labels import axis_title, round_title, variant_title
from prunescape.present.numbers import short

PAGE = (10.5, 13.0)  # inches: panels that do not fit are left to the browser's figure
WIDE, HIGH = 0.37, 0.235  # of a cell, inches
MANY = 12  # columns; of more, cells and letters are smaller
MARGIN = (0.45, 0.5)  # around a panel, for its labels
CASING = [effects.Stroke(linewidth=2.3, foreground="white"), effects.Normal()]  # shows a frame on dark cells


def draw_grid(figure: GridFigure) -> Figure:
    """One panel per variant in reading order, the base first; the base alone where all do not fit on one page."""
    scale = 0.86 if len(figure.x) > MANY else 1.0
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
    page.supxlabel(axis_title(figure.axes.x), fontsize=9)
    page.supylabel(axis_title(figure.axes.y), fontsize=9)
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
    for edge in np.arange(len(figure.x) - 1):
        axes.axvline(edge + 0.5, color="white", linewidth=0.6)
    for edge in np.arange(len(figure.y) - 1):
        axes.axhline(edge + 0.5, color="white", linewidth=0.6)
    _frame(axes, panel.best, "black", "-")
    _frame(axes, figure.prior, PRIOR, (0, (2.5, 1.2)))
    axes.set_title(variant_title(panel.variant), fontsize=9.5)
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
