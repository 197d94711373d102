"""Draws a risk figure for print with matplotlib."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from prunescape.present.figures.risk_data import ABSOLUTE, RELATIVE, Box, Limits, RiskFigure
from prunescape.present.figures.style import FAINT, INK, LINES, variant_colour
from prunescape.present.labels import variant_title

WIDTH = 0.78  # of a box with its label, inches


def draw_risk(figure: RiskFigure) -> Figure:
    """One box per variant, the base darker: absolute risk left or top, relative risk right or bottom.

    The models of several experiments stand side by side.
    """
    counts = [len(group.absolute) for group in figure.groups]
    alone = len(counts) == 1
    shape, widths = ((1, 2), [1, 1]) if alone else ((2, len(counts)), counts)
    wide = (1.6 + 2 * WIDTH * counts[0]) if alone else (0.7 + sum(max(WIDTH * count, 1.3) for count in counts))
    page = Figure(figsize=(wide, 3.2 if alone else 5.4), layout="constrained")
    places = page.subplots(*shape, squeeze=False, width_ratios=widths)
    for column, group in enumerate(figure.groups):
        panels = places[0] if alone else places[:, column]
        for axes, (boxes, limits) in zip(panels, group.parts, strict=True):
            _draw_boxes(axes, boxes, limits)
        if not alone:
            panels[0].set_title(group.title, fontsize=10)
            panels[0].set_xticklabels([])
            _hide_repeated(panels, column, figure)
    first = places[0] if alone else places[:, 0]
    first[0].set_ylabel(ABSOLUTE)
    first[1].set_ylabel(RELATIVE)
    return page


def _hide_repeated(panels: np.ndarray, column: int, figure: RiskFigure) -> None:
    """An axis that is the left neighbour's needs no numbers again."""
    before = figure.groups[column - 1].limits if column else (None, None)
    for axes, limits, left in zip(panels, figure.groups[column].limits, before, strict=True):
        if limits == left:
            axes.set_yticklabels([])


def _draw_box(axes: Axes, box: Box, place: int, colour: str) -> None:
    lines = {
        "medianprops": {"color": INK, "linewidth": 1.6},
        "whiskerprops": {"color": FAINT},
        "capprops": {"color": FAINT},
    }
    style = {"facecolor": colour, "edgecolor": "none"}
    axes.bxp([box.stats], [place], widths=0.62, showfliers=False, patch_artist=True, boxprops=style, **lines)


def _draw_boxes(axes: Axes, boxes: list[Box], limits: Limits) -> None:
    limit = limits[1]
    for place, box in enumerate(boxes, start=1):
        colour = variant_colour(box.variant)
        if box.is_drawn:
            _draw_box(axes, box, place, colour)
        x, beyond = place + box.offsets, box.values > limit
        alpha, size = (0.35, 2.5) if box.many else (0.55, 3.5)
        dots = {"color": INK, "alpha": alpha, "markersize": size, "markeredgewidth": 0}
        large = {"color": colour, "markersize": 6.5, "markeredgecolor": INK, "markeredgewidth": 0.8}
        axes.plot(x[~beyond], box.values[~beyond], "o", zorder=3, **(dots if box.is_drawn else large))
        axes.plot(x[beyond], np.full(beyond.sum(), 0.985 * limit), "^", color=INK, markersize=5, zorder=3)
        axes.plot(place, box.mean, "D", markerfacecolor="white", markeredgecolor=INK, markersize=5, zorder=4)
    axes.set_ylim(*limits)
    axes.set_xlim(0.45, len(boxes) + 0.55)
    axes.set_xticks(range(1, len(boxes) + 1), [variant_title(box.variant).replace(" ", "\n") for box in boxes])
    axes.tick_params(length=0, labelsize=8)
    axes.grid(axis="y", color=LINES, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right", "left"]].set_visible(False)
