"""Draws a landscape figure for the browser with plotly. Needs plotly."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from prunescape.figures.landscape_data import LandscapeFigure, Panel
from prunescape.figures.style import (
    COLOUR_MAP,
    FAINT,
    FONT,
    INK,
    METRIC_TITLES,
    PANEL,
    PAPER,
    PRIOR,
    X_TITLE,
    Y_TITLE,
    variant_title,
)


def draw_landscape(figure: LandscapeFigure) -> go.Figure:
    """Contours over scatter, one column per variant, one colour bar; hovering tells setting, score and status."""
    titles = [f"{variant_title(panel.variant)}<br>best {panel.best[2]:.2f} %" for panel in figure.panels]
    count = len(figure.panels)
    page = make_subplots(
        2,
        count,
        shared_xaxes=True,
        shared_yaxes=True,
        column_titles=titles,
        horizontal_spacing=0.12 / (count + 3),
        vertical_spacing=0.04,
    )
    for column, panel in enumerate(figure.panels, start=1):
        page.add_traces(_contours(figure, panel), rows=1, cols=column)
        cells = [*_cells(figure, panel, first=column == 1), *_outlines(panel, first=column == 1)]
        page.add_traces([*cells, *_marks(figure, panel, first=column == 1)], rows=2, cols=column)
        page.add_traces(_marks(figure, panel, first=False), rows=1, cols=column)
    page.update_xaxes(range=figure.span_wd, showgrid=False, zeroline=False)
    page.update_yaxes(range=figure.span_lr, showgrid=False, zeroline=False)
    page.update_xaxes(title=X_TITLE, row=2)
    page.update_yaxes(title=Y_TITLE, col=1)
    page.update_annotations(font_size=13)
    page.update_layout(**_layout(figure))
    return page


def _layout(figure: LandscapeFigure) -> dict:
    bar = {"title": {"text": f"{METRIC_TITLES[figure.metric]}, %", "side": "right"}, "thickness": 14, "outlinewidth": 0}
    return {
        "coloraxis": {"colorscale": COLOUR_MAP, "cmin": figure.floor, "cmax": figure.ceiling, "colorbar": bar},
        "font": {"family": FONT, "size": 12, "color": INK},
        "plot_bgcolor": PANEL,
        "paper_bgcolor": PAPER,
        "height": 660,
        "margin": {"l": 64, "r": 16, "t": 84, "b": 110},
        "legend": {"orientation": "h", "x": 0.5, "xanchor": "center", "y": -0.14, "yanchor": "top", "bgcolor": PANEL},
        "hoverlabel": {"font": {"family": FONT}},
    }


def _contours(figure: LandscapeFigure, panel: Panel) -> list[go.BaseTraceType]:
    low = panel.score < figure.floor
    traces: list = [_points(panel, low, {"color": FAINT, "size": 4}, "below the colour bar", shown=False)]
    if panel.surface is not None:
        levels = figure.levels
        contour = go.Contour(
            x=figure.surface_wd,
            y=figure.surface_lr,
            z=panel.surface,
            # not the points' coloraxis: browsers hang where contours and points share one
            colorscale=COLOUR_MAP,
            zmin=figure.floor,
            zmax=figure.ceiling,
            showscale=False,
            contours={"coloring": "heatmap", "start": levels[0], "end": levels[-1], "size": levels[1] - levels[0]},
            line={"width": 0.5, "color": "white"},
            hovertemplate="wd %{x:.2f}, lr %{y:.2f}<br>about %{z:.2f} %<extra>interpolated</extra>",
        )
        traces.insert(0, contour)
    return traces


def _points(panel: Panel, which: np.ndarray, marker: dict, name: str, *, shown: bool) -> go.Scatter:
    status = np.where(panel.diverged, "diverged", "ok")
    return go.Scatter(
        x=panel.log10_wd[which],
        y=panel.log10_lr[which],
        mode="markers",
        marker=marker,
        name=name,
        legendgroup=name,
        showlegend=shown,
        customdata=np.column_stack([panel.score[which].astype(object), status[which]]),
        hovertemplate=(
            f"{variant_title(panel.variant)}<br>log10 weight decay %{{x}}<br>log10 learning rate %{{y}}<br>"
            "%{customdata[0]:.3f} % · %{customdata[1]}<extra></extra>"
        ),
    )


def _cells(figure: LandscapeFigure, panel: Panel, *, first: bool) -> list[go.Scatter]:
    low = (panel.score < figure.floor) & ~panel.diverged
    kept = ~low & ~panel.diverged
    coloured = {"color": panel.score[kept], "coloraxis": "coloraxis", "size": 10}
    crosses = {"color": INK, "symbol": "x-thin-open", "size": 7, "line": {"width": 1.4, "color": INK}}
    return [
        _points(panel, kept, coloured, "cell", shown=False),
        _points(panel, low, {"color": FAINT, "size": 5}, "below the colour bar", shown=first),
        _points(panel, panel.diverged, crosses, "diverged", shown=first),
    ]


def _outlines(panel: Panel, *, first: bool) -> list[go.Scatter]:
    """Each ellipse twice: a wider grey line below keeps white and black visible on any ground."""
    traces = []
    for threshold, colour in ((1.0, "white"), (0.5, "black")):
        x, y = panel.outlines.get(threshold, ([None], [None]))
        name = f"ellipse of the {threshold:.1f}-ROI ({colour})"
        common = {"x": x, "y": y, "mode": "lines", "legendgroup": name, "hoverinfo": "skip"}
        traces.append(go.Scatter(**common, line={"color": FAINT, "width": 3.4}, showlegend=False))
        traces.append(go.Scatter(**common, name=name, line={"color": colour, "width": 2.4}, showlegend=first))
    return traces


def _marks(figure: LandscapeFigure, panel: Panel, *, first: bool) -> list[go.Scatter]:
    wd, lr, score = panel.best
    star = {"symbol": "star", "size": 13, "color": "white", "line": {"color": "black", "width": 1.2}}
    diamond = {"symbol": "diamond-open", "size": 12, "color": PRIOR, "line": {"width": 2}}
    text = f"best: {score:.3f} %<br>log10 weight decay {wd:g}, log10 learning rate {lr:g}<extra></extra>"
    marks = [_mark(wd, lr, star, "best cell", text, first)]
    if figure.prior is not None:
        text = f"prior: log10 weight decay {figure.prior[0]:g}, log10 learning rate {figure.prior[1]:g}<extra></extra>"
        marks.insert(0, _mark(*figure.prior, diamond, "prior", text, first))
    return marks


def _mark(wd: float, lr: float, marker: dict, name: str, text: str, shown: bool) -> go.Scatter:
    group = {"name": name, "legendgroup": name, "showlegend": shown}
    return go.Scatter(x=[wd], y=[lr], mode="markers", marker=marker, hovertemplate=text, **group)
