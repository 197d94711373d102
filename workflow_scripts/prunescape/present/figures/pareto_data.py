"""What a front's figure shows, before anything is drawn: accuracy against each cost on one target."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd

from prunescape.present.figures.captions import file_name
from prunescape.present.labels import variant_title

# cost -> (factor, title of the axis), in the order of the panels
PANELS = {
    "latency": (1e3, "latency, ms per run"),
    "size": (1e-3, "file, kB"),
    "energy": (1e3, "energy, mJ per image"),
}
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
    def logarithmic(self) -> bool:
        return bool(self.cost.max() > WIDE * self.cost.min() > 0)

    @property
    def stairs(self) -> tuple[np.ndarray, np.ndarray]:
        """Corners of the staircase under which every other model lies: cost (m,) and accuracy (m,)."""
        cost, top1 = self.cost[self.front], self.top1[self.front]
        return np.repeat(cost, 2)[1:], np.repeat(top1, 2)[:-1]


@dataclass(frozen=True)
class ParetoFigure:
    """Accuracy against every cost that is known, for the models of one experiment on one target."""

    kind: ClassVar[str] = "pareto"
    metrics: ClassVar[list[str]] = ["top1"]
    seeds: ClassVar[tuple[int, ...]] = ()
    least_width: ClassVar[int] = 640
    name: str
    experiment: str
    target: str
    panels: list[Panel]

    @property
    def title(self) -> str:
        return f"{self.experiment}: accuracy against cost on {self.target}"

    @property
    def caption(self) -> str:
        return (
            "Every dot is an exported model at its lowest cost over threads and batch sizes; square: the base. Dark "
            "ones on the line are the front: no other model is as accurate and as cheap, and better in one. Bars: "
            "standard error of the accuracy over test images; where they overlap, the order may be chance."
        )


def pareto_figures(table: pd.DataFrame) -> list[ParetoFigure]:
    """One figure for every experiment and target of `table`, as `pareto.pareto` gives it."""
    figures = []
    for (experiment, target), rows in table.groupby(["experiment", "target"], sort=True):
        panels = [_panel(rows[rows["cost"] == cost], *PANELS[cost]) for cost in PANELS if (rows["cost"] == cost).any()]
        name = file_name("pareto", experiment, target)
        figures.append(ParetoFigure(name=name, experiment=experiment, target=target, panels=panels))
    return figures


def _panel(rows: pd.DataFrame, factor: float, title: str) -> Panel:
    rows = rows.sort_values(["value", "top1", "variant", "rank", "precision"])
    several = rows["precision"].nunique() > 1
    names = [
        variant_title(row.variant)
        + (f" {row.precision}" if several else "")
        + (f" rank {row.rank}" if row.rank > 1 else "")
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
