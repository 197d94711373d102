"""Accuracy and overfit of every run against what an epoch costs: the figure's data, and its two drawings.

As Figures 5, 6 and 9 of burmester2023, with the efficient frontier drawn.
"""

from dataclasses import dataclass
from typing import ClassVar

import matplotlib.figure
import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from prunescape.analysis.read_cells import variant_order
from prunescape.present.figures.figure import Figure, file_name
from prunescape.present.figures.runs_data import cost_of
from prunescape.present.figures.style import (
    DOUBLE,
    FAINT,
    INK,
    LINES,
    PLOTLY_LAYOUT,
    PLOTLY_LEGEND,
    open_axes,
    variant_colour,
    variant_marker,
    variant_symbol,
)
from prunescape.present.labels import variant_label

WIDE = 20.0  # a cost that spans more than this factor is drawn on a log axis
OVERFIT = "training − {} accuracy, points"


@dataclass(frozen=True, kw_only=True)
class EfficiencyFigure(Figure):
    """`cost` (n,), `accuracy` (n,) in percent, `overfit` (n,) in points, in rising order of cost; `front` (n,) marks.

    `split` is that of the accuracy.
    """

    kind: ClassVar[str] = "efficiency"
    least_width: ClassVar[int] = 760
    cost_title: str
    split: str
    names: list[str]
    variants: np.ndarray
    cost: np.ndarray
    accuracy: np.ndarray
    overfit: np.ndarray
    front: np.ndarray

    @property
    def title(self) -> str:
        return f"{self.whose}: accuracy and overfit against {self.cost_title.split(',')[0]} per epoch"

    @property
    def caption(self) -> str:
        return (
            "Each mark is a run. Left, those on the line are the efficient frontier: no other run is as accurate for "
            "as little, and better in one. Right, how far the accuracy on training batches is above "
            f"that on {self.split} images: above 0 the run overfits; augmentation and training mode lower it."
        )

    @property
    def axis(self) -> str:
        """The kind of the axis of costs."""
        return "log" if self.cost.max() > WIDE * self.cost.min() > 0 else "linear"

    @property
    def titles(self) -> tuple[str, str]:
        """Of the axes of accuracy and of overfit."""
        return f"{self.split} accuracy, %", OVERFIT.format(self.split)

    @property
    def of_variants(self) -> dict[str, np.ndarray]:
        """(n,) which runs are of each variant, in the order of variants."""
        return {name: self.variants == name for name in sorted(set(self.variants), key=variant_order)}

    @property
    def stairs(self) -> tuple[np.ndarray, np.ndarray]:
        """Corners of the staircase under which every other run lies: cost (m,) and accuracy (m,)."""
        return np.repeat(self.cost[self.front], 2)[1:], np.repeat(self.accuracy[self.front], 2)[:-1]


def efficiency_figure(runs: pd.DataFrame, experiment: str) -> EfficiencyFigure:
    """The figure of ONE experiment's `runs`, as `design_runs` gives them; runs without a cost are left out."""
    column, _, title = cost_of(runs)
    runs = runs.dropna(subset=column).sort_values([column, "accuracy"], kind="stable")
    return EfficiencyFigure(
        name=file_name("efficiency", experiment),
        experiment=experiment,
        metrics=["top1"],
        seeds=tuple(int(seed) for seed in sorted(runs["seed"].unique())),
        cost_title=title,
        split=runs["accuracy_on"].iloc[0],
        names=(runs["variant"] + ", " + runs["setting"]).tolist(),
        variants=runs["variant"].to_numpy(dtype=object),
        cost=runs[column].to_numpy(dtype="float64"),
        accuracy=100 * runs["accuracy"].to_numpy(dtype="float64"),
        overfit=runs["overfit"].to_numpy(dtype="float64"),
        front=runs["on_front"].to_numpy(dtype=bool),
    )


def draw_efficiency_static(figure: EfficiencyFigure) -> matplotlib.figure.Figure:
    """The frontier left, overfit right."""
    page = matplotlib.figure.Figure(figsize=(DOUBLE, 2.9), layout="constrained")
    left, right = page.subplots(1, 2)
    left.plot(*figure.stairs, color=INK, linewidth=1, zorder=2)
    right.axhline(0, color=FAINT, linewidth=0.9, zorder=2)
    for axes, values, title in zip((left, right), (figure.accuracy, figure.overfit), figure.titles, strict=True):
        for variant, chosen in figure.of_variants.items():
            style = {
                "color": variant_colour(variant),
                "marker": variant_marker(variant),
                "label": variant_label(variant),
            }
            edge = {"edgecolor": INK, "linewidth": 0.4, "alpha": 0.85, "zorder": 3}
            axes.scatter(figure.cost[chosen], values[chosen], s=14, **style, **edge)
        axes.set_xscale(figure.axis)
        axes.set_xlabel(figure.cost_title)
        axes.set_ylabel(title)
        open_axes(axes, "both")
    handles, labels = left.get_legend_handles_labels()
    page.legend(handles, labels, loc="outside lower center", ncols=min(len(labels), 5))
    return page


def draw_efficiency_interactive(figure: EfficiencyFigure) -> go.Figure:
    """The same; hovering names the run."""
    page = make_subplots(1, 2, horizontal_spacing=0.1)
    cost, accuracy = figure.stairs
    stairs = {"mode": "lines", "line": {"color": INK, "width": 1.3}, "hoverinfo": "skip", "showlegend": False}
    page.add_trace(go.Scatter(x=cost, y=accuracy, **stairs), row=1, col=1)
    for column, (values, title) in enumerate(
        zip((figure.accuracy, figure.overfit), figure.titles, strict=True), start=1
    ):
        page.add_traces(_dots(figure, values, shown=column == 1), rows=1, cols=column)
        page.update_yaxes(title=title, gridcolor=LINES, zerolinecolor=FAINT, zeroline=column == 2, row=1, col=column)
    page.update_xaxes(title=figure.cost_title, type=figure.axis, gridcolor=LINES, zeroline=False)
    margin = {"l": 64, "r": 16, "t": 24, "b": 84}
    return page.update_layout(**PLOTLY_LAYOUT, height=430, margin=margin, legend={**PLOTLY_LEGEND, "y": -0.17})


def _dots(figure: EfficiencyFigure, values: np.ndarray, *, shown: bool) -> list[go.Scatter]:
    hover = f"%{{customdata}}<br>%{{y:.4g}}<br>{figure.cost_title} %{{x:.4g}}<extra></extra>"
    names, line = np.array(figure.names, dtype=object), {"color": INK, "width": 0.6}
    traces = []
    for variant, chosen in figure.of_variants.items():
        marker = {"color": variant_colour(variant), "symbol": variant_symbol(variant), "size": 8, "line": line}
        group = {"name": variant_label(variant), "legendgroup": variant, "showlegend": shown}
        dots = {"mode": "markers", "marker": marker, "customdata": names[chosen], "hovertemplate": hover, **group}
        traces.append(go.Scatter(x=figure.cost[chosen], y=values[chosen], **dots))
    return traces
