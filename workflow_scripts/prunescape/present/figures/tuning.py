"""A search that was trained: its trials on each rung, the best so far against what was spent, what rungs cost."""

from dataclasses import dataclass
from typing import Any, ClassVar

import matplotlib.figure
import numpy as np
import pandas as pd
import plotly.graph_objects as go
from matplotlib.axes import Axes
from plotly.subplots import make_subplots

from prunescape.present.figures.figure import Figure, file_name
from prunescape.present.figures.style import INK, LINES, PLOTLY_LAYOUT, PLOTLY_LEGEND, open_axes, variant_colour
from prunescape.present.labels import variant_title

PASSES, SPENT, TOP1 = "passes of the training data on a rung", "passes by all trials so far", "validation top-1, %"
BARS = "passes by all trials"
TITLES = ("Trials, rung by rung", "The best so far", "What each rung costs")


@dataclass(frozen=True)
class Path:
    """One trial: the budget (k,) of each rung that it reached, and its validation accuracy there, percent."""

    variant: str
    trial: int
    passes: np.ndarray
    top1: np.ndarray
    winner: bool


@dataclass(frozen=True, kw_only=True)
class TuningFigure(Figure):
    """The paths of trials; what was `spent` (r,) after each round and the `best` accuracy by then; each rung's cost.

    `rungs` are (passes of one training, trials, passes by all of them).
    """

    kind: ClassVar[str] = "tuning"
    least_width: ClassVar[int] = 860
    paths: list[Path]
    spent: np.ndarray
    best: np.ndarray
    rungs: list[tuple[float, int, float]]

    @property
    def title(self) -> str:
        return f"{self.whose}: a search with budgets"

    @property
    def caption(self) -> str:
        return (
            "Left: each line is a trial, from rung to rung as far as it was promoted; the winner is thick. Middle: the "
            "highest validation accuracy of any trial after each round, at whatever budget. Right: what each rung's "
            "trainings took together; the number of its trials stands above."
        )


def tuning_figures(trials: pd.DataFrame) -> list[TuningFigure]:
    """One figure per experiment from the table `tuning_trials`."""
    return [_figure(str(name), rows) for name, rows in trials.groupby("experiment", sort=True)]


def _figure(experiment: str, rows: pd.DataFrame) -> TuningFigure:
    rounds = rows.groupby("round", sort=True).agg(spent=("spent", "sum"), best=("val_top1", "max"))
    rungs = rows.groupby(["passes"], sort=True).agg(trials=("trial", "size"), spent=("spent", "sum"))
    return TuningFigure(
        name=file_name("tuning", experiment),
        experiment=experiment,
        metrics=["top1"],
        seeds=(),
        paths=[_path(own) for _, own in rows.sort_values("rung").groupby(["bracket", "trial"], sort=True)],
        spent=rounds["spent"].cumsum().to_numpy(),
        best=rounds["best"].cummax().to_numpy(),
        rungs=[(float(passes), int(row.trials), float(row.spent)) for passes, row in rungs.iterrows()],
    )


def _path(rows: pd.DataFrame) -> Path:
    variant, trial = rows["variant"].iloc[0], int(rows["trial"].iloc[0])
    return Path(variant, trial, rows["passes"].to_numpy(), rows["val_top1"].to_numpy(), bool(rows["winner"].any()))


def draw_tuning_static(figure: TuningFigure) -> matplotlib.figure.Figure:
    """Three panels in a row."""
    page = matplotlib.figure.Figure(figsize=(7.2, 2.8), layout="constrained")
    panels = page.subplots(1, 3)
    named: set[str] = set()
    for path in figure.paths:
        label = None if path.variant in named else variant_title(path.variant)
        named.add(path.variant)
        colour, wide = variant_colour(path.variant), 2.2 if path.winner else 0.8
        style: dict[str, Any] = {"color": colour, "linewidth": wide, "marker": "o", "markersize": 2.5, "label": label}
        panels[0].plot(path.passes, path.top1, **style, zorder=3 if path.winner else 2)
    panels[1].step(figure.spent, figure.best, where="post", color=INK, marker="o", markersize=3)
    places = np.arange(len(figure.rungs))
    panels[2].bar(places, [spent for _, _, spent in figure.rungs], color=INK, width=0.6)
    for place, (_, trials, spent) in zip(places, figure.rungs, strict=True):
        panels[2].annotate(str(trials), (place, spent), (0, 2), textcoords="offset points", ha="center", fontsize=7)
    panels[2].set_xticks(places, [f"{passes:g}" for passes, _, _ in figure.rungs])
    for axes, title, x, y in zip(panels, TITLES, (PASSES, SPENT, PASSES), (TOP1, TOP1, BARS), strict=True):
        _finish(axes, title, x, y)
    page.legend(loc="outside lower center", ncols=6, frameon=False, fontsize=8)
    return page


def _finish(axes: Axes, title: str, x: str, y: str) -> None:
    axes.set_title(title, fontsize=9)
    axes.set_xlabel(x, fontsize=7)
    axes.set_ylabel(y, fontsize=8)
    axes.tick_params(labelsize=7)
    open_axes(axes, "y")


def draw_tuning_interactive(figure: TuningFigure) -> go.Figure:
    """The same; hovering names the trial."""
    page = make_subplots(1, 3, subplot_titles=TITLES, horizontal_spacing=0.09)
    named: set[str] = set()
    for path in figure.paths:
        shown = path.variant not in named
        named.add(path.variant)
        page.add_trace(_line(path, shown=shown), row=1, col=1)
    best = {"mode": "lines+markers", "line": {"color": INK, "shape": "hv"}, "showlegend": False}
    hover = "%{x:.4g} passes<br>best %{y:.2f} %<extra></extra>"
    page.add_trace(go.Scatter(x=figure.spent, y=figure.best, hovertemplate=hover, **best), row=1, col=2)
    labels = [f"{passes:g}" for passes, _, _ in figure.rungs]
    counts = [str(trials) for _, trials, _ in figure.rungs]
    spent = [spent for _, _, spent in figure.rungs]
    hover = "%{text} trials of %{x} passes<br>%{y:.4g} passes in all<extra></extra>"
    bars = {"text": counts, "textposition": "outside", "marker_color": INK, "showlegend": False, "cliponaxis": False}
    page.add_trace(go.Bar(x=labels, y=spent, hovertemplate=hover, **bars), row=1, col=3)
    for column, (x, y) in enumerate(((PASSES, TOP1), (SPENT, TOP1), (PASSES, BARS)), start=1):
        page.update_xaxes(title={"text": x, "font": {"size": 11}}, gridcolor=LINES, zeroline=False, row=1, col=column)
        page.update_yaxes(title={"text": y, "font": {"size": 11}}, gridcolor=LINES, zeroline=False, row=1, col=column)
    page.update_xaxes(type="category", row=1, col=3)
    margin = {"l": 64, "r": 16, "t": 40, "b": 96}
    return page.update_layout(**PLOTLY_LAYOUT, height=400, margin=margin, legend={**PLOTLY_LEGEND, "y": -0.24})


def _line(path: Path, *, shown: bool) -> go.Scatter:
    colour, title = variant_colour(path.variant), variant_title(path.variant)
    return go.Scatter(
        x=path.passes,
        y=path.top1,
        mode="lines+markers",
        line={"color": colour, "width": 4 if path.winner else 1},
        marker={"color": colour, "size": 6 if path.winner else 4},
        name=title,
        legendgroup=path.variant,
        showlegend=shown,
        hovertemplate=f"trial {path.trial}, {title}<br>%{{x:.4g}} passes<br>%{{y:.2f}} %<extra></extra>",
    )
