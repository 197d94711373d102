"""Draws a landscape figure for the browser with plotly."""

import math

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from prunescape.present.figures.landscape_data import LandscapeFigure
from prunescape.present.figures.landscape_panels import TRACE, Landscape, Panel
from prunescape.present.figures.plane import Point
from prunescape.present.figures.shades import Shades
from prunescape.present.figures.style import (
    BELOW,
    FAINT,
    INK,
    PALE,
    PANEL,
    PLOTLY_LAYOUT,
    PLOTLY_LEGEND,
    UNSURE_LEVELS,
    UNSURE_SHADES,
)
from prunescape.present.labels import METRIC_TITLES, axis_label, axis_symbol, roi_title, variant_title

ROW_HEIGHT, BETWEEN, AROUND = 250, 62, 150  # pixels: of a panel, of titles and labels between rows, above and below all


def draw_landscape_interactive(figure: LandscapeFigure) -> go.Figure:
    """A panel per variant; hovering shows setting, score and status; the legend shows and hides what it names."""
    columns, count = figure.columns, len(figure.landscapes[0].panels)
    rows = math.ceil(count / columns)
    high = (ROW_HEIGHT + BETWEEN) * rows * len(figure.landscapes)
    spacing = {"horizontal_spacing": 0.1 / (columns + 2), "vertical_spacing": BETWEEN / high}
    page = make_subplots(rows * len(figure.landscapes), columns, shared_xaxes=True, shared_yaxes=True, **spacing)
    for number, landscape in enumerate(figure.landscapes):
        for at, panel in enumerate(landscape.panels):
            row, column = number * rows + at // columns + 1, at % columns + 1
            page.add_traces(_traces(figure, landscape, panel, first=(number, at) == (0, 0)), rows=row, cols=column)
            _add_title(page, figure, landscape, panel, row, column)
            if at + columns >= count:
                page.update_xaxes(title=axis_label(figure.axes.x, "<br>"), showticklabels=True, row=row, col=column)
        _add_colour_bar(page, figure, landscape, number, (number * rows + 1, (number + 1) * rows, columns))
    page.update_yaxes(title=axis_label(figure.axes.y, "<br>"), col=1)
    page.update_xaxes(range=figure.span_x, showgrid=False, zeroline=False)
    page.update_yaxes(range=figure.span_y, showgrid=False, zeroline=False)
    margin = {"l": 64, "r": 96, "t": 48, "b": 102}
    legend = {**PLOTLY_LEGEND, "y": -62 / high, "bgcolor": PANEL}
    layout = {**PLOTLY_LAYOUT, "plot_bgcolor": PANEL, "height": high + AROUND, "margin": margin, "legend": legend}
    return page.update_layout(**layout)


def _traces(figure: LandscapeFigure, landscape: Landscape, panel: Panel, *, first: bool) -> list:
    """All of one panel, from the ground up."""
    ground = _uncertainty(figure, panel) if figure.unsure else _surface(figure, landscape, panel)
    lines = [*_lines(figure, panel, first=first), *([] if figure.unsure else _ellipses(figure, panel, first=first))]
    return [*ground, *_cells(landscape, panel, first=first), *lines, *_marks(figure, panel, first=first)]


def _add_title(page: go.Figure, figure: LandscapeFigure, landscape: Landscape, panel: Panel, row: int, column: int):
    metric = f"{METRIC_TITLES[landscape.metric]}, " if len(figure.landscapes) > 1 else ""
    text = metric + figure.panel_title(panel).replace("\n", "<br>")
    place = {"x": 0.5, "xref": "x domain", "y": 1, "yref": "y domain", "yanchor": "bottom", "showarrow": False}
    page.add_annotation(text=text, font={"size": 12}, row=row, col=column, **place)


def _add_colour_bar(
    page: go.Figure, figure: LandscapeFigure, landscape: Landscape, number: int, rows: tuple[int, int, int]
) -> None:
    """A bar right of the rows of a landscape: the first, the last, and the column beside which it stands."""
    upper, lower = page.get_subplot(rows[0], rows[2]), page.get_subplot(rows[1], rows[2])
    if figure.unsure:
        steps, texts = len(UNSURE_SHADES), [f"{level:g}" for level in UNSURE_LEVELS]
        scale, lowest, title = _stepped(UNSURE_SHADES), 0, "may be better by, points"
    else:
        shades = landscape.shades
        steps, texts, title = shades.steps, shades.texts, f"{METRIC_TITLES[landscape.metric]}, %"
        scale, lowest = (
            _stepped([BELOW, *shades.colours] if landscape.below else shades.colours),
            -bool(landscape.below),
        )
    bar = {
        "title": {"text": title, "side": "right"},
        **{"tickvals": list(range(len(texts))), "ticktext": texts, "thickness": 14, "outlinewidth": 0},
        **{"x": upper.xaxis.domain[1] + 0.008, "xanchor": "left", "xpad": 2, "ypad": 0, "yanchor": "middle"},
        **{"y": (lower.yaxis.domain[0] + upper.yaxis.domain[1]) / 2, "lenmode": "fraction"},
        "len": upper.yaxis.domain[1] - lower.yaxis.domain[0],
    }
    name = f"coloraxis{number + 1}" if number else "coloraxis"
    page.update_layout({name: {"colorscale": scale, "cmin": lowest, "cmax": steps, "colorbar": bar}})
    mark = {"color": [0], "coloraxis": name, "opacity": 0}  # a bar needs a trace
    page.add_trace(go.Scatter(x=[None], y=[None], mode="markers", marker=mark, showlegend=False), rows[0], rows[2])


def _stepped(colours: list[str] | tuple[str, ...]) -> list[tuple[float, str]]:
    """A scale of steps, each of one colour."""
    return [(place / len(colours), colour) for step, colour in enumerate(colours) for place in (step, step + 1)]


def _surface(figure: LandscapeFigure, landscape: Landscape, panel: Panel) -> list[go.Contour]:
    """The surface in steps of colour; nothing where the cells span no area."""
    if panel.surface is None:
        return []
    shades = landscape.shades
    x, y = axis_symbol(figure.axes.x), axis_symbol(figure.axes.y)
    known = "inferred" if panel.reach is not None else "interpolated"
    hover = f"{x} %{{x:.2f}}, {y} %{{y:.2f}}<br>about %{{customdata:.2f}} %<extra>{known}</extra>"
    ground = _steps(figure, _places(shades, panel.surface), panel.surface, (BELOW, *shades.colours), hover, lowest=-1)
    return [ground, *_pale(figure, panel)]


def _pale(figure: LandscapeFigure, panel: Panel) -> list[go.Contour]:
    """A veil over what is not sure."""
    if panel.pale is None:
        return []
    clear, veil = (f"rgba({','.join(map(str, bytes.fromhex(PANEL[1:])))},{alpha})" for alpha in (0, PALE))
    shades = {"colorscale": _stepped((clear, veil)), "zmin": 0, "zmax": 1, "showscale": False, "hoverinfo": "skip"}
    contours = {"coloring": "fill", "start": 0.5, "end": 0.5, "size": 1}
    plane = {"x": figure.surface_x, "y": figure.surface_y, "z": panel.pale}
    return [go.Contour(**plane, **shades, contours=contours, line={"width": 0}, name="pale")]


def _places(shades: Shades, surface: np.ndarray) -> np.ndarray:
    """What is below the floor all in one step, below 0."""
    return np.clip(shades.place(surface) + TRACE, -0.5, shades.steps - TRACE).astype(np.float32)


def _uncertainty(figure: LandscapeFigure, panel: Panel) -> list[go.Contour]:
    """How far the interval of an inferred surface reaches above it, in shades."""
    if panel.reach is None:
        return []
    places = np.arange(len(UNSURE_LEVELS))
    shade = np.interp(panel.reach, UNSURE_LEVELS, places, right=len(UNSURE_LEVELS)).astype(np.float32)
    hover = "at most %{customdata:.2f} points better<extra>inferred</extra>"
    return [_steps(figure, np.where(np.isnan(panel.reach), np.nan, shade), panel.reach, UNSURE_SHADES, hover)]


def _steps(
    figure: LandscapeFigure, height: np.ndarray, shown: np.ndarray, colours: tuple, hover: str, *, lowest: int = 0
) -> go.Contour:
    """A surface whose `height` (y, x) counts steps from `lowest` up; hovering shows what stands in `shown`."""
    last = lowest + len(colours)
    return go.Contour(
        x=figure.surface_x,
        y=figure.surface_y,
        z=height,
        customdata=shown,
        # not the bar's coloraxis: browsers hang where contours and points share one
        colorscale=_stepped(colours),
        zmin=lowest,
        zmax=last,
        showscale=False,
        contours={"coloring": "fill", "start": lowest + 1, "end": last - 1, "size": 1},
        line={"width": 0},
        hovertemplate=hover,
    )


def _cells(landscape: Landscape, panel: Panel, *, first: bool) -> list[go.Scatter]:
    """Dots on a surface, coloured cells where there is none, and crosses."""
    dots = {"color": INK, "size": 3 if panel.dense else 4, "opacity": 0.6}
    if panel.surface is None:
        colours = [landscape.shades.colour(score) for score in panel.score[~panel.diverged]]
        dots = {"color": colours, "size": 7 if panel.dense else 10}
    crosses = {"color": INK, "symbol": "x-thin-open", "size": 6, "line": {"width": 1.2, "color": INK}}
    return [
        _points(panel, ~panel.diverged, dots, "cell", shown=first),
        _points(panel, panel.diverged, crosses, "diverged", shown=first),
    ]


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


def _lines(figure: LandscapeFigure, panel: Panel, *, first: bool) -> list[go.Scatter]:
    """Each region's lines; hidden in the figure of ellipses until the legend asks for them."""
    traces = []
    for threshold, colour in figure.roi_colours.items():
        name = f"{roi_title(threshold)} ({colour})"
        line = panel.regions.get(threshold, ([None], [None]))
        traces += _cased(line, name, {"color": colour, "width": 2}, shown=first, visible=not figure.ellipses)
    return traces


def _ellipses(figure: LandscapeFigure, panel: Panel, *, first: bool) -> list[go.Scatter]:
    """Each ellipse, dashed; hidden but in the figure of ellipses until the legend asks for it."""
    traces = []
    for threshold, colour in figure.roi_colours.items():
        name = f"ellipse of the {roi_title(threshold)} ({colour})"
        line = panel.outlines.get(threshold, ([None], [None]))
        style = {"color": colour, "width": 2.2, "dash": "dash"}
        traces += _cased(line, name, style, shown=first, visible=figure.ellipses)
    return traces


def _cased(line, name: str, style: dict, *, shown: bool, visible: bool) -> list[go.Scatter]:
    """A line twice: a wider grey one below keeps white and black visible on any ground."""
    common = {"x": line[0], "y": line[1], "mode": "lines", "legendgroup": name, "hoverinfo": "skip"}
    common["visible"] = True if visible else "legendonly"
    under = go.Scatter(**common, line={"color": FAINT, "width": style["width"] + 1.2}, showlegend=False)
    return [under, go.Scatter(**common, name=name, line=style, showlegend=shown)]


def _marks(figure: LandscapeFigure, panel: Panel, *, first: bool) -> list[go.Scatter]:
    star = {"symbol": "star", "size": 13, "color": "white", "line": {"color": "black", "width": 1.2}}
    marks = [_mark(panel.best, star, "best cell", f"best: {panel.best_score:.3f} %<br>", first)]
    if figure.prior is not None:
        diamond = {"symbol": "diamond", "size": 9, "color": "white", "line": {"color": "black", "width": 1.4}}
        marks.insert(0, _mark(figure.prior, diamond, "prior", "prior: ", first))
    return marks


def _mark(point: Point, marker: dict, name: str, before: str, shown: bool) -> go.Scatter:
    group = {"name": name, "legendgroup": name, "showlegend": shown}
    text = f"{before}{point.text}<extra></extra>"
    options = {"mode": "markers", "marker": marker, "hovertemplate": text, "cliponaxis": False}
    return go.Scatter(x=[point.x], y=[point.y], **options, **group)
