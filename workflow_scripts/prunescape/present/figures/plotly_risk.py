"""Draws a risk figure for the browser with plotly. Needs plotly."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from prunescape.present.figures.risk_data import Box, RiskFigure
from prunescape.present.figures.style import (
    ABSOLUTE,
    BASE_BOX,
    FONT,
    INK,
    PAPER,
    PRUNED_BOX,
    RELATIVE,
    variant_title,
)
from prunescape.present.numbers import short


def draw_risk(figure: RiskFigure) -> go.Figure:
    """One box per variant, the base darker: absolute risk left or top, relative risk right or bottom.

    The models of several experiments stand side by side; hovering tells the setting.
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
            page.update_yaxes(range=limits, gridcolor="#e3e6ea", zeroline=False, **place)
    page.update_yaxes(title=ABSOLUTE, row=1, col=1)
    page.update_yaxes(title=RELATIVE, **({"row": 1, "col": 2} if alone else {"row": 2, "col": 1}))
    page.update_layout(
        font={"family": FONT, "size": 12, "color": INK},
        plot_bgcolor=PAPER,
        paper_bgcolor=PAPER,
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
    colour = BASE_BOX if box.variant == "base" else PRUNED_BOX
    return go.Box(
        x=[place],
        q1=[box.q1],
        median=[box.median],
        q3=[box.q3],
        lowerfence=[box.low],
        upperfence=[box.high],
        name=variant_title(box.variant),
        width=0.62,
        fillcolor=colour,
        line={"color": INK, "width": 1.3},
        hoverinfo="y",
    )


def dot_style(box: Box) -> dict:
    """Small dots on a box; large ones in its colour where there is none."""
    if box.is_drawn:
        many = len(box.values) > 40
        return {"color": INK, "opacity": 0.4 if many else 0.6, "size": 4 if many else 5}
    colour = BASE_BOX if box.variant == "base" else PRUNED_BOX
    return {"color": colour, "size": 9, "line": {"color": INK, "width": 0.8}}


def _dots(box: Box, place: int, limit: float, unit: str) -> list[go.Scatter]:
    beyond = box.values > limit
    status = np.where(box.diverged, "diverged", "ok")
    settings = [list(map(short, values)) for values in (box.log10_wd, box.log10_lr)]
    dots = go.Scatter(
        x=place + 0.22 * np.sin(2.4 * np.arange(len(box.values))),
        y=np.where(beyond, 0.985 * limit, box.values),
        mode="markers",
        marker={**dot_style(box), "symbol": np.where(beyond, "triangle-up", "circle")},
        customdata=np.column_stack([box.values.astype(object), *settings, status, box.seed]),
        hovertemplate=(
            f"{variant_title(box.variant)}: %{{customdata[0]:.3f}} {unit}<br>log10 weight decay %{{customdata[1]}}<br>"
            "log10 learning rate %{customdata[2]} · seed %{customdata[4]} · %{customdata[3]}<extra></extra>"
        ),
    )
    diamond = {"symbol": "diamond", "size": 9, "color": "white", "line": {"color": INK, "width": 1.3}}
    text = f"{variant_title(box.variant)}: mean %{{y:.3f}} {unit}<extra></extra>"
    return [dots, go.Scatter(x=[place], y=[box.mean], mode="markers", marker=diamond, hovertemplate=text)]
