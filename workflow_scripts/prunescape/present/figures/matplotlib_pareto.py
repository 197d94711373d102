"""Draws accuracy against cost for print with matplotlib."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from prunescape.present.figures.pareto_data import Panel, ParetoFigure
from prunescape.present.figures.style import BASE, FAINT, INK, LINES, PRUNED


def draw_pareto(figure: ParetoFigure) -> Figure:
    """One panel per cost, accuracy shared; the models on the front are named."""
    page = Figure(figsize=(0.9 + 3.3 * len(figure.panels), 3.6), layout="constrained")
    all_axes = page.subplots(1, len(figure.panels), sharey=True, squeeze=False)[0]
    for axes, panel in zip(all_axes, figure.panels, strict=True):
        _draw_panel(axes, panel)
    all_axes[0].set_ylabel("top-1 of the exported model, %")
    return page


def _draw_panel(axes: Axes, panel: Panel) -> None:
    axes.plot(*panel.stairs, color=BASE, linewidth=1.2, zorder=2)
    axes.errorbar(
        panel.cost, panel.top1, yerr=np.nan_to_num(panel.error), fmt="none", ecolor=FAINT, elinewidth=0.9, capsize=2
    )
    for marker, chosen in (("s", panel.base), ("o", ~panel.base)):
        colours = np.where(panel.front, BASE, PRUNED)[chosen]
        style = {"marker": marker, "s": 42, "edgecolor": INK, "linewidth": 0.8, "zorder": 3}
        axes.scatter(panel.cost[chosen], panel.top1[chosen], c=colours, **style)
    for name, cost, top1, front in zip(panel.names, panel.cost, panel.top1, panel.front, strict=True):
        if front:
            axes.annotate(name, (cost, top1), (6, -9), textcoords="offset points", fontsize=7.5, color=INK)
    if panel.logarithmic:
        axes.set_xscale("log")
    axes.margins(x=0.16, y=0.12)
    axes.set_xlabel(panel.title)
    axes.grid(color=LINES, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.tick_params(length=0, labelsize=9)
    axes.spines[["top", "right"]].set_visible(False)
