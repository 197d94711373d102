"""Accuracy and loss of every run after every epoch in one picture, as Figure 1 of burmester2023: data and drawings."""

from dataclasses import dataclass
from typing import ClassVar

import matplotlib.figure
import numpy as np
import pandas as pd
import plotly.graph_objects as go
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.ticker import MaxNLocator
from plotly.subplots import make_subplots

from prunescape.present.figures.figure import Figure, file_name
from prunescape.present.figures.style import COLOUR_SCALE, DOUBLE, LINES, PLOTLY_LAYOUT, PLOTLY_LEGEND, open_axes

PANELS = {
    "train_top1": "training accuracy, %",
    "test_top1": "test accuracy, %",
    "train_loss": "training loss",
    "test_loss": "test loss",
}
RUN = ["variant", "setting", "seed"]
FEW = 12  # epochs that are all named at the axis
BANDS = 5  # shades of final accuracy
MOST_RUNS = 300
WIDE = 20.0  # a loss that spans more than this factor is drawn on a log axis


@dataclass(frozen=True)
class Band:
    """Runs of alike final test accuracy, from `low` to `high` percent, each (epochs, 4) in the order of PANELS."""

    low: float
    high: float
    names: list[str]
    runs: list[np.ndarray]
    colour: str

    @property
    def label(self) -> str:
        return f"{self.low:.1f} to {self.high:.1f} %"

    def line(self, panel: int) -> tuple[np.ndarray, np.ndarray, list[str]]:
        """All runs as one line with gaps: epochs, values, and each run's name at its end, for a page of many runs."""
        gap = [np.nan]
        epochs = np.concatenate([[*range(1, len(run) + 1), *gap] for run in self.runs])
        values = np.concatenate([[*run[:, panel], *gap] for run in self.runs])
        names = [text for name, run in zip(self.names, self.runs, strict=True) for text in _at_end(name, len(run))]
        return epochs, values, names


@dataclass(frozen=True, kw_only=True)
class CurvesFigure(Figure):
    """The runs in bands of final accuracy, the worst first; of `trained` runs a part may be shown."""

    kind: ClassVar[str] = "curves"
    least_width: ClassVar[int] = 760
    bands: list[Band]
    trained: int

    @property
    def shown(self) -> int:
        return sum(len(band.runs) for band in self.bands)

    @property
    def title(self) -> str:
        return f"{self.whose}: accuracy and loss of all runs"

    @property
    def caption(self) -> str:
        part = f" Of {self.trained} runs, {self.shown} are drawn, evenly over final accuracy."
        return (
            "Each line is a run, coloured by its test accuracy after the last epoch. Training accuracy and loss are "
            "over the epoch's augmented batches in training mode. A line ends where its loss is no longer finite."
            + part
            * (self.shown < self.trained)
        )

    @property
    def epochs(self) -> int:
        """Of the longest run."""
        return max(len(run) for band in self.bands for run in band.runs)

    def scale(self, panel: int) -> str:
        """The kind of a panel's axis: log for losses that spread wide."""
        values = np.concatenate([run[:, panel] for band in self.bands for run in band.runs])
        known = values[np.isfinite(values)]
        return "log" if panel > 1 and len(known) and known.max() > WIDE * known.min() > 0 else "linear"


def curves_figure(curves: pd.DataFrame, experiment: str) -> CurvesFigure:
    """The figure of ONE experiment's epochs, as curves.parquet has them."""
    runs = [
        (", ".join(map(str, key)), rows.sort_values("epoch")[list(PANELS)].to_numpy(dtype="float64"))
        for key, rows in curves.groupby(RUN, sort=True)
    ]
    final = np.array([np.nan_to_num(run[-1, 1], nan=0.0) for _, run in runs])  # diverged: the worst
    order = np.argsort(final, kind="stable")
    chosen = order[np.unique(np.linspace(0, len(order) - 1, min(len(order), MOST_RUNS)).round().astype(int))]
    parts = [part for part in np.array_split(chosen, BANDS) if len(part)]
    shades = colormaps[COLOUR_SCALE](np.linspace(0.0, 0.9, len(parts)))
    bands = [
        Band(
            final[part].min(),
            final[part].max(),
            [runs[at][0] for at in part],
            [runs[at][1] for at in part],
            to_hex(shade),
        )
        for part, shade in zip(parts, shades, strict=True)
    ]
    seeds = tuple(int(seed) for seed in sorted(curves["seed"].unique()))
    known = {"name": file_name("curves", experiment), "experiment": experiment, "metrics": ["top1"], "seeds": seeds}
    return CurvesFigure(**known, bands=bands, trained=len(runs))


def _at_end(name: str, epochs: int) -> list[str]:
    return [*[""] * (epochs - 1), f"{name}<br>", ""]


def draw_curves_static(figure: CurvesFigure) -> matplotlib.figure.Figure:
    """Accuracy above, loss below; training left, test right."""
    page = matplotlib.figure.Figure(figsize=(DOUBLE, 4.6), layout="constrained")
    for panel, (axes, title) in enumerate(zip(page.subplots(2, 2).ravel(), PANELS.values(), strict=True)):
        _draw_panel(axes, figure, panel, title)
    handles, labels = page.axes[0].get_legend_handles_labels()
    page.legend(handles, labels, title="final test accuracy", loc="outside lower center", ncols=BANDS)
    return page


def _draw_panel(axes: Axes, figure: CurvesFigure, panel: int, title: str) -> None:
    for band in figure.bands:
        epochs, values, _ = band.line(panel)
        style = {"linewidth": 0.6, "alpha": 0.7, "marker": "o" if figure.epochs == 1 else None, "markersize": 2}
        axes.plot(epochs, values, color=band.colour, label=band.label, **style)
    axes.set_yscale(figure.scale(panel))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_ylabel(title)
    if panel > 1:
        axes.set_xlabel("epoch")
    open_axes(axes, "both")


def draw_curves_interactive(figure: CurvesFigure) -> go.Figure:
    """The same; hovering over a line's end names the run."""
    page = make_subplots(2, 2, shared_xaxes=True, horizontal_spacing=0.09, vertical_spacing=0.06)
    for panel, title in enumerate(PANELS.values()):
        place = {"row": panel // 2 + 1, "col": panel % 2 + 1}
        for band in figure.bands:
            epochs, values, names = band.line(panel)
            line = {"color": band.colour, "width": 1}
            hover = {"customdata": names, "hovertemplate": "%{customdata}epoch %{x}: %{y:.4g}<extra></extra>"}
            shown = {"name": band.label, "legendgroup": band.label, "showlegend": panel == 0}
            page.add_trace(
                go.Scatter(x=epochs, y=values, mode="lines", line=line, opacity=0.75, **hover, **shown), **place
            )
        page.update_yaxes(title=title, type=figure.scale(panel), **place)
    page.update_xaxes(gridcolor=LINES, zeroline=False, dtick=1 if figure.epochs <= FEW else None)
    page.update_xaxes(title="epoch", row=2)
    page.update_yaxes(gridcolor=LINES, zeroline=False)
    legend = {**PLOTLY_LEGEND, "y": -0.1, "title": {"text": "final test accuracy"}}
    margin = {"l": 64, "r": 16, "t": 24, "b": 96}
    return page.update_layout(**PLOTLY_LAYOUT, height=620, margin=margin, legend=legend)
