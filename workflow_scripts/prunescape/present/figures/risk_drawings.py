"""Draws a risk figure: for print with matplotlib, for the browser with plotly."""

import numpy as np
import plotly.graph_objects as go
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from plotly.subplots import make_subplots

from prunescape.present.figures.risk_data import ABSOLUTE, RELATIVE, Box, Limits, RiskFigure
from prunescape.present.figures.style import FAINT, INK, LINES, PLOTLY_LAYOUT, variant_colour
from prunescape.present.labels import variant_label, variant_title

WIDTH = 0.78  # of a box with its label, inches
BOX_LINES = {
    **{"medianprops": {"color": INK, "linewidth": 1.6}, "whiskerprops": {"color": FAINT}, "capprops": {"color": FAINT}},
    **{"widths": 0.62, "showfliers": False, "patch_artist": True},
}


def draw_risk_static(figure: RiskFigure) -> Figure:
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


def _draw_boxes(axes: Axes, boxes: list[Box], limits: Limits) -> None:
    limit = limits[1]
    for place, box in enumerate(boxes, start=1):
        colour = variant_colour(box.variant)
        if box.is_drawn:
            axes.bxp([box.stats], [place], boxprops={"facecolor": colour, "edgecolor": "none"}, **BOX_LINES)
        x, beyond = place + box.offsets, box.values > limit
        alpha, size = (0.35, 2.5) if box.many else (0.55, 3.5)
        dots = {"color": INK, "alpha": alpha, "markersize": size, "markeredgewidth": 0}
        large = {"color": colour, "markersize": 6.5, "markeredgecolor": INK, "markeredgewidth": 0.8}
        axes.plot(x[~beyond], box.values[~beyond], "o", zorder=3, **(dots if box.is_drawn else large))
        axes.plot(x[beyond], np.full(beyond.sum(), 0.985 * limit), "^", color=INK, markersize=5, zorder=3)
        axes.plot(place, box.mean, "D", markerfacecolor="white", markeredgecolor=INK, markersize=5, zorder=4)
    axes.set_ylim(*limits)
    axes.set_xlim(0.45, len(boxes) + 0.55)
    axes.set_xticks(range(1, len(boxes) + 1), [variant_label(box.variant).replace(" ", "\n") for box in boxes])
    axes.tick_params(length=0, labelsize=8)
    axes.grid(axis="y", color=LINES, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right", "left"]].set_visible(False)


def draw_risk_interactive(figure: RiskFigure) -> go.Figure:
    """The same boxes; hovering shows the setting."""
    alone = len(figure.groups) == 1
    counts = [max(len(group.absolute), 2) for group in figure.groups]
    several = {
        **{
            "column_widths": counts,
            "column_titles": [group.title for group in figure.groups],
            "shared_xaxes": True,
        },
        **{"horizontal_spacing": 0.16 / (len(counts) + 2), "vertical_spacing": 0.07},
    }
    page = make_subplots(1, 2, horizontal_spacing=0.09) if alone else make_subplots(2, len(counts), **several)
    for number, group in enumerate(figure.groups, start=1):
        for part, ((boxes, limits), unit) in enumerate(zip(group.parts, ("points", "%"), strict=True), start=1):
            place = {"row": 1, "col": part} if alone else {"row": part, "col": number}
            for at, box in enumerate(boxes):
                traces = [*([_browser_box(box, at)] if box.is_drawn else []), *_browser_dots(box, at, limits[1], unit)]
                page.add_traces(traces, rows=place["row"], cols=place["col"])
            names = [variant_label(box.variant).replace(" ", "<br>") for box in boxes]
            ticks = {"tickvals": list(range(len(boxes))), "ticktext": names}
            page.update_xaxes(**ticks, showgrid=False, zeroline=False, **place)
            page.update_yaxes(range=limits, gridcolor=LINES, zeroline=False, **place)
    page.update_yaxes(title=ABSOLUTE, row=1, col=1)
    page.update_yaxes(title=RELATIVE, **({"row": 1, "col": 2} if alone else {"row": 2, "col": 1}))
    margin = {"l": 64, "r": 16, "t": 24 if alone else 40, "b": 56}
    return page.update_layout(**PLOTLY_LAYOUT, height=420 if alone else 680, margin=margin, showlegend=False)


def _browser_box(box: Box, place: int) -> go.Box:
    names = {"q1": "q1", "median": "med", "q3": "q3", "lowerfence": "whislo", "upperfence": "whishi"}
    numbers = {name: [box.stats[ours]] for name, ours in names.items()}
    style = {"width": 0.62, "fillcolor": variant_colour(box.variant), "line": {"color": INK, "width": 1.3}}
    return go.Box(x=[place], name=variant_title(box.variant), hoverinfo="y", **numbers, **style)


def _browser_dots(box: Box, place: int, limit: float, unit: str) -> list[go.Scatter]:
    beyond, title = box.values > limit, variant_title(box.variant)
    status = np.where(box.diverged, "diverged", "ok")
    dots = {"color": INK, "opacity": 0.4 if box.many else 0.6, "size": 4 if box.many else 5}
    large = {"color": variant_colour(box.variant), "size": 9, "line": {"color": INK, "width": 0.8}}
    values = go.Scatter(
        x=place + box.offsets,
        y=np.where(beyond, 0.985 * limit, box.values),
        mode="markers",
        marker={**(dots if box.is_drawn else large), "symbol": np.where(beyond, "triangle-up", "circle")},
        customdata=np.column_stack([box.values.astype(object), box.settings, status, box.seed]),
        hovertemplate=(
            f"{title}: %{{customdata[0]:.3f}} {unit}<br>%{{customdata[1]}}<br>"
            "seed %{customdata[3]} · %{customdata[2]}<extra></extra>"
        ),
    )
    diamond = {"symbol": "diamond", "size": 9, "color": "white", "line": {"color": INK, "width": 1.3}}
    text = f"{title}: mean %{{y:.3f}} {unit}<extra></extra>"
    return [values, go.Scatter(x=[place], y=[box.mean], mode="markers", marker=diamond, hovertemplate=text)]
