"""Draws a risk figure for print with matplotlib. Needs matplotlib."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from prunescape.figures.risk_data import Box, RiskFigure
from prunescape.figures.style import BASE_BOX, FAINT, INK, PRUNED_BOX, variant_title


def draw_risk(figure: RiskFigure) -> Figure:
    """Absolute risk left, relative risk right, one box per variant, the base darker."""
    page = Figure(figsize=(1.8 + 1.5 * len(figure.absolute), 3.8), layout="constrained")
    left, right = page.subplots(1, 2)
    _draw_boxes(left, figure.absolute, figure.limits[0])
    _draw_boxes(right, figure.relative, figure.limits[1])
    left.set_ylabel("risk, percentage points")
    right.set_ylabel("relative risk, % of the variant's best")
    return page


def spread(count: int) -> np.ndarray:
    """Sideways offsets that keep `count` dots apart, the same at every drawing."""
    return 0.22 * np.sin(2.4 * np.arange(count))


def _draw_box(axes: Axes, box: Box, place: int, colour: str) -> None:
    values = {"whislo": box.low, "q1": box.q1, "med": box.median, "q3": box.q3, "whishi": box.high}
    lines = {
        "medianprops": {"color": INK, "linewidth": 1.6},
        "whiskerprops": {"color": FAINT},
        "capprops": {"color": FAINT},
    }
    style = {"facecolor": colour, "edgecolor": "none"}
    axes.bxp([values], [place], widths=0.62, showfliers=False, patch_artist=True, boxprops=style, **lines)


def _draw_boxes(axes: Axes, boxes: list[Box], limit: float) -> None:
    for place, box in enumerate(boxes, start=1):
        colour = BASE_BOX if box.variant == "base" else PRUNED_BOX
        if box.is_drawn:
            _draw_box(axes, box, place, colour)
        x, beyond = place + spread(len(box.values)), box.values > limit
        dots = {"color": INK, "alpha": 0.55, "markersize": 4, "markeredgewidth": 0}
        large = {"color": colour, "markersize": 7, "markeredgecolor": INK, "markeredgewidth": 0.8}
        axes.plot(x[~beyond], box.values[~beyond], "o", zorder=3, **(dots if box.is_drawn else large))
        axes.plot(x[beyond], np.full(beyond.sum(), 0.985 * limit), "^", color=INK, markersize=5, zorder=3)
        axes.plot(place, box.mean, "D", markerfacecolor="white", markeredgecolor=INK, markersize=5, zorder=4)
    axes.set_ylim(-0.03 * limit, limit)
    axes.set_xticks(range(1, len(boxes) + 1), [variant_title(box.variant).replace(" ", "\n") for box in boxes])
    axes.tick_params(length=0, labelsize=9)
    axes.grid(axis="y", color="#e3e6ea", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right", "left"]].set_visible(False)
