"""Draws a risk figure for the browser with plotly. Needs plotly."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from prunescape.figures.risk_data import Box, RiskFigure
from prunescape.figures.style import BASE_BOX, FONT, INK, PAPER, PRUNED_BOX, variant_title


def draw_risk(figure: RiskFigure) -> go.Figure:
    """Absolute risk left, relative risk right, one box per variant, the base darker; hovering tells the setting."""
    page = make_subplots(1, 2, horizontal_spacing=0.09)
    for column, (boxes, unit) in enumerate(((figure.absolute, "points"), (figure.relative, "%")), start=1):
        limit = figure.limits[column - 1]
        for place, box in enumerate(boxes):
            traces = [*([_box(box, place)] if box.is_drawn else []), *_dots(box, place, limit, unit)]
            page.add_traces(traces, rows=1, cols=column)
        names = [variant_title(box.variant).replace(" ", "<br>") for box in boxes]
        page.update_xaxes(tickvals=list(range(len(boxes))), ticktext=names, showgrid=False, zeroline=False, col=column)
        page.update_yaxes(range=(-0.03 * limit, limit), gridcolor="#e3e6ea", zeroline=False, col=column)
    page.update_yaxes(title="risk, percentage points", col=1)
    page.update_yaxes(title="relative risk, % of the variant's best", col=2)
    page.update_layout(
        font={"family": FONT, "size": 12, "color": INK},
        plot_bgcolor=PAPER,
        paper_bgcolor=PAPER,
        height=420,
        margin={"l": 64, "r": 16, "t": 24, "b": 56},
        showlegend=False,
    )
    return page


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
        return {"color": INK, "opacity": 0.6, "size": 5}
    colour = BASE_BOX if box.variant == "base" else PRUNED_BOX
    return {"color": colour, "size": 9, "line": {"color": INK, "width": 0.8}}


def _dots(box: Box, place: int, limit: float, unit: str) -> list[go.Scatter]:
    beyond = box.values > limit
    status = np.where(box.diverged, "diverged", "ok")
    dots = go.Scatter(
        x=place + 0.22 * np.sin(2.4 * np.arange(len(box.values))),
        y=np.where(beyond, 0.985 * limit, box.values),
        mode="markers",
        marker={**dot_style(box), "symbol": np.where(beyond, "triangle-up", "circle")},
        customdata=np.column_stack([box.values.astype(object), box.log10_wd, box.log10_lr, status]),
        hovertemplate=(
            f"{variant_title(box.variant)}: %{{customdata[0]:.3f}} {unit}<br>log10 weight decay %{{customdata[1]}}<br>"
            "log10 learning rate %{customdata[2]} · %{customdata[3]}<extra></extra>"
        ),
    )
    diamond = {"symbol": "diamond", "size": 9, "color": "white", "line": {"color": INK, "width": 1.3}}
    text = f"{variant_title(box.variant)}: mean %{{y:.3f}} {unit}<extra></extra>"
    return [dots, go.Scatter(x=[place], y=[box.mean], mode="markers", marker=diamond, hovertemplate=text)]
