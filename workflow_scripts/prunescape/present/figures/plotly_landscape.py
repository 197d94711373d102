"""Draws a landscape figure for the browser with plotly. Needs plotly."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from prunescape.present.figures.landscape_data import Landscape, LandscapeFigure, Panel
from prunescape.present.figures.plotly_layout import block_grid, place_colour_bar
from prunescape.present.figures.style import (
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

BLOCK_HEIGHT = 570  # pixels, of contours over scatter


def draw_landscape(figure: LandscapeFigure) -> go.Figure:
    """Contours over scatter, one column per variant; hovering tells setting, score and status."""
    count = len(figure.landscapes[0].panels)
    page, corners = block_grid(len(figure.landscapes), count, stacked=figure.stacked)
    for number, landscape in enumerate(figure.landscapes):
        top, left = corners[number]
        for column, panel in enumerate(landscape.panels, start=left):
            first = (number, column) == (0, left)
            page.add_traces(_contours(figure, landscape, panel, number), rows=top, cols=column)
            page.add_traces(_marks(figure, panel, first=False), rows=top, cols=column)
            cells = [*_cells(landscape, panel, number, first=first), *_outlines(panel, first=first)]
            page.add_traces([*cells, *_marks(figure, panel, first=first)], rows=top + 1, cols=column)
            _add_title(page, figure, landscape, panel, top, column)
            page.update_xaxes(title=X_TITLE, showticklabels=True, row=top + 1, col=column)
        page.update_yaxes(title=Y_TITLE, col=1)
        _add_colour_bar(page, landscape, number, (top, left + count - 1))
    page.update_xaxes(range=figure.span_wd, showgrid=False, zeroline=False)
    page.update_yaxes(range=figure.span_lr, showgrid=False, zeroline=False)
    page.update_layout(**_layout(figure))
    return page


def _layout(figure: LandscapeFigure) -> dict:
    height = 90 + BLOCK_HEIGHT * (2 if figure.stacked else 1)
    legend = {
        "orientation": "h",
        "x": 0.5,
        "xanchor": "center",
        "y": -66 / (height - 172),
        "yanchor": "top",
        "bgcolor": PANEL,
    }
    return {
        "font": {"family": FONT, "size": 12, "color": INK},
        "plot_bgcolor": PANEL,
        "paper_bgcolor": PAPER,
        "height": height,
        "margin": {"l": 64, "r": 88, "t": 62, "b": 110},
        "legend": legend,
        "hoverlabel": {"font": {"family": FONT}},
    }


def _add_title(page: go.Figure, figure: LandscapeFigure, landscape: Landscape, panel: Panel, row: int, column: int):
    metric = f"{METRIC_TITLES[landscape.metric]}, " if len(figure.landscapes) > 1 else ""
    text = f"{metric}{variant_title(panel.variant)}<br>best {panel.best[2]:.2f} %"
    place = {"x": 0.5, "xref": "x domain", "y": 1, "yref": "y domain", "yanchor": "bottom", "showarrow": False}
    page.add_annotation(text=text, font={"size": 13}, row=row, col=column, **place)


def _add_colour_bar(page: go.Figure, landscape: Landscape, number: int, corner: tuple[int, int]) -> None:
    place = place_colour_bar(page, *corner)
    title = {"text": f"{METRIC_TITLES[landscape.metric]}, %", "side": "right"}
    bar = {"title": title, "thickness": 14, "outlinewidth": 0, **place}
    scale = {"colorscale": COLOUR_MAP, "cmin": landscape.floor, "cmax": landscape.ceiling, "colorbar": bar}
    page.update_layout({_axis(number): scale})


def _axis(number: int) -> str:
    """The name of the colour axis of the landscape of that number."""
    return "coloraxis" if number == 0 else f"coloraxis{number + 1}"


def _contours(figure: LandscapeFigure, landscape: Landscape, panel: Panel, number: int) -> list[go.BaseTraceType]:
    """Contours; the cells themselves where they span no area."""
    low = panel.score < landscape.floor
    traces: list = [_points(panel, low, {"color": FAINT, "size": 4}, "below the colour bar", shown=False)]
    if panel.surface is None:
        return [*traces, _coloured(landscape, panel, number)]
    levels = landscape.levels
    contour = go.Contour(
        x=figure.surface_wd,
        y=figure.surface_lr,
        z=panel.surface,
        # not the points' coloraxis: browsers hang where contours and points share one
        colorscale=COLOUR_MAP,
        zmin=landscape.floor,
        zmax=landscape.ceiling,
        showscale=False,
        contours={"coloring": "heatmap", "start": levels[0], "end": levels[-1], "size": levels[1] - levels[0]},
        line={"width": 0.5, "color": "white"},
        hovertemplate="wd %{x:.2f}, lr %{y:.2f}<br>about %{z:.2f} %<extra>interpolated</extra>",
    )
    return [contour, *traces]


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


def _coloured(landscape: Landscape, panel: Panel, number: int) -> go.Scatter:
    kept = (panel.score >= landscape.floor) & ~panel.diverged
    size = 10 if len(panel.score) < 150 else 7
    return _points(
        panel, kept, {"color": panel.score[kept], "coloraxis": _axis(number), "size": size}, "cell", shown=False
    )


def _cells(landscape: Landscape, panel: Panel, number: int, *, first: bool) -> list[go.Scatter]:
    low = (panel.score < landscape.floor) & ~panel.diverged
    crosses = {"color": INK, "symbol": "x-thin-open", "size": 6, "line": {"width": 1.2, "color": INK}}
    return [
        _coloured(landscape, panel, number),
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
