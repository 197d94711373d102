"""Draws a landscape figure for print with matplotlib. Needs matplotlib."""

from __future__ import annotations

import matplotlib.patheffects as effects
import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from prunescape.figures.landscape_data import LandscapeFigure, Panel
from prunescape.figures.style import (
    COLOUR_MAP,
    FAINT,
    INK,
    METRIC_TITLES,
    PANEL,
    PRIOR,
    X_TITLE,
    Y_TITLE,
    variant_title,
)

# a thin grey rim keeps a white and a black line visible on any ground
CASING = [effects.Stroke(linewidth=2.7, foreground=FAINT), effects.Normal()]
COLOURS = colormaps[COLOUR_MAP].with_extremes(under=FAINT, over=colormaps[COLOUR_MAP](1.0))


def draw_landscape(figure: LandscapeFigure) -> Figure:
    """Contours over scatter, one column per variant, one colour bar."""
    count = len(figure.panels)
    page = Figure(figsize=(1.6 + 2.25 * count, 5.9), layout="constrained")
    grid = page.subplots(2, count, sharex=True, sharey=True, squeeze=False)
    for column, panel in enumerate(figure.panels):
        _draw_contours(grid[0, column], figure, panel)
        shown = _draw_cells(grid[1, column], figure, panel)
        grid[0, column].set_title(f"{variant_title(panel.variant)}\nbest {panel.best[2]:.2f} %", fontsize=10)
        grid[1, column].set_xlabel(X_TITLE)
    for axes in grid[:, 0]:
        axes.set_ylabel(Y_TITLE)
    bar = page.colorbar(shown, ax=grid, fraction=0.03, pad=0.01, extend="min")
    bar.set_label(f"{METRIC_TITLES[figure.metric]} accuracy, %")
    _draw_legend(page, figure)
    return page


def _prepare(axes: Axes, figure: LandscapeFigure) -> None:
    axes.set_facecolor(PANEL)
    axes.set_xlim(figure.span_wd)
    axes.set_ylim(figure.span_lr)
    axes.tick_params(length=2.5, labelsize=8)
    for side in axes.spines.values():
        side.set_visible(False)


def _draw_contours(axes: Axes, figure: LandscapeFigure, panel: Panel) -> None:
    _prepare(axes, figure)
    levels = figure.levels
    if panel.surface is not None:
        height = np.ma.masked_invalid(panel.surface)
        axes.contourf(figure.surface_wd, figure.surface_lr, height, levels=levels, cmap=COLOURS, extend="max")
        axes.contour(figure.surface_wd, figure.surface_lr, height, levels=levels, colors="white", linewidths=0.35)
    low = panel.score < figure.floor
    axes.plot(panel.log10_wd[low], panel.log10_lr[low], ".", color=FAINT, markersize=3, zorder=2)
    _draw_marks(axes, figure, panel)


def _draw_cells(axes: Axes, figure: LandscapeFigure, panel: Panel):
    """Every cell and the ellipses; gives the coloured points, from which the colour bar is made."""
    _prepare(axes, figure)
    low = (panel.score < figure.floor) & ~panel.diverged
    kept = ~low & ~panel.diverged
    axes.plot(panel.log10_wd[low], panel.log10_lr[low], ".", color=FAINT, markersize=4)
    axes.plot(panel.log10_wd[panel.diverged], panel.log10_lr[panel.diverged], "x", color=INK, markersize=4)
    shown = axes.scatter(
        panel.log10_wd[kept],
        panel.log10_lr[kept],
        c=panel.score[kept],
        cmap=COLOURS,
        vmin=figure.floor,
        vmax=figure.ceiling,
        s=42,
        linewidths=0,
    )
    for threshold, colour in ((1.0, "white"), (0.5, "black")):
        if threshold in panel.outlines:
            axes.plot(*panel.outlines[threshold], color=colour, linewidth=1.9, path_effects=CASING)
    _draw_marks(axes, figure, panel)
    return shown


def _draw_marks(axes: Axes, figure: LandscapeFigure, panel: Panel) -> None:
    if figure.prior is not None:
        axes.plot(*figure.prior, "D", markersize=8, markerfacecolor="none", markeredgecolor=PRIOR, markeredgewidth=1.8)
    axes.plot(*panel.best[:2], "*", markersize=12, color="white", markeredgecolor="black", markeredgewidth=0.9)


def _draw_legend(page: Figure, figure: LandscapeFigure) -> None:
    from matplotlib.lines import Line2D

    star = {"markersize": 12, "markerfacecolor": "white", "markeredgecolor": "black", "markeredgewidth": 0.9}
    diamond = {"markersize": 7, "markerfacecolor": "none", "markeredgecolor": PRIOR, "markeredgewidth": 1.8}
    entries = [
        Line2D([], [], linestyle="none", marker="*", label="best cell", **star),
        Line2D([], [], color="white", linewidth=1.9, path_effects=CASING, label="ellipse of the 1.0-ROI"),
        Line2D([], [], color="black", linewidth=1.9, label="ellipse of the 0.5-ROI"),
        Line2D([], [], linestyle="none", marker=".", color=FAINT, label="below the colour bar"),
    ]
    if any(panel.diverged.any() for panel in figure.panels):
        entries.append(Line2D([], [], linestyle="none", marker="x", color=INK, markersize=5, label="diverged"))
    if figure.prior is not None:
        entries.insert(1, Line2D([], [], linestyle="none", marker="D", label="prior", **diamond))
    columns = len(entries) if len(figure.panels) > 3 else 2
    page.legend(
        handles=entries, loc="outside lower center", ncols=columns, facecolor=PANEL, edgecolor="none", fontsize=9
    )
