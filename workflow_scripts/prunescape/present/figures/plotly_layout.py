"""Where the panels of one or two landscapes stand in a plotly figure, and their colour bars."""

import plotly.graph_objects as go
from plotly.subplots import make_subplots

GAP = 0.55  # between two landscapes, in widths or heights of a panel


def block_grid(blocks: int, count: int, *, stacked: bool) -> tuple[go.Figure, list[tuple[int, int]]]:
    """Empty axes for `blocks` landscapes of two rows and `count` columns, and the (row, column) of each one's corner.

    Two stand side by side, or with `stacked` one above the other, with an empty column or row between them.
    """
    lines, columns = [1.0, 1.0], [1.0] * count
    if blocks > 1:
        lines, columns = ([1.0, 1.0, GAP, 1.0, 1.0], columns) if stacked else (lines, [*columns, GAP, *columns])
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
    corners = [(1, 1), (4, 1) if stacked else (1, count + 2)]
    return page, corners[:blocks]


def place_colour_bar(page: go.Figure, row: int, column: int) -> dict:
    """Position and length of a colour bar right of the panel at (`row`, `column`) and the one below it."""
    upper, lower = page.get_subplot(row, column), page.get_subplot(row + 1, column)
    bottom, top = lower.yaxis.domain[0], upper.yaxis.domain[1]
    return {
        "x": upper.xaxis.domain[1] + 0.006,
        "xanchor": "left",
        "y": (bottom + top) / 2,
        "yanchor": "middle",
        "len": top - bottom,
        "lenmode": "fraction",
        "ypad": 0,
        "xpad": 2,
    }
