"""Draws a landscape figure for print with matplotlib."""

import matplotlib.patheffects as effects
import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import BoundaryNorm, ListedColormap
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from prunescape.present.figures.landscape_data import Landscape, LandscapeFigure, Panel
from prunescape.present.figures.style import COLOUR_SCALE, FAINT, INK, PANEL, PRIOR, UNSURE_LEVELS, UNSURE_SHADES
from prunescape.present.labels import METRIC_TITLES, axis_label, roi_title

WIDTH, HEIGHT = 1.72, 2.05  # of a panel, inches: five beside each other fill a page set sideways
# a thin grey rim keeps a white and a black line visible on any ground
CASING = [effects.Stroke(linewidth=2.7, foreground=FAINT), effects.Normal()]
COLOURS = colormaps[COLOUR_SCALE].with_extremes(under=FAINT, over=colormaps[COLOUR_SCALE](1.0))
UNSURE = BoundaryNorm(UNSURE_LEVELS, len(UNSURE_SHADES), extend="max")
UNSURE_COLOURS = ListedColormap(UNSURE_SHADES[:-1]).with_extremes(over=UNSURE_SHADES[-1])
STAR = {"markersize": 11, "color": "white", "markeredgecolor": "black", "markeredgewidth": 0.9}
DIAMOND = {"markersize": 7, "markerfacecolor": "none", "markeredgecolor": PRIOR, "markeredgewidth": 1.7}


def draw_landscape_static(figure: LandscapeFigure) -> Figure:
    """Contours over scatter, one column per variant; each landscape with its colour bar, one legend."""
    blocks, count = len(figure.landscapes), len(figure.landscapes[0].panels)
    down, across = (blocks, 1) if figure.stacked else (1, blocks)
    wide, high = across * (1.35 + WIDTH * count), down * (2 * HEIGHT + 0.75)
    page = Figure(figsize=(wide, high + 0.55), layout="constrained")
    page.get_layout_engine().set(w_pad=0.03, h_pad=0.05)
    parts = page.subfigures(down, across, wspace=0.02, hspace=0.02) if blocks > 1 else [page]
    for part, landscape in zip(parts, figure.landscapes, strict=True):
        if blocks > 1:
            part.suptitle(f"{METRIC_TITLES[landscape.metric]} accuracy", fontsize=11)
        _draw_block(part, figure, landscape)
    _draw_legend(page, figure, wide)
    return page


def _draw_block(page, figure: LandscapeFigure, landscape: Landscape) -> None:
    grid = page.subplots(2, len(landscape.panels), sharex=True, sharey=True, squeeze=False)
    for column, panel in enumerate(landscape.panels):
        _draw_contours(grid[0, column], figure, landscape, panel)
        _draw_uncertainty(grid[1, column], figure, panel)
        shown = _draw_cells(grid[1, column], figure, landscape, panel)
        grid[0, column].set_title(figure.panel_title(panel), fontsize=9.5)
        grid[1, column].set_xlabel(axis_label(figure.axes.x))
    for axes in grid[:, 0]:
        axes.set_ylabel(axis_label(figure.axes.y))
    rows, long = (grid[:1], 17) if figure.inferred else (grid, 34)
    bar = page.colorbar(shown, ax=rows, fraction=0.03, pad=0.01, aspect=long * HEIGHT / WIDTH, extend="min")
    _finish_bar(bar, f"{METRIC_TITLES[landscape.metric]} accuracy, %")
    if figure.inferred:
        shades = ScalarMappable(UNSURE, UNSURE_COLOURS)
        bar = page.colorbar(shades, ax=grid[1:], fraction=0.03, pad=0.01, aspect=17 * HEIGHT / WIDTH, extend="max")
        _finish_bar(bar, "may be better by, points")


def _finish_bar(bar, label: str) -> None:
    bar.set_label(label)
    bar.ax.tick_params(labelsize=8)
    bar.outline.set_visible(False)


def _draw_uncertainty(axes: Axes, figure: LandscapeFigure, panel: Panel) -> None:
    """How far the interval of an inferred surface reaches above it, in shades."""
    if panel.reach is not None:
        height = np.ma.masked_invalid(panel.reach)
        levels = {"levels": UNSURE_LEVELS, "norm": UNSURE, "cmap": UNSURE_COLOURS, "extend": "max"}
        axes.contourf(figure.surface_x, figure.surface_y, height, **levels)


def _prepare(axes: Axes, figure: LandscapeFigure) -> None:
    axes.set_facecolor(PANEL)
    axes.set_xlim(figure.span_x)
    axes.set_ylim(figure.span_y)
    axes.tick_params(length=2.5, labelsize=8)
    axes.xaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
    axes.spines[:].set_visible(False)


def _draw_contours(axes: Axes, figure: LandscapeFigure, landscape: Landscape, panel: Panel) -> None:
    """Contours; the cells themselves where they span no area."""
    _prepare(axes, figure)
    levels = landscape.levels
    if panel.surface is None:
        _draw_points(axes, landscape, panel)
    else:
        height = np.ma.masked_invalid(panel.surface)
        axes.contourf(figure.surface_x, figure.surface_y, height, levels=levels, cmap=COLOURS, extend="max")
        axes.contour(figure.surface_x, figure.surface_y, height, levels=levels, colors="white", linewidths=0.35)
    axes.plot(panel.x[~panel.coloured], panel.y[~panel.coloured], ".", color=FAINT, markersize=2.5, zorder=2)
    if panel.reach is not None:
        axes.plot(panel.x[panel.coloured], panel.y[panel.coloured], ".", color="black", markersize=3.5, zorder=2)
    _draw_marks(axes, figure, panel)


def _draw_points(axes: Axes, landscape: Landscape, panel: Panel):
    """The cells on the colour bar; gives them, as the bar is made from them."""
    kept = panel.coloured
    colours = {"cmap": COLOURS, "vmin": landscape.floor, "vmax": landscape.ceiling}
    size = 18 if panel.dense else 36
    return axes.scatter(panel.x[kept], panel.y[kept], c=panel.score[kept], s=size, linewidths=0, **colours)


def _draw_cells(axes: Axes, figure: LandscapeFigure, landscape: Landscape, panel: Panel):
    """Every cell and the ellipses; gives the coloured points."""
    _prepare(axes, figure)
    small = 0.7 if panel.dense else 1
    axes.plot(panel.x[panel.low], panel.y[panel.low], ".", color=FAINT, markersize=3.5 * small)
    crosses = {"color": INK, "markersize": 3.5 * small, "markeredgewidth": 0.8}
    axes.plot(panel.x[panel.diverged], panel.y[panel.diverged], "x", **crosses)
    shown = _draw_points(axes, landscape, panel)
    for threshold, colour in figure.roi_colours.items():
        if threshold in panel.outlines:
            axes.plot(*panel.outlines[threshold], color=colour, linewidth=1.9, path_effects=CASING)
    _draw_marks(axes, figure, panel)
    return shown


def _draw_marks(axes: Axes, figure: LandscapeFigure, panel: Panel) -> None:
    if figure.prior is not None:
        axes.plot(figure.prior.x, figure.prior.y, "D", **DIAMOND)
    axes.plot(panel.best.x, panel.best.y, "*", **STAR)


def _draw_legend(page: Figure, figure: LandscapeFigure, wide: float) -> None:
    entries = [
        Line2D([], [], linestyle="none", marker="*", label="best cell", **STAR),
        *(
            Line2D([], [], color=colour, linewidth=1.9, path_effects=CASING, label=f"ellipse of the {roi_title(x)}")
            for x, colour in figure.roi_colours.items()
        ),
        Line2D([], [], linestyle="none", marker=".", color=FAINT, label="below the colour bar"),
    ]
    if any(panel.diverged.any() for landscape in figure.landscapes for panel in landscape.panels):
        entries.append(Line2D([], [], linestyle="none", marker="x", color=INK, markersize=5, label="diverged"))
    if figure.prior is not None:
        entries.insert(1, Line2D([], [], linestyle="none", marker="D", label="prior", **DIAMOND))
    columns = len(entries) if wide > 8 else 3 if wide > 5.5 else 2
    page.legend(
        handles=entries, loc="outside lower center", ncols=columns, facecolor=PANEL, edgecolor="none", fontsize=8.5
    )
