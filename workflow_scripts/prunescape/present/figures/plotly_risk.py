"""Draws a risk figure for the browser with plotly."""

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from prunescape.present.figures.risk_data import ABSOLUTE, RELATIVE, Box, RiskFigure
from prunescape.present.figures.style import INK, LINES, PLOTLY_LAYOUT, variant_colour
from prunescape.present.labels import variant_title


def draw_risk(figure: RiskFigure) -> go.Figure:
    """One box per variant, the base darker: absolute risk left or top, relative risk right or bottom.

    The models of several experiments stand side by side; hovering shows the setting.
    """
    alone = len(figure.groups) == 1
    page = _empty(figure, alone)
    for number, group in enumerate(figure.groups, start=1):
        for part, ((boxes, limits), unit) in enumerate(zip(group.parts, ("points", "%"), strict=True), start=1):
            place = {"row": 1, "col": part} if alone else {"row": part, "col": number}
            for at, box in enumerate(boxes):
                traces = [*([_box(box, at)] if box.is_drawn else []), *_dots(box, at, limits[1], unit)]
                page.add_traces(traces, rows=place["row"], cols=place["col"])
            names = [variant_title(box.variant).replace(" ", "<br>") for box in boxes]
            ticks = {"tickvals": list(range(len(boxes))), "ticktext": names}
            page.update_xaxes(**ticks, showgrid=False, zeroline=False, **place)
            page.update_yaxes(range=limits, gridcolor=LINES, zeroline=False, **place)
    page.update_yaxes(title=ABSOLUTE, row=1, col=1)
    page.update_yaxes(title=RELATIVE, **({"row": 1, "col": 2} if alone else {"row": 2, "col": 1}))
    page.update_layout(
        **PLOTLY_LAYOUT,
        height=420 if alone else 680,
        margin={"l": 64, "r": 16, "t": 24 if alone else 40, "b": 56},
        showlegend=False,
    )
    return page


def _empty(figure: RiskFigure, alone: bool) -> go.Figure:
    if alone:
        return make_subplots(1, 2, horizontal_spacing=0.09)
    counts = [max(len(group.absolute), 2) for group in figure.groups]
    return make_subplots(
        2,
        len(counts),
        column_widths=counts,
        column_titles=[group.title for group in figure.groups],
        shared_xaxes=True,
        horizontal_spacing=0.16 / (len(counts) + 2),
        vertical_spacing=0.07,
    )


def _box(box: Box, place: int) -> go.Box:
    return go.Box(
        x=[place],
        q1=[box.stats["q1"]],
        median=[box.stats["med"]],
        q3=[box.stats["q3"]],
        lowerfence=[box.stats["whislo"]],
        upperfence=[box.stats["whishi"]],
        name=variant_title(box.variant),
        width=0.62,
        fillcolor=variant_colour(box.variant),
        line={"color": INK, "width": 1.3},
        hoverinfo="y",
    )


def _dot_style(box: Box) -> dict:
    """Small dots on a box; large ones in its colour where there is none."""
    if box.is_drawn:
        return {"color": INK, "opacity": 0.4 if box.many else 0.6, "size": 4 if box.many else 5}
    return {"color": variant_colour(box.variant), "size": 9, "line": {"color": INK, "width": 0.8}}


def _dots(box: Box, place: int, limit: float, unit: str) -> list[go.Scatter]:
    beyond = box.values > limit
    status = np.where(box.diverged, "diverged", "ok")
    dots = go.Scatter(
        x=place + box.offsets,
        y=np.where(beyond, 0.985 * limit, box.values),
        mode="markers",
        marker={**_dot_style(box), "symbol": np.where(beyond, "triangle-up", "circle")},
        customdata=np.column_stack([box.values.astype(object), box.settings, status, box.seed]),
        hovertemplate=(
            f"{variant_title(box.variant)}: %{{customdata[0]:.3f}} {unit}<br>%{{customdata[1]}}<br>"
            "seed %{customdata[3]} · %{customdata[2]}<extra></extra>"
        ),
    )
    diamond = {"symbol": "diamond", "size": 9, "color": "white", "line": {"color": INK, "width": 1.3}}
    text = f"{variant_title(box.variant)}: mean %{{y:.3f}} {unit}<extra></extra>"
    return [dots, go.Scatter(x=[place], y=[box.mean], mode="markers", marker=diamond, hovertemplate=text)]
