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


def _draw_boxes(axes: Axes, boxes: list[Box], limit: float) -> None:
    stats = [
        {"whislo": box.low, "q1": box.q1, "med": box.median, "q3": box.q3, "whishi": box.high, "mean": box.mean}
        for box in boxes
    ]
    drawn = axes.bxp(
        stats,
        widths=0.62,
        showfliers=False,
        showmeans=True,
        patch_artist=True,
        medianprops={"color": INK, "linewidth": 1.6},
        meanprops={"marker": "D", "markerfacecolor": "white", "markeredgecolor": INK, "markersize": 5, "zorder": 4},
        whiskerprops={"color": FAINT},
        capprops={"color": FAINT},
    )
    for patch, box in zip(drawn["boxes"], boxes, strict=True):
        patch.set(facecolor=BASE_BOX if box.variant == "base" else PRUNED_BOX, edgecolor="none")
    for place, box in enumerate(boxes, start=1):
        x, beyond = place + spread(len(box.values)), box.values > limit
        axes.plot(x[~beyond], box.values[~beyond], ".", color=INK, alpha=0.55, markersize=4, zorder=3)
        axes.plot(x[beyond], np.full(beyond.sum(), 0.985 * limit), "^", color=INK, markersize=5, zorder=3)
    axes.set_ylim(-0.03 * limit, limit)
    axes.set_xticks(range(1, len(boxes) + 1), [variant_title(box.variant).replace(" ", "\n") for box in boxes])
    axes.tick_params(length=0, labelsize=9)
    axes.grid(axis="y", color="#e3e6ea", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right", "left"]].set_visible(False)
