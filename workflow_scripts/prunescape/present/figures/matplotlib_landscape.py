"""Draws a landscape figure for print with matplotlib."""

import math

import matplotlib.patheffects as effects
import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import BoundaryNorm, ListedColormap
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from prunescape.present.figures.landscape_data import LandscapeFigure
from prunescape.present.figures.landscape_panels import TRACE, Landscape, Panel
from prunescape.present.figures.style import (
    BELOW,
    DOUBLE,
    FAINT,
    INK,
    PALE,
    PANEL,
    SINGLE,
    SMALL,
    TEXT,
    UNSURE_LEVELS,
    UNSURE_SHADES,
)
from prunescape.present.labels import METRIC_TITLES, axis_label, roi_title

BESIDE, TALLEST = 1.25, 1.7  # inches: labels and colour bar beside the panels, a panel's height
OVER, LEGEND = 0.62, 0.42  # inches: titles and tick labels of a row; legend and label below all
# a thin grey rim keeps a white and a black line visible on any ground
CASING = [effects.Stroke(linewidth=2.2, foreground=FAINT), effects.Normal()]
UNSURE = BoundaryNorm(UNSURE_LEVELS, len(UNSURE_SHADES), extend="max")
UNSURE_COLOURS = ListedColormap(UNSURE_SHADES[:-1]).with_extremes(over=UNSURE_SHADES[-1])
STAR = {"markersize": 9, "color": "white", "markeredgecolor": "black", "markeredgewidth": 0.8}
DIAMOND = {"markersize": 5.5, "markerfacecolor": "white", "markeredgecolor": "black", "markeredgewidth": 0.9}


def draw_landscape_static(figure: LandscapeFigure) -> Figure:
    """A panel per variant, in one row where they fit; each landscape with its colour bar; one legend."""
    blocks, columns = len(figure.landscapes), figure.columns
    rows = math.ceil(len(figure.landscapes[0].panels) / columns)
    wide = SINGLE if columns < 3 else DOUBLE
    high = min((wide - BESIDE) / columns * 1.15, TALLEST) + OVER
    page = Figure(figsize=(wide, blocks * (rows * high + 0.16) + LEGEND), layout="constrained")
    page.get_layout_engine().set(w_pad=0.02, h_pad=0.03)
    parts = page.subfigures(blocks, 1) if blocks > 1 else [page]
    for part, landscape in zip(parts, figure.landscapes, strict=True):
        _draw_block(part, figure, landscape, (rows, columns))
    _draw_legend(page, figure, wide)
    return page


def _draw_block(part, figure: LandscapeFigure, landscape: Landscape, shape: tuple[int, int]) -> None:
    grid = part.subplots(*shape, sharex=True, sharey=True, squeeze=False)
    places = grid.ravel()
    for axes, panel in zip(places, landscape.panels, strict=False):
        _draw_panel(axes, figure, landscape, panel)
    for axes in places[len(landscape.panels) :]:
        axes.set_visible(False)
    for axes in places[max(0, len(landscape.panels) - shape[1]) : len(landscape.panels)]:
        axes.tick_params(labelbottom=True)
    last = places[: len(landscape.panels)][-shape[1] :]
    last[len(last) // 2].set_xlabel(axis_label(figure.axes.x, " "))  # one below all: a legend of the page follows
    for axes in grid[:, 0]:
        axes.set_ylabel(axis_label(figure.axes.y))
    _draw_bar(part, figure, landscape, grid)


def _draw_bar(part, figure: LandscapeFigure, landscape: Landscape, grid: np.ndarray) -> None:
    place = {"ax": grid, "fraction": 0.04, "pad": 0.01, "aspect": 18 * len(grid)}
    if figure.unsure:
        bar = part.colorbar(ScalarMappable(UNSURE, UNSURE_COLOURS), extend="max", **place)
        bar.set_label("may be better by, points")
    else:
        shades, edges = landscape.shades, np.arange(landscape.shades.steps + 1)
        colours = ListedColormap(shades.colours).with_extremes(under=BELOW)
        extend = "min" if landscape.below else "neither"
        bar = part.colorbar(ScalarMappable(BoundaryNorm(edges, shades.steps), colours), extend=extend, **place)
        bar.set_ticks(edges, labels=shades.texts)
        bar.set_label(f"{METRIC_TITLES[landscape.metric]} accuracy, %")
    bar.ax.tick_params(labelsize=SMALL, length=0)
    bar.outline.set_visible(False)


def _draw_panel(axes: Axes, figure: LandscapeFigure, landscape: Landscape, panel: Panel) -> None:
    axes.set_facecolor(PANEL)
    axes.set_xlim(figure.span_x)
    axes.set_ylim(figure.span_y)
    axes.xaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 5, 10]))
    axes.yaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
    axes.spines[:].set_visible(False)
    axes.set_title(figure.panel_title(panel), fontsize=TEXT)
    _draw_ground(axes, figure, landscape, panel)
    _draw_cells(axes, landscape, panel)
    lines = panel.outlines if figure.ellipses else panel.regions
    for threshold, colour in figure.roi_colours.items():
        if threshold in lines:
            axes.plot(*lines[threshold], color=colour, linewidth=1.3, path_effects=CASING, zorder=3)
    if figure.prior is not None:
        axes.plot(figure.prior.x, figure.prior.y, "D", clip_on=False, zorder=4, **DIAMOND)
    axes.plot(panel.best.x, panel.best.y, "*", clip_on=False, zorder=5, **STAR)


def _draw_ground(axes: Axes, figure: LandscapeFigure, landscape: Landscape, panel: Panel) -> None:
    """The surface in steps of colour, or how far the interval of an inferred one reaches above it."""
    plane = figure.surface_x, figure.surface_y
    if figure.unsure:
        if panel.reach is not None:
            height = np.ma.masked_invalid(panel.reach)
            filled = axes.contourf(*plane, height, levels=UNSURE_LEVELS, norm=UNSURE, cmap=UNSURE_COLOURS, extend="max")
            filled.set_rasterized(panel.dense)
    elif panel.surface is not None:
        shades = landscape.shades
        height = np.ma.masked_invalid(np.clip(shades.place(panel.surface), -0.5, shades.steps - 2 * TRACE))
        for step, colour in enumerate([BELOW, *shades.colours], start=-1):  # each over the last: no line is drawn twice
            if height.max() > step:
                filled = axes.contourf(*plane, height, levels=[step - TRACE, shades.steps], colors=[colour])
                filled.set_rasterized(panel.dense)  # an image within the drawing, as large whatever it shows

        if panel.pale is not None and panel.pale.max() > 0.5:
            axes.contourf(*plane, panel.pale, levels=[0.5, 1.5], colors=[PANEL], alpha=PALE)


def _draw_cells(axes: Axes, landscape: Landscape, panel: Panel) -> None:
    """Dots on a surface; the coloured cells themselves where there is none."""
    kept, small = ~panel.diverged, 0.7 if panel.dense else 1
    if panel.surface is None and kept.any():
        colours = [landscape.shades.colour(score) for score in panel.score[kept]]
        axes.scatter(panel.x[kept], panel.y[kept], c=colours, s=30, linewidths=0, clip_on=False, zorder=2)
    elif kept.any():
        dots = {"color": INK, "markersize": 1.5 * small, "markeredgewidth": 0, "alpha": 0.6}
        axes.plot(panel.x[kept], panel.y[kept], "o", clip_on=False, zorder=2, rasterized=panel.dense, **dots)
    if panel.diverged.any():
        crosses = {"color": INK, "markersize": 3.2 * small, "markeredgewidth": 0.8}
        axes.plot(panel.x[panel.diverged], panel.y[panel.diverged], "x", clip_on=False, zorder=2, **crosses)


def _draw_legend(page: Figure, figure: LandscapeFigure, wide: float) -> None:
    what = "ellipse of the " if figure.ellipses else ""
    panels = [panel for landscape in figure.landscapes for panel in landscape.panels]
    entries = [Line2D([], [], linestyle="none", marker="*", label="best cell", **STAR)]
    if figure.prior is not None:
        entries.append(Line2D([], [], linestyle="none", marker="D", label="prior", **DIAMOND))
    for threshold, colour in figure.roi_colours.items():
        line = {"color": colour, "linewidth": 1.3, "path_effects": CASING}
        entries.append(Line2D([], [], label=f"{what}{roi_title(threshold)}", **line))
    if any(panel.diverged.any() for panel in panels):
        entries.append(Line2D([], [], linestyle="none", marker="x", color=INK, markersize=4, label="diverged"))
    columns = len(entries) if wide > SINGLE else 2 if figure.ellipses else 3
    page.legend(
        handles=entries, loc="outside lower center", ncols=columns, facecolor=PANEL, edgecolor="none", frameon=True
    )
