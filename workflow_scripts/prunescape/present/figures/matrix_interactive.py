"""Draws the matrices of all runs for the browser: hovering names the run and what it reached."""

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from prunescape.present.figures.matrix import MatrixFigure, Order, heading
from prunescape.present.figures.style import ACCENT, FAINT, INK, PANEL, PAPER, PLOTLY_LAYOUT
from prunescape.present.labels import shortened

TOP, BOTTOM, LEAST, MOST, PER_RUN = 130, 110, 200, 620, 7  # pixels


def draw_matrix_interactive(figure: MatrixFigure) -> go.Figure:
    """The three matrices side by side."""
    high = min(max(PER_RUN * len(figure.runs), LEAST), MOST)
    page = make_subplots(1, len(figure.orders), horizontal_spacing=0.06)
    for column, order in enumerate(figure.orders, start=1):
        matrix = _matrix(figure, order)
        page.add_trace(matrix, row=1, col=column)
        rows, values = order.ticks
        page.update_yaxes(
            type="category",
            tickvals=[matrix.y[row] for row in rows],
            ticktext=values,
            autorange="reversed",
            row=1,
            col=column,
        )
        levels = [shortened(level.level, 16) for level in figure.columns]
        title = {"text": f"by {order.title}", "font": {"size": 12}}
        page.update_xaxes(type="category", tickvals=matrix.x, ticktext=levels, title=title, row=1, col=column)
        _name_factors(page, figure, column)
    page.update_xaxes(tickangle=-90, tickfont={"size": 9}, showgrid=False, zeroline=False, ticks="")
    page.update_yaxes(tickfont={"size": 9}, showgrid=False, zeroline=False)
    margin = {"l": 48, "r": 12, "t": TOP, "b": BOTTOM}
    return page.update_layout(**{**PLOTLY_LAYOUT, "plot_bgcolor": PANEL}, height=high + TOP + BOTTOM, margin=margin)


def _matrix(figure: MatrixFigure, order: Order) -> go.Heatmap:
    """Rows and columns are named by what hovering shows, once for each: a field needs no text of its own."""
    runs = [
        f"{number}: {figure.runs[place]}<br>{order.title} {value:.4g}"
        for number, (place, value) in enumerate(zip(order.places, order.values, strict=True), start=1)
    ]
    return go.Heatmap(
        x=[f"{column.factor} {column.level}".strip() for column in figure.columns],
        y=runs,
        z=figure.on[order.places],
        zmin=0,
        zmax=1,
        colorscale=[[0, PAPER], [1, ACCENT]],
        showscale=False,
        hovertemplate="%{y}<br>%{x}<extra></extra>",
    )


def _name_factors(page: go.Figure, figure: MatrixFigure, column: int) -> None:
    """The factors' names above their columns, with a line before each."""
    for name, start, end in figure.factors:
        page.add_vline(start - 0.5, line={"color": FAINT, "width": 1}, row=1, col=column)
        page.add_annotation(
            x=(start + end - 1) / 2,
            y=1.0,
            yref="y domain" if column == 1 else f"y{column} domain",
            xref="x" if column == 1 else f"x{column}",
            text="<br>".join(heading(name, end - start)),
            textangle=-90,
            yanchor="bottom",
            showarrow=False,
            font={"size": 10, "color": INK},
        )
