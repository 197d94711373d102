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

from prunescape.present.figures.figure import Figure, file_name
from prunescape.present.figures.runs_data import cost_of
from prunescape.present.figures.style import BASE, FAINT, INK, LINES, PLOTLY_LAYOUT, PRUNED

WIDE = 20.0  # a cost that spans more than this factor is drawn on a log axis
OVERFIT = "training − {} accuracy, points"


@dataclass(frozen=True, kw_only=True)
class EfficiencyFigure(Figure):
    """`cost` (n,), `accuracy` (n,) in percent, `overfit` (n,) in points, in rising order of cost; `front` (n,) marks.

    `base` (n,) marks the unpruned network, `split` is that of the accuracy.
    """

    kind: ClassVar[str] = "efficiency"
    least_width: ClassVar[int] = 760
    cost_title: str
    split: str
    names: list[str]
    cost: np.ndarray
    accuracy: np.ndarray
    overfit: np.ndarray
    base: np.ndarray
    front: np.ndarray

    @property
    def title(self) -> str:
        return f"{self.whose}: accuracy and overfit against {self.cost_title.split(',')[0]} per epoch"

    @property
    def caption(self) -> str:
        return (
            "Each dot is a run; square: the base. Left, dark ones on the line are the efficient frontier: no other run "
            "is as accurate for as little, and better in one. Right, how far the accuracy on training batches is above "
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
        cost=runs[column].to_numpy(dtype="float64"),
        accuracy=100 * runs["accuracy"].to_numpy(dtype="float64"),
        overfit=runs["overfit"].to_numpy(dtype="float64"),
        base=(runs["variant"] == "base").to_numpy(),
        front=runs["on_front"].to_numpy(dtype=bool),
    )


def draw_efficiency_static(figure: EfficiencyFigure) -> matplotlib.figure.Figure:
    """The frontier left, overfit right."""
    page = matplotlib.figure.Figure(figsize=(7.6, 3.4), layout="constrained")
    left, right = page.subplots(1, 2)
    left.plot(*figure.stairs, color=BASE, linewidth=1.2, zorder=2)
    right.axhline(0, color=FAINT, linewidth=0.9, zorder=2)
    for axes, values, title in zip((left, right), (figure.accuracy, figure.overfit), figure.titles, strict=True):
        for marker, chosen in (("s", figure.base), ("o", ~figure.base)):
            style = {"marker": marker, "s": 20, "edgecolor": INK, "linewidth": 0.5, "alpha": 0.85, "zorder": 3}
            axes.scatter(figure.cost[chosen], values[chosen], c=_colours(figure)[chosen], **style)
        axes.set_xscale(figure.axis)
        axes.set_xlabel(figure.cost_title)
        axes.set_ylabel(title)
        axes.grid(color=LINES, linewidth=0.8)
        axes.set_axisbelow(True)
        axes.tick_params(length=0, labelsize=8)
        axes.spines[["top", "right"]].set_visible(False)
    return page


def _colours(figure: EfficiencyFigure) -> np.ndarray:
    """The runs on the front are darker."""
    return np.where(figure.front, BASE, PRUNED)


def draw_efficiency_interactive(figure: EfficiencyFigure) -> go.Figure:
    """The same; hovering names the run."""
    page = make_subplots(1, 2, horizontal_spacing=0.1)
    cost, accuracy = figure.stairs
    line = {"color": BASE, "width": 1.5}
    page.add_trace(go.Scatter(x=cost, y=accuracy, mode="lines", line=line, hoverinfo="skip"), row=1, col=1)
    for column, (values, title) in enumerate(
        zip((figure.accuracy, figure.overfit), figure.titles, strict=True), start=1
    ):
        page.add_trace(_dots(figure, values), row=1, col=column)
        page.update_yaxes(title=title, gridcolor=LINES, zerolinecolor=FAINT, zeroline=column == 2, row=1, col=column)
    page.update_xaxes(title=figure.cost_title, type=figure.axis, gridcolor=LINES, zeroline=False)
    margin = {"l": 64, "r": 16, "t": 24, "b": 56}
    return page.update_layout(**PLOTLY_LAYOUT, height=400, margin=margin, showlegend=False)


def _dots(figure: EfficiencyFigure, values: np.ndarray) -> go.Scatter:
    symbols = np.where(figure.base, "square", "circle")
    marker = {"color": _colours(figure), "symbol": symbols, "size": 8, "line": {"color": INK, "width": 0.6}}
    hover = f"%{{customdata}}<br>%{{y:.4g}}<br>{figure.cost_title} %{{x:.4g}}<extra></extra>"
    return go.Scatter(
        x=figure.cost, y=values, mode="markers", marker=marker, customdata=figure.names, hovertemplate=hover
    )
