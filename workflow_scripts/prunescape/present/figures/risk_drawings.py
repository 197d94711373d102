"""Draws a risk figure: for print with matplotlib, for the browser with plotly."""

import numpy as np
import plotly.graph_objects as go
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from plotly.subplots import make_subplots

from prunescape.present.figures.risk_data import RISK, Box, RiskFigure, RiskGroup
from prunescape.present.figures.style import (
    FAINT,
    INK,
    LINES,
    PAPER,
    PLOTLY_LAYOUT,
    SINGLE,
    is_dark,
    open_axes,
    variant_colour,
    variant_marker,
    variant_symbol,
)
from prunescape.present.labels import variant_label, variant_title

ROW, AROUND = 0.25, 0.42  # inches: of a variant, and of an axis below its panel
ROW_PIXELS, AROUND_PIXELS = 44, 76
LINES_OF_BOX = {"widths": 0.62, "showfliers": False, "patch_artist": True, "orientation": "horizontal"}


def draw_risk_static(figure: RiskFigure) -> Figure:
    """A row per variant, in its colour; the models of several experiments stand one below the other."""
    rows = [len(group.boxes) for group in figure.groups]
    page = Figure(figsize=(SINGLE, ROW * sum(rows) + AROUND * len(rows)), layout="constrained")
    places = page.subplots(len(rows), 1, squeeze=False, height_ratios=rows)[:, 0]
    for axes, group in zip(places, figure.groups, strict=True):
        _draw_group(axes, group)
        if len(rows) > 1:
            axes.set_title(group.title)
    places[-1].set_xlabel(RISK)
    return page


def _draw_group(axes: Axes, group: RiskGroup) -> None:
    for place, box in enumerate(group.boxes):
        _draw_box(axes, box, place, group.limits[1])
    axes.set_xlim(*group.limits)
    axes.set_ylim(len(group.boxes) - 0.45, -0.55)
    axes.set_yticks(range(len(group.boxes)), [variant_label(box.variant) for box in group.boxes])
    open_axes(axes, "x")


def _draw_box(axes: Axes, box: Box, place: int, limit: float) -> None:
    colour = variant_colour(box.variant)
    ink = PAPER if is_dark(colour) else INK
    if box.is_drawn:
        lines = {"medianprops": {"color": ink, "linewidth": 1.4}, "boxprops": {"facecolor": colour, "linewidth": 0}}
        whiskers = {name: {"color": FAINT, "linewidth": 0.9} for name in ("whiskerprops", "capprops")}
        axes.bxp([box.stats], [place], **lines, **whiskers, **LINES_OF_BOX)
    y, beyond = place + box.offsets, box.values > limit
    size, alpha = (2, 0.4) if box.many else (2.6, 0.65)
    dots = {"color": INK, "alpha": alpha, "markersize": size, "markeredgewidth": 0}
    edged = {"color": colour, "markersize": 5.5, "markeredgecolor": INK, "markeredgewidth": 0.7}
    marker, style = ("o", dots) if box.is_drawn else (variant_marker(box.variant), edged)
    axes.plot(box.values[~beyond], y[~beyond], marker, linestyle="none", zorder=3, **style)
    axes.plot(np.full(beyond.sum(), 0.985 * limit), y[beyond], ">", color=INK, markersize=4, zorder=3)
    mean = {"markerfacecolor": PAPER, "markeredgecolor": INK, "markeredgewidth": 0.8, "markersize": 4.5}
    if len(box.values) > 1:  # the mean of one value would hide it
        axes.plot(box.mean, place, "D", zorder=4, **mean)


def draw_risk_interactive(figure: RiskFigure) -> go.Figure:
    """The same boxes; hovering shows the setting."""
    rows = [len(group.boxes) for group in figure.groups]
    alone = len(rows) == 1
    titles = None if alone else [group.title for group in figure.groups]
    high = ROW_PIXELS * sum(rows) + AROUND_PIXELS * len(rows)
    page = make_subplots(len(rows), 1, subplot_titles=titles, row_heights=rows, vertical_spacing=AROUND_PIXELS / high)
    for number, group in enumerate(figure.groups, start=1):
        for at, box in enumerate(group.boxes):
            traces = [*([_browser_box(box, at)] if box.is_drawn else []), *_browser_dots(box, at, group.limits[1])]
            page.add_traces(traces, rows=number, cols=1)
        ticks = {
            "tickvals": list(range(len(group.boxes))),
            "ticktext": [variant_label(box.variant) for box in group.boxes],
        }
        span = (len(group.boxes) - 0.45, -0.55)
        page.update_yaxes(**ticks, range=span, showgrid=False, zeroline=False, row=number, col=1)
        page.update_xaxes(range=group.limits, gridcolor=LINES, zeroline=False, row=number, col=1)
    page.update_xaxes(title=RISK, row=len(rows), col=1)
    margin = {"l": 120, "r": 16, "t": 16 if alone else 40, "b": 56}
    return page.update_layout(**PLOTLY_LAYOUT, height=high + margin["t"], margin=margin, showlegend=False)


def _browser_box(box: Box, place: int) -> go.Box:
    names = {"q1": "q1", "median": "med", "q3": "q3", "lowerfence": "whislo", "upperfence": "whishi"}
    numbers = {name: [box.stats[ours]] for name, ours in names.items()}
    colour = variant_colour(box.variant)
    style = {"width": 0.62, "fillcolor": colour, "line": {"color": FAINT if is_dark(colour) else INK, "width": 1.3}}
    return go.Box(y=[place], name=variant_title(box.variant), hoverinfo="x", orientation="h", **numbers, **style)


def _browser_dots(box: Box, place: int, limit: float) -> list[go.Scatter]:
    beyond, title = box.values > limit, variant_title(box.variant)
    status = np.where(box.diverged, "diverged", "ok")
    dots = {"color": INK, "opacity": 0.4 if box.many else 0.6, "size": 4 if box.many else 5}
    large = {"color": variant_colour(box.variant), "size": 9, "line": {"color": INK, "width": 0.8}}
    symbol = "circle" if box.is_drawn else variant_symbol(box.variant)
    values = go.Scatter(
        x=np.where(beyond, 0.985 * limit, box.values),
        y=place + box.offsets,
        mode="markers",
        marker={**(dots if box.is_drawn else large), "symbol": np.where(beyond, "triangle-right", symbol)},
        customdata=np.column_stack([box.values.astype(object), box.settings, status, box.seed]),
        hovertemplate=(
            f"{title}: %{{customdata[0]:.3f}} points<br>%{{customdata[1]}}<br>"
            "seed %{customdata[3]} · %{customdata[2]}<extra></extra>"
        ),
    )
    diamond = {"symbol": "diamond", "size": 9, "color": PAPER, "line": {"color": INK, "width": 1.3}}
    text = f"{title}: mean %{{x:.3f}} points<extra></extra>"
    mean = go.Scatter(x=[box.mean], y=[place], mode="markers", marker=diamond, hovertemplate=text)
    return [values, mean] if len(box.values) > 1 else [values]
