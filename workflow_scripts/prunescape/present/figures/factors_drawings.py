"""Draws a figure of factors: for print with matplotlib, for the browser with plotly."""

import plotly.graph_objects as go
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from plotly.subplots import make_subplots

from prunescape.present.figures.factors_data import FactorsFigure, Intervals
from prunescape.present.figures.style import ACCENT, DOUBLE, FAINT, INK, LINES, PLOTLY_LAYOUT, TINT, open_axes
from prunescape.present.labels import shortened
from prunescape.present.numbers import short

SHARE = "share of variance"
ROW_INCHES, ROW_PIXELS = 0.17, 24


def draw_factors_static(figure: FactorsFigure) -> Figure:
    """Bars of shares beside points of effects."""
    page = Figure(figsize=(DOUBLE, 0.6 + ROW_INCHES * figure.height), layout="constrained")
    left, right = page.subplots(1, 2)
    shares, effects = figure.importance, figure.effects
    left.barh(shares.places, shares.estimate, 0.62, color=TINT)
    _intervals(left, shares)
    right.axvline(0, color=FAINT, linewidth=0.8)
    right.plot(effects.estimate, effects.places, "o", color=ACCENT, markersize=3.5, zorder=3)
    _intervals(right, effects)
    left.set_xlim(left=0)
    left.set_xlabel(SHARE)
    right.set_xlabel(_effect_label(figure))
    return page


def _effect_label(figure: FactorsFigure) -> str:
    return f"difference of {shortened(figure.response, 32)}"


def _intervals(axes: Axes, shown: Intervals) -> None:
    """The 95 % intervals, and the labels on the vertical axis."""
    axes.hlines(shown.places, shown.low, shown.high, color=INK, linewidth=0.9, zorder=2)
    axes.set_yticks(shown.places, shown.labels)
    axes.set_ylim(-0.7, len(shown.labels) - 0.3)
    open_axes(axes, "x")


def draw_factors_interactive(figure: FactorsFigure) -> go.Figure:
    """The same; hovering shows the numbers."""
    page = make_subplots(1, 2, horizontal_spacing=0.22)
    shares, effects = figure.importance, figure.effects
    page.add_trace(go.Bar(x=shares.estimate, marker={"color": TINT}, orientation="h", **_shared(shares)), 1, 1)
    marks = {"mode": "markers", "marker": {"color": ACCENT, "size": 8}}
    page.add_trace(go.Scatter(x=effects.estimate, **marks, **_shared(effects)), 1, 2)
    for column, (shown, title) in enumerate(((shares, SHARE), (effects, _effect_label(figure))), start=1):
        ticks = {"tickvals": shown.places, "ticktext": shown.labels, "range": [-0.7, len(shown.labels) - 0.3]}
        page.update_yaxes(**ticks, showgrid=False, zeroline=False, row=1, col=column)
        page.update_xaxes(title=title, gridcolor=LINES, zerolinecolor=FAINT, row=1, col=column)
    height = 130 + ROW_PIXELS * figure.height
    margin = {"l": 190, "r": 16, "t": 24, "b": 56}
    return page.update_layout(**PLOTLY_LAYOUT, height=height, margin=margin, showlegend=False)


def _shared(shown: Intervals) -> dict:
    """Places, intervals and texts of either panel."""
    texts = [
        f"{label}: {short(float(f'{value:.3g}'))} ({short(float(f'{low:.3g}'))} to {short(float(f'{high:.3g}'))})"
        for label, value, low, high in zip(shown.labels, shown.estimate, shown.low, shown.high, strict=True)
    ]
    bars = {"array": shown.high - shown.estimate, "arrayminus": shown.estimate - shown.low, "symmetric": False}
    error = {"type": "data", **bars, "color": INK, "thickness": 1.2, "width": 0}
    return {"y": shown.places, "error_x": error, "customdata": texts, "hovertemplate": "%{customdata}<extra></extra>"}
