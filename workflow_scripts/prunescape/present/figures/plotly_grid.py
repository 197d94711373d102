"""Draws an annotated grid for the browser with plotly: one variant at a time, a button for each."""

import numpy as np
import plotly.graph_objects as go

from prunescape.present.figures.grid_data import GridFigure, GridPanel
from prunescape.present.figures.style import PLOTLY_LAYOUT, PRIOR, round_colours
from prunescape.present.labels import axis_title, round_title, variant_title
from prunescape.present.numbers import short

BUTTONS = 6  # with more variants they become a list
MANY = 12  # columns; with more of them letters are smaller


def draw_grid(figure: GridFigure) -> go.Figure:
    """A coloured cell for every setting with its accuracy in it; hovering shows setting, round and status."""
    page = go.Figure()
    for number, panel in enumerate(figure.panels):
        page.add_trace(_cells(figure, panel, shown=number == 0))
        page.add_trace(_frame(figure, panel.best, "black", f"best cell, {variant_title(panel.variant)}", number == 0))
    page.add_traces(_rounds(figure))
    if figure.prior is not None:
        page.add_trace(_frame(figure, figure.prior, PRIOR, "prior", True))
    for axis, values in (("xaxis", figure.x), ("yaxis", figure.y)):
        ticks = {"tickvals": list(range(len(values))), "ticktext": [short(value) for value in values]}
        page.update_layout({axis: {**ticks, "range": (-0.5, len(values) - 0.5), "showgrid": False, "zeroline": False}})
    page.update_layout(**_layout(figure))
    return page


def _layout(figure: GridFigure) -> dict:
    height = 170 + 28 * len(figure.y)
    return {
        **PLOTLY_LAYOUT,
        "xaxis_title": axis_title(figure.axes.x),
        "yaxis_title": axis_title(figure.axes.y),
        "height": height,
        "margin": {"l": 64, "r": 16, "t": 52, "b": 90},
        "legend": {"orientation": "h", "x": 0.5, "xanchor": "center", "y": -52 / (height - 142), "yanchor": "top"},
        "updatemenus": [_menu(figure)] if len(figure.panels) > 1 else [],
    }


def _menu(figure: GridFigure) -> dict:
    """Each button shows the two traces of one variant, and the traces that belong to all."""
    count = len(figure.panels)
    common = [True] * (len(_rounds(figure)) + (figure.prior is not None))
    buttons = []
    for number, panel in enumerate(figure.panels):
        visible = [at == number for at in range(count) for _ in range(2)] + common
        buttons.append({"label": variant_title(panel.variant), "method": "restyle", "args": ["visible", visible]})
    kind = "buttons" if count <= BUTTONS else "dropdown"
    place = {"x": 0, "xanchor": "left", "y": 1, "yanchor": "bottom", "pad": {"b": 8, "t": 0}}
    return {"type": kind, "direction": "right" if kind == "buttons" else "down", "buttons": buttons, **place}


def _cells(figure: GridFigure, panel: GridPanel, *, shown: bool) -> go.Heatmap:
    colours = round_colours(figure.rounds)
    # each round has its own step of the scale; nan leaves a hole
    steps = np.select([panel.round == number for number in colours], list(range(len(colours))), np.nan)
    edges = np.linspace(0, 1, len(colours) + 1)
    scale = [(edge, colour) for at, colour in enumerate(colours.values()) for edge in edges[at : at + 2]]
    places = [[(row, column) for column in range(len(figure.x))] for row in range(len(figure.y))]
    return go.Heatmap(
        z=steps,
        zmin=-0.5,
        zmax=len(colours) - 0.5,
        colorscale=scale,
        showscale=False,
        xgap=1,
        ygap=1,
        text=[[_text(panel, *place) for place in line] for line in places],
        texttemplate="%{text}",
        textfont={"size": 10 if len(figure.x) > MANY else 12},
        customdata=[[_hover(panel, *place) for place in line] for line in places],
        hovertemplate=(
            f"%{{customdata[0]}}<br>{figure.metric_titles} %{{customdata[1]}} % · %{{customdata[2]}}"
            "<extra>%{fullData.name}</extra>"
        ),
        hoverongaps=False,
        visible=shown,
        name=variant_title(panel.variant),
    )


def _text(panel: GridPanel, row: int, column: int) -> str:
    text = panel.text(row, column)
    return f"<b>{text}</b>" if panel.good[row, column] else text


def _hover(panel: GridPanel, row: int, column: int) -> list[str]:
    """Setting, score, and which round planned the cell."""
    status = round_title(int(panel.round[row, column])) + ", diverged" * bool(panel.diverged[row, column])
    return [panel.settings[row, column], f"{panel.score[row, column]:.3f}", status]


def _rounds(figure: GridFigure) -> list[go.Scatter]:
    """Entries of the legend alone: the colour of each round, where there are several."""
    if len(figure.rounds) < 2:
        return []
    square = {"symbol": "square", "size": 13}
    return [
        go.Scatter(x=[None], y=[None], mode="markers", marker={**square, "color": colour}, name=round_title(number))
        for number, colour in round_colours(figure.rounds).items()
    ]


def _frame(figure: GridFigure, place: tuple[int, int], colour: str, name: str, shown: bool) -> go.Scatter:
    row, column = place
    x, y = np.array([-1, 1, 1, -1, -1]) * 0.46 + column, np.array([-1, -1, 1, 1, -1]) * 0.44 + row
    line = {"color": colour, "width": 2, "dash": "dash" if name == "prior" else "solid"}
    return go.Scatter(x=x, y=y, mode="lines", line=line, name=name, hoverinfo="skip", visible=shown)
