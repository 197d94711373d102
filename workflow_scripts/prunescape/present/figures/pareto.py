"""Accuracy against each cost of the models on one target: the figure's data, and its two drawings."""

from dataclasses import dataclass
from typing import ClassVar

import matplotlib.figure
import numpy as np
import pandas as pd
import plotly.graph_objects as go
from matplotlib.axes import Axes
from plotly.subplots import make_subplots

from prunescape.analysis.cost.measured import MODEL, with_network
from prunescape.present.figures.figure import Figure, file_name
from prunescape.present.figures.style import ACCENT, FAINT, INK, LINES, PLOTLY_LAYOUT, TINT
from prunescape.present.labels import network_title, shortened, variant_title

# cost -> (factor, title of the axis), in the order of the panels
PANELS = {"latency": (1e3, "latency, ms per run"), "size": (1e-3, "file, kB"), "energy": (1e3, "energy, mJ per image")}
ACCURACY = "top-1 of the exported model, %"
LONGEST, MOST_NAMED = 40, 12  # characters of a name beside a dot, and such names in a panel: more would overlap
WIDE = 20.0  # a cost that spans more than this factor is drawn on a log axis


@dataclass(frozen=True)
class Panel:
    """Accuracy `top1` (n,), percent, against `cost` (n,), in rising order of cost.

    `error` (n,) is the accuracy's standard error, nan where unknown; `base` (n,) marks the unpruned model, `front` (n,)
    the models on the front.
    """

    title: str
    names: list[str]
    cost: np.ndarray
    top1: np.ndarray
    error: np.ndarray
    base: np.ndarray
    front: np.ndarray

    @property
    def axis(self) -> str:
        """The kind of the axis of costs."""
        return "log" if self.cost.max() > WIDE * self.cost.min() > 0 else "linear"

    @property
    def labels(self) -> list[str]:
        """The texts beside the dots: the names of the models on the front, or none where they would overlap."""
        shown = [name for name, front in zip(self.names, self.front, strict=True) if front]
        fits = len(shown) <= MOST_NAMED and all(len(name) <= LONGEST for name in shown)
        return [name if front and fits else "" for name, front in zip(self.names, self.front, strict=True)]

    @property
    def stairs(self) -> tuple[np.ndarray, np.ndarray]:
        """Corners of the staircase under which every other model lies: cost (m,) and accuracy (m,)."""
        cost, top1 = self.cost[self.front], self.top1[self.front]
        return np.repeat(cost, 2)[1:], np.repeat(top1, 2)[:-1]


@dataclass(frozen=True, kw_only=True)
class ParetoFigure(Figure):
    """Accuracy against every cost that is known, for the models of one experiment on one target."""

    kind: ClassVar[str] = "pareto"
    least_width: ClassVar[int] = 640
    target: str
    panels: list[Panel]

    @property
    def title(self) -> str:
        return f"{self.whose}: accuracy against cost on {shortened(self.target)}"

    @property
    def caption(self) -> str:
        return (
            "Every dot is an exported model at its lowest cost over threads and batch sizes; square: the base. Dark "
            "ones on the line are the front: no other model is as accurate and as cheap, and better in one. Bars: "
            "standard error of the accuracy over test images; where they overlap, the order may be chance."
        ) + ("" if all(any(panel.labels) for panel in self.panels) else " The table pareto names the models.")


def pareto_figures(table: pd.DataFrame) -> list[ParetoFigure]:
    """One figure for every experiment and target of `table`, as `pareto.pareto` gives it."""
    figures = []
    for (experiment, target), rows in table.groupby(["experiment", "target"], sort=True):
        panels = [_panel(rows[rows["cost"] == cost], *PANELS[cost]) for cost in PANELS if (rows["cost"] == cost).any()]
        known = {"name": file_name("pareto", experiment, target), "experiment": experiment, "metrics": ["top1"]}
        figures.append(ParetoFigure(**known, seeds=(), target=target, panels=panels))
    return figures


def _panel(rows: pd.DataFrame, factor: float, title: str) -> Panel:
    rows = with_network(rows).sort_values(["value", "top1", *MODEL])
    several = rows["precision"].nunique() > 1
    names = [
        f"{variant_title(row.variant)}{network_title(row.network)}"
        + f" {row.precision}" * several
        + f" rank {row.rank}" * (row.rank > 1)
        for row in rows.itertuples()
    ]
    return Panel(
        title=title,
        names=names,
        cost=factor * rows["value"].to_numpy(dtype="float64"),
        top1=rows["top1"].to_numpy(dtype="float64"),
        error=rows["top1_error"].to_numpy(dtype="float64"),
        base=(rows["variant"] == "base").to_numpy(),
        front=rows["on_front"].to_numpy(dtype=bool),
    )


def draw_pareto_static(figure: ParetoFigure) -> matplotlib.figure.Figure:
    """One panel per cost, accuracy shared; the models on the front are named."""
    page = matplotlib.figure.Figure(figsize=(0.9 + 3.3 * len(figure.panels), 3.6), layout="constrained")
    all_axes = page.subplots(1, len(figure.panels), sharey=True, squeeze=False)[0]
    for axes, panel in zip(all_axes, figure.panels, strict=True):
        _draw_panel(axes, panel)
    all_axes[0].set_ylabel(ACCURACY)
    return page


def _draw_panel(axes: Axes, panel: Panel) -> None:
    axes.plot(*panel.stairs, color=ACCENT, linewidth=1.2, zorder=2)
    bars = {"yerr": np.nan_to_num(panel.error), "fmt": "none", "ecolor": FAINT, "elinewidth": 0.9, "capsize": 2}
    axes.errorbar(panel.cost, panel.top1, **bars)
    for marker, chosen in (("s", panel.base), ("o", ~panel.base)):
        colours = np.where(panel.front, ACCENT, TINT)[chosen]
        style = {"marker": marker, "s": 42, "edgecolor": INK, "linewidth": 0.8, "zorder": 3}
        axes.scatter(panel.cost[chosen], panel.top1[chosen], c=colours, **style)
    for label, *place in zip(panel.labels, panel.cost, panel.top1, strict=True):
        if label:
            axes.annotate(label, place, (6, -9), textcoords="offset points", fontsize=7.5, color=INK)
    axes.set_xscale(panel.axis)
    axes.margins(x=0.16, y=0.12)
    axes.set_xlabel(panel.title)
    axes.grid(color=LINES, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.tick_params(length=0, labelsize=9)
    axes.spines[["top", "right"]].set_visible(False)


def draw_pareto_interactive(figure: ParetoFigure) -> go.Figure:
    """One panel per cost, accuracy shared; hovering shows the model."""
    page = make_subplots(1, len(figure.panels), shared_yaxes=True, horizontal_spacing=0.05)
    for column, panel in enumerate(figure.panels, start=1):
        cost, top1 = panel.stairs
        stairs = go.Scatter(x=cost, y=top1, mode="lines", line={"color": ACCENT, "width": 1.5}, hoverinfo="skip")
        page.add_traces([stairs, _dots(panel)], rows=1, cols=column)
        page.update_xaxes(title=panel.title, type=panel.axis, gridcolor=LINES, zeroline=False, col=column)
    page.update_yaxes(gridcolor=LINES, zeroline=False)
    page.update_yaxes(title=ACCURACY, col=1)
    margin = {"l": 64, "r": 16, "t": 24, "b": 56}
    return page.update_layout(**PLOTLY_LAYOUT, height=400, margin=margin, showlegend=False)


def _dots(panel: Panel) -> go.Scatter:
    hover = f"%{{customdata[0]}}: %{{y:.2f}} %<br>{panel.title} %{{x:.4g}}<br>%{{customdata[1]}}<extra></extra>"
    status = np.where(panel.front, "on the front", "another model is as good in both and better in one")
    marker = {"color": np.where(panel.front, ACCENT, TINT), "symbol": np.where(panel.base, "square", "circle")}
    return go.Scatter(
        x=panel.cost,
        y=panel.top1,
        mode="markers+text",
        text=panel.labels,
        textposition="top center",
        textfont={"size": 10},
        error_y={"type": "data", "array": np.nan_to_num(panel.error), "color": FAINT, "thickness": 1, "width": 3},
        marker={**marker, "size": 10, "line": {"color": INK, "width": 0.8}},
        customdata=np.column_stack([panel.names, status]),
        hovertemplate=hover,
        cliponaxis=False,
    )
