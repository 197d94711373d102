"""Draws a landscape figure for the browser with plotly."""

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from prunescape.present.figures.landscape_data import Landscape, LandscapeFigure, Panel
from prunescape.present.figures.plane import Point
from prunescape.present.figures.style import (
    COLOUR_SCALE,
    FAINT,
    INK,
    PANEL,
    PLOTLY_LAYOUT,
    PLOTLY_LEGEND,
    PRIOR,
    UNSURE_LEVELS,
    UNSURE_SHADES,
)
from prunescape.present.labels import METRIC_TITLES, axis_label, axis_symbol, roi_title, variant_title

BLOCK_HEIGHT = 570  # pixels, of contours over scatter
# the shades in equal steps, each of one colour
UNSURE_SCALE = [
    (place / len(UNSURE_SHADES), shade) for step, shade in enumerate(UNSURE_SHADES) for place in (step, step + 1)
]
GAP = 0.55  # between two landscapes, in widths or heights of a panel


def draw_landscape_interactive(figure: LandscapeFigure) -> go.Figure:
    """Contours over scatter, one column per variant; hovering shows setting, score and status."""
    count = len(figure.landscapes[0].panels)
    page, corners = _block_grid(len(figure.landscapes), count, stacked=figure.stacked)
    for number, landscape in enumerate(figure.landscapes):
        top, left = corners[number]
        for column, panel in enumerate(landscape.panels, start=left):
            first = (number, column) == (0, left)
            page.add_traces(_contours(figure, landscape, panel, number), rows=top, cols=column)
            page.add_traces(_marks(figure, panel, first=False), rows=top, cols=column)
            cells = [*_cells(panel, number, first=first), *_outlines(figure, panel, first=first)]
            below = _uncertainty(figure, panel)
            page.add_traces([*below, *cells, *_marks(figure, panel, first=first)], rows=top + 1, cols=column)
            _add_title(page, figure, landscape, panel, top, column)
            page.update_xaxes(title=axis_label(figure.axes.x, "<br>"), showticklabels=True, row=top + 1, col=column)
        page.update_yaxes(title=axis_label(figure.axes.y, "<br>"), col=1)
        _add_colour_bars(page, figure, landscape, number, (top, left + count - 1))
    page.update_xaxes(range=figure.span_x, showgrid=False, zeroline=False)
    page.update_yaxes(range=figure.span_y, showgrid=False, zeroline=False)
    height = 90 + BLOCK_HEIGHT * (2 if figure.stacked else 1)
    margin = {"l": 64, "r": 88, "t": 62, "b": 110}
    legend = {**PLOTLY_LEGEND, "y": -66 / (height - 172), "bgcolor": PANEL}
    layout = {**PLOTLY_LAYOUT, "plot_bgcolor": PANEL, "height": height, "margin": margin, "legend": legend}
    return page.update_layout(**layout)


def _block_grid(blocks: int, count: int, *, stacked: bool) -> tuple[go.Figure, list[tuple[int, int]]]:
    """Empty axes for `blocks` landscapes of two rows and `count` columns, and each one's corner as (row, column)."""
    lines, columns = [1.0, 1.0], [1.0] * count
    if blocks > 1 and stacked:
        lines = [*lines, GAP, *lines]
    elif blocks > 1:
        columns = [*columns, GAP, *columns]
    used = [[{} if height == width == 1.0 else None for width in columns] for height in lines]
    page = make_subplots(
        len(lines),
        len(columns),
        specs=used,
        column_widths=columns,
        row_heights=lines,
        shared_xaxes=True,
        shared_yaxes=True,
        horizontal_spacing=0.12 / (len(columns) + 3),
        vertical_spacing=0.04 / (2 if stacked else 1),
    )
    return page, [(1, 1), (4, 1) if stacked else (1, count + 2)][:blocks]


def _add_title(page: go.Figure, figure: LandscapeFigure, landscape: Landscape, panel: Panel, row: int, column: int):
    metric = f"{METRIC_TITLES[landscape.metric]}, " if len(figure.landscapes) > 1 else ""
    text = metric + figure.panel_title(panel).replace("\n", "<br>")
    place = {"x": 0.5, "xref": "x domain", "y": 1, "yref": "y domain", "yanchor": "bottom", "showarrow": False}
    page.add_annotation(text=text, font={"size": 13}, row=row, col=column, **place)


def _add_colour_bars(
    page: go.Figure, figure: LandscapeFigure, landscape: Landscape, number: int, corner: tuple[int, int]
) -> None:
    """A bar right of the panel at `corner`, (row, column), and the one below it; or one for each, if inferred."""
    row, column = corner
    upper, lower = page.get_subplot(row, column), page.get_subplot(row + 1, column)
    bottom = (upper if figure.inferred else lower).yaxis.domain[0]
    bar = _bar(f"{METRIC_TITLES[landscape.metric]}, %", upper.xaxis.domain[1], bottom, upper.yaxis.domain[1])
    scale = {"colorscale": COLOUR_SCALE, "cmin": landscape.floor, "cmax": landscape.ceiling, "colorbar": bar}
    page.update_layout({_axis(number): scale})
    if figure.inferred:
        bar = _bar("may be better by, points", lower.xaxis.domain[1], *lower.yaxis.domain)
        ticks = {"tickvals": list(range(len(UNSURE_LEVELS))), "ticktext": [f"{level:g}" for level in UNSURE_LEVELS]}
        scale = {"colorscale": UNSURE_SCALE, "cmin": 0, "cmax": len(UNSURE_SHADES), "colorbar": bar | ticks}
        page.update_layout({f"coloraxis{number + 3}": scale})
        mark = {"color": [0], "coloraxis": f"coloraxis{number + 3}", "opacity": 0}  # a bar needs a trace
        page.add_trace(go.Scatter(x=[None], y=[None], mode="markers", marker=mark, showlegend=False), row + 1, column)


def _bar(title: str, right: float, bottom: float, top: float) -> dict:
    """A colour bar beside the panels that end at `right`, from `bottom` to `top`, shares of the page."""
    return {
        "title": {"text": title, "side": "right"},
        "thickness": 14,
        "outlinewidth": 0,
        "x": right + 0.006,
        "xanchor": "left",
        "y": (bottom + top) / 2,
        "yanchor": "middle",
        "len": top - bottom,
        "lenmode": "fraction",
        "ypad": 0,
        "xpad": 2,
    }


def _axis(number: int) -> str:
    """The name of the colour axis of the landscape of that number."""
    return "coloraxis" if number == 0 else f"coloraxis{number + 1}"


def _contours(figure: LandscapeFigure, landscape: Landscape, panel: Panel, number: int) -> list:
    """Contours; the cells themselves where they span no area."""
    traces = [_points(panel, ~panel.coloured, {"color": FAINT, "size": 4}, "below the colour bar", shown=False)]
    if panel.surface is None:
        return [*traces, _coloured(panel, number)]
    levels = landscape.levels
    x, y = axis_symbol(figure.axes.x), axis_symbol(figure.axes.y)
    contour = go.Contour(
        x=figure.surface_x,
        y=figure.surface_y,
        z=np.where(panel.surface < levels[0], np.nan, panel.surface),
        # not the points' coloraxis: browsers hang where contours and points share one
        colorscale=COLOUR_SCALE,
        zmin=landscape.floor,
        zmax=landscape.ceiling,
        showscale=False,
        contours={"coloring": "heatmap", "start": levels[0], "end": levels[-1], "size": levels[1] - levels[0]},
        line={"width": 0.5, "color": "white"},
        hovertemplate=f"{x} %{{x:.2f}}, {y} %{{y:.2f}}<br>about %{{z:.2f}} %<extra>interpolated</extra>",
    )
    dots = (
        [_points(panel, panel.coloured, {"color": "black", "size": 4}, "cell", shown=False)] if figure.inferred else []
    )
    return [contour, *traces, *dots]


def _uncertainty(figure: LandscapeFigure, panel: Panel) -> list[go.Contour]:
    """How far the interval of an inferred surface reaches above it, in shades."""
    if panel.reach is None:
        return []
    places = np.arange(len(UNSURE_LEVELS))
    shade = np.interp(panel.reach, UNSURE_LEVELS, places, right=len(UNSURE_LEVELS))
    contour = go.Contour(
        x=figure.surface_x,
        y=figure.surface_y,
        z=np.where(np.isnan(panel.reach), np.nan, shade),
        customdata=panel.reach,
        colorscale=UNSURE_SCALE,
        zmin=0,
        zmax=len(UNSURE_SHADES),
        showscale=False,
        contours={"coloring": "fill", "start": 1, "end": places[-1], "size": 1},
        line={"width": 0},
        hovertemplate="at most %{customdata:.2f} points better<extra>inferred</extra>",
    )
    return [contour]


def _points(panel: Panel, which: np.ndarray, marker: dict, name: str, *, shown: bool) -> go.Scatter:
    status = np.where(panel.diverged, "diverged", "ok")
    return go.Scatter(
        x=panel.x[which],
        y=panel.y[which],
        mode="markers",
        marker=marker,
        name=name,
        legendgroup=name,
        showlegend=shown,
        customdata=np.column_stack([panel.settings, panel.score.astype(object), status])[which],
        hovertemplate=(
            f"{variant_title(panel.variant)}<br>%{{customdata[0]}}<br>%{{customdata[1]:.3f}} % · %{{customdata[2]}}"
            "<extra></extra>"
        ),
    )


def _coloured(panel: Panel, number: int) -> go.Scatter:
    marker = {"color": panel.score[panel.coloured], "coloraxis": _axis(number), "size": 7 if panel.dense else 10}
    return _points(panel, panel.coloured, marker, "cell", shown=False)


def _cells(panel: Panel, number: int, *, first: bool) -> list[go.Scatter]:
    crosses = {"color": INK, "symbol": "x-thin-open", "size": 6, "line": {"width": 1.2, "color": INK}}
    return [
        _coloured(panel, number),
        _points(panel, panel.low, {"color": FAINT, "size": 5}, "below the colour bar", shown=first),
        _points(panel, panel.diverged, crosses, "diverged", shown=first),
    ]


def _outlines(figure: LandscapeFigure, panel: Panel, *, first: bool) -> list[go.Scatter]:
    """Each ellipse twice: a wider grey line below keeps white and black visible on any ground."""
    traces = []
    for threshold, colour in figure.roi_colours.items():
        x, y = panel.outlines.get(threshold, ([None], [None]))
        name = f"ellipse of the {roi_title(threshold)} ({colour})"
        common = {"x": x, "y": y, "mode": "lines", "legendgroup": name, "hoverinfo": "skip"}
        traces.append(go.Scatter(**common, line={"color": FAINT, "width": 3.4}, showlegend=False))
        traces.append(go.Scatter(**common, name=name, line={"color": colour, "width": 2.4}, showlegend=first))
    return traces


def _marks(figure: LandscapeFigure, panel: Panel, *, first: bool) -> list[go.Scatter]:
    star = {"symbol": "star", "size": 13, "color": "white", "line": {"color": "black", "width": 1.2}}
    marks = [_mark(panel.best, star, "best cell", f"best: {panel.best_score:.3f} %<br>", first)]
    if figure.prior is not None:
        diamond = {"symbol": "diamond-open", "size": 12, "color": PRIOR, "line": {"width": 2}}
        marks.insert(0, _mark(figure.prior, diamond, "prior", "prior: ", first))
    return marks


def _mark(point: Point, marker: dict, name: str, before: str, shown: bool) -> go.Scatter:
    group = {"name": name, "legendgroup": name, "showlegend": shown}
    text = f"{before}{point.text}<extra></extra>"
    return go.Scatter(x=[point.x], y=[point.y], mode="markers", marker=marker, hovertemplate=text, **group)
