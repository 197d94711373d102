"""Draws accuracy against cost for the browser with plotly."""

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from prunescape.present.figures.pareto_data import Panel, ParetoFigure
from prunescape.present.figures.style import BASE, FAINT, INK, LINES, PLOTLY_LAYOUT, PRUNED


def draw_pareto(figure: ParetoFigure) -> go.Figure:
    """One panel per cost, accuracy shared; hovering shows the model."""
    page = make_subplots(1, len(figure.panels), shared_yaxes=True, horizontal_spacing=0.05)
    for column, panel in enumerate(figure.panels, start=1):
        page.add_traces([_stairs(panel), _dots(panel)], rows=1, cols=column)
        axis = {"title": panel.title, "type": "log" if panel.logarithmic else "linear"}
        page.update_xaxes(**axis, gridcolor=LINES, zeroline=False, col=column)
    page.update_yaxes(gridcolor=LINES, zeroline=False)
    page.update_yaxes(title="top-1 of the exported model, %", col=1)
    page.update_layout(
        **PLOTLY_LAYOUT,
        height=400,
        margin={"l": 64, "r": 16, "t": 24, "b": 56},
        showlegend=False,
    )
    return page


def _stairs(panel: Panel) -> go.Scatter:
    cost, top1 = panel.stairs
    return go.Scatter(x=cost, y=top1, mode="lines", line={"color": BASE, "width": 1.5}, hoverinfo="skip")


def _dots(panel: Panel) -> go.Scatter:
    status = np.where(panel.front, "on the front", "another model is as good in both and better in one")
    marker = {
        "color": np.where(panel.front, BASE, PRUNED),
        "symbol": np.where(panel.base, "square", "circle"),
        "size": 10,
        "line": {"color": INK, "width": 0.8},
    }
    return go.Scatter(
        x=panel.cost,
        y=panel.top1,
        mode="markers+text",
        text=[name if front else "" for name, front in zip(panel.names, panel.front, strict=True)],
        textposition="top center",
        textfont={"size": 10},
        error_y={"type": "data", "array": np.nan_to_num(panel.error), "color": FAINT, "thickness": 1, "width": 3},
        marker=marker,
        customdata=np.column_stack([panel.names, status]),
        hovertemplate=(
            f"%{{customdata[0]}}: %{{y:.2f}} %<br>{panel.title} %{{x:.4g}}<br>%{{customdata[1]}}<extra></extra>"
        ),
        cliponaxis=False,
    )
