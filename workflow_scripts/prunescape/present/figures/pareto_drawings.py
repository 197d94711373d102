"""Draws a figure of accuracy against cost: for print with matplotlib, for the browser with plotly."""

import matplotlib.figure
import numpy as np
import plotly.graph_objects as go
from matplotlib.axes import Axes
from plotly.subplots import make_subplots

from prunescape.present.figures.label_places import place_labels
from prunescape.present.figures.pareto import ACCURACY, Panel, ParetoFigure
from prunescape.present.figures.style import (
    DOUBLE,
    FAINT,
    INK,
    LINES,
    PLOTLY_LAYOUT,
    PLOTLY_LEGEND,
    SINGLE,
    SMALL,
    open_axes,
    variant_colour,
    variant_marker,
    variant_symbol,
)
from prunescape.present.labels import variant_label

PER_ROW = 2  # panels
LETTER = 0.6  # width of a letter, in its height
RADIUS = 3.5  # of a mark, points


def draw_pareto_static(figure: ParetoFigure) -> matplotlib.figure.Figure:
    """One panel per cost; every model is named, beside its mark."""
    columns = min(len(figure.panels), PER_ROW)
    rows = -(-len(figure.panels) // columns)
    page = matplotlib.figure.Figure(figsize=(SINGLE if columns == 1 else DOUBLE, 2.7 * rows), layout="constrained")
    places = page.subplots(rows, columns, sharey=True, squeeze=False)
    for axes, panel in zip(places.ravel(), figure.panels, strict=False):
        _draw_panel(axes, panel)
    for axes in places.ravel()[len(figure.panels) :]:
        axes.set_visible(False)
    for axes in places[:, 0]:
        axes.set_ylabel(ACCURACY)
    page.get_layout_engine().execute(page)
    for axes, panel in zip(places.ravel(), figure.panels, strict=False):
        _name_marks(axes, panel)
    return page


def _draw_panel(axes: Axes, panel: Panel) -> None:
    axes.plot(*panel.stairs, color=INK, linewidth=0.9, zorder=2)
    for variant, chosen in panel.of_variants.items():
        bars, (cost, top1) = {"color": variant_colour(variant), "zorder": 2}, (panel.cost[chosen], panel.top1[chosen])
        axes.vlines(cost, panel.top1_low[chosen], panel.top1_high[chosen], **bars, linewidth=0.9)
        axes.hlines(top1, panel.cost_low[chosen], panel.cost_high[chosen], **bars, linewidth=0.9)
        style = {"marker": variant_marker(variant), "color": variant_colour(variant), "zorder": 3}
        widths = np.where(panel.front[chosen], 1.0, 0.4)
        axes.scatter(cost, top1, s=26, edgecolor=INK, linewidth=widths, **style)
    axes.set_xscale(panel.axis)
    axes.margins(x=0.14, y=0.1)
    axes.set_xlabel(panel.title)
    axes.tick_params(labelleft=True)
    open_axes(axes, "both")


def _name_marks(axes: Axes, panel: Panel) -> None:
    """The names beside the marks, where they cover nothing, with a line to a mark that is far."""
    shown = [number for number, label in enumerate(panel.labels) if label]
    if not shown:
        return
    in_points = 72 / axes.figure.dpi
    marks = in_points * axes.transData.transform(np.column_stack([panel.cost, panel.top1]))
    box = in_points * axes.get_window_extent().extents
    labels = [panel.labels[number] for number in shown]
    sizes = np.array([(LETTER * SMALL * len(label), 1.25 * SMALL) for label in labels])
    order = [*shown, *(number for number in range(len(marks)) if number not in shown)]
    sizes = np.concatenate([sizes, np.zeros((len(order) - len(shown), 2))])
    centres = place_labels(marks[order], sizes, _lines(axes, panel, in_points), box, RADIUS)
    for number, label, centre, size in zip(shown, labels, centres, sizes, strict=False):
        offset = centre - marks[number]
        gap = np.clip(np.abs(offset) - size / 2, 0, None)
        line = {"arrowstyle": "-", "color": FAINT, "linewidth": 0.6, "shrinkA": 0, "shrinkB": RADIUS}
        text = axes.annotate(
            label,
            (panel.cost[number], panel.top1[number]),
            offset,
            textcoords="offset points",
            ha="center",
            va="center",
            fontsize=SMALL,
            color=INK,
            arrowprops=line if np.hypot(*gap) > RADIUS + 6 else None,
            zorder=4,
        )
        text.set_in_layout(False)


def _lines(axes: Axes, panel: Panel, scale: float) -> np.ndarray:
    """(k, 4) boxes around the bars and the steps of the front, at the `scale`."""
    cost, top1 = panel.stairs
    starts = [(panel.cost, panel.top1_low), (panel.cost_low, panel.top1), (cost[:-1], top1[:-1])]
    ends = [(panel.cost, panel.top1_high), (panel.cost_high, panel.top1), (cost[1:], top1[1:])]
    first, second = (scale * axes.transData.transform(np.hstack(points).T) for points in (starts, ends))
    boxes = np.column_stack([np.minimum(first, second) - 0.5, np.maximum(first, second) + 0.5])
    return boxes[np.isfinite(boxes).all(axis=1)]


def draw_pareto_interactive(figure: ParetoFigure) -> go.Figure:
    """One panel per cost, accuracy shared; hovering names the model."""
    page = make_subplots(1, len(figure.panels), shared_yaxes=True, horizontal_spacing=0.05)
    named: set[str] = set()
    for column, panel in enumerate(figure.panels, start=1):
        stairs = {"mode": "lines", "line": {"color": INK, "width": 1.3}, "hoverinfo": "skip", "showlegend": False}
        page.add_trace(go.Scatter(x=panel.stairs[0], y=panel.stairs[1], **stairs), row=1, col=column)
        for variant, chosen in panel.of_variants.items():
            page.add_trace(_marks(panel, variant, chosen, shown=variant not in named), row=1, col=column)
            named.add(variant)
        page.update_xaxes(title=panel.title, type=panel.axis, gridcolor=LINES, zeroline=False, row=1, col=column)
    page.update_yaxes(gridcolor=LINES, zeroline=False)
    page.update_yaxes(title=ACCURACY, row=1, col=1)
    margin = {"l": 64, "r": 16, "t": 24, "b": 84}
    return page.update_layout(**PLOTLY_LAYOUT, height=430, margin=margin, legend={**PLOTLY_LEGEND, "y": -0.17})


def _marks(panel: Panel, variant: str, chosen: np.ndarray, *, shown: bool) -> go.Scatter:
    hover = f"%{{customdata[0]}}: %{{y:.2f}} %<br>{panel.title} %{{x:.4g}}<br>%{{customdata[1]}}<extra></extra>"
    status = np.where(panel.front, "on the front", "another model is as good in both and better in one")
    edges = {"color": INK, "width": np.where(panel.front[chosen], 1.8, 0.6)}
    marker = {"color": variant_colour(variant), "symbol": variant_symbol(variant), "size": 10, "line": edges}
    ends = {
        "error_x": (panel.cost, panel.cost_low, panel.cost_high),
        "error_y": (panel.top1, panel.top1_low, panel.top1_high),
    }
    bars = {
        name: {
            **{"type": "data", "symmetric": False, "color": variant_colour(variant), "thickness": 1, "width": 0},
            **{"array": np.nan_to_num(high - at)[chosen], "arrayminus": np.nan_to_num(at - low)[chosen]},
        }
        for name, (at, low, high) in ends.items()
    }
    return go.Scatter(
        x=panel.cost[chosen],
        y=panel.top1[chosen],
        mode="markers",
        marker=marker,
        name=variant_label(variant),
        legendgroup=variant,
        showlegend=shown,
        customdata=np.column_stack([np.array(panel.names, dtype=object), status])[chosen],
        hovertemplate=hover,
        cliponaxis=False,
        **bars,
    )
