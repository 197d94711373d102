"""What a figure of accuracy against cost shows, before anything is drawn: the models of one target, with intervals."""

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
import pandas as pd

from prunescape.analysis.cost.comparisons import median_interval
from prunescape.analysis.cost.measured import MODEL, PLACE, SETTING, STANDARD, with_network
from prunescape.analysis.read_cells import variant_order
from prunescape.present.figures.figure import Figure, file_name
from prunescape.present.labels import joined, network_title, shortened, variant_title
from prunescape.present.numbers import span

# cost -> (factor, title of the axis, whether latencies tell its interval), in the order of the panels
PANELS = {
    "latency": (1e3, "latency, ms per run", True),
    "time per image": (1e6, "time, µs per image", True),
    "size": (1e-3, "file, kB", False),
    "energy": (1e3, "energy, mJ per image", False),
}
ACCURACY = "top-1 of the exported model, %"
LONGEST, MOST_NAMED = 40, 24  # characters of a name beside a mark, and names in a panel: more would overlap
WIDE = 20.0  # a cost that spans more than this factor is drawn on a log axis


@dataclass(frozen=True)
class Panel:
    """Accuracy `top1` (n,), percent, against `cost` (n,), in rising order of cost.

    `top1_low`, `top1_high`, `cost_low` and `cost_high` (n,) are the ends of 95 % intervals, nan where unknown; `front`
    (n,) marks the models on the front.
    """

    title: str
    names: list[str]
    variants: list[str]
    cost: np.ndarray
    cost_low: np.ndarray
    cost_high: np.ndarray
    top1: np.ndarray
    top1_low: np.ndarray
    top1_high: np.ndarray
    front: np.ndarray

    @property
    def axis(self) -> str:
        """The kind of the axis of costs."""
        return "log" if self.cost.max() > WIDE * self.cost.min() > 0 else "linear"

    @property
    def labels(self) -> list[str]:
        """The texts beside the marks: all names; of too many those on the front; none where these are too many, too."""
        for shown in ([True] * len(self.names), self.front.tolist()):
            chosen = [name for name, one in zip(self.names, shown, strict=True) if one]
            if len(chosen) <= MOST_NAMED and all(len(name) <= LONGEST for name in chosen):
                return [name if one else "" for name, one in zip(self.names, shown, strict=True)]
        return [""] * len(self.names)

    @property
    def of_variants(self) -> dict[str, np.ndarray]:
        """(n,) which models are of each variant, in the order of variants."""
        names = np.array(self.variants, dtype=object)
        return {name: names == name for name in sorted(set(self.variants), key=variant_order)}

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
    changes: dict[str, tuple[float, float]] = field(default_factory=dict)
    """By precision, between which ends top-1 changes against fp32, percentage points."""

    @property
    def title(self) -> str:
        return f"{self.whose}: accuracy against cost on {shortened(self.target)}"

    @property
    def caption(self) -> str:
        timed = any(np.isfinite(panel.cost_low).any() for panel in self.panels)
        bars = (
            "Bars: 95 % intervals, of the accuracy over test images"
            + ", of the median latency over blocks of repeats" * timed
        )
        named = "" if all(any(panel.labels) for panel in self.panels) else " The table pareto names the models."
        return (
            "Every mark is an exported model at its lowest cost over threads and batch sizes. On the line lies the "
            f"front: no other model is as accurate and as cheap, and better in one. {bars}; where they overlap, the "
            f"order may be chance.{self._of_precisions}{named}"
        )

    @property
    def _of_precisions(self) -> str:
        """What each precision changes, as a sentence; empty where all models are fp32."""
        parts = [f"by {span(*ends)} points in {precision}" for precision, ends in self.changes.items()]
        return f" Against fp32, top-1 changes {joined(parts)}." if parts else ""


def pareto_figures(table: pd.DataFrame, measured: pd.DataFrame | None = None) -> list[ParetoFigure]:
    """One figure for every experiment and target of `table`, as `pareto.pareto` gives it.

    `measured`, rows of benchmarks with their samples, tells the intervals of latencies.
    """
    figures = []
    table = _with_intervals(with_network(table), measured)
    for (experiment, target), rows in table.groupby(["experiment", "target"], sort=True):
        panels = [_panel(rows[rows["cost"] == cost], *PANELS[cost]) for cost in _shown(rows)]
        known = {"name": file_name("pareto", experiment, target), "experiment": experiment, "metrics": ["top1"]}
        figures.append(ParetoFigure(**known, seeds=(), target=target, panels=panels, changes=_changes(rows)))
    return figures


def _changes(rows: pd.DataFrame) -> dict[str, tuple[float, float]]:
    """What each precision but fp32 changes, as `ParetoFigure` has it."""
    known = rows[(rows["precision"] != STANDARD) & rows["top1_change"].notna()]
    return {name: (part.min(), part.max()) for name, part in known.groupby("precision", sort=True)["top1_change"]}


def _shown(rows: pd.DataFrame) -> list[str]:
    """The costs that are known; the time per image only where it is not the latency again."""
    batched = (rows.loc[rows["cost"] == "time per image", "batch"] > 1).any()
    return [cost for cost in PANELS if (rows["cost"] == cost).any() and (cost != "time per image" or batched)]


def _with_intervals(table: pd.DataFrame, measured: pd.DataFrame | None) -> pd.DataFrame:
    """`table` with `relative_low` and `relative_high`: the interval of each row's median latency ÷ that median."""
    if measured is None:
        return table.assign(relative_low=np.nan, relative_high=np.nan)
    keys = [*PLACE, *SETTING]
    known = with_network(measured)
    known = known.assign(flush_to_zero=known.get("flush_to_zero", False)).astype({"flush_to_zero": bool})
    ends = [median_interval(samples) / np.median(samples) for samples in known["samples"]]
    low, high = np.array(ends).reshape(-1, 2).T
    return table.merge(known[keys].assign(relative_low=low, relative_high=high), on=keys, how="left", validate="m:1")


def _panel(rows: pd.DataFrame, factor: float, title: str, timed: bool) -> Panel:
    rows = rows.sort_values(["value", "top1", *MODEL])
    several = rows["precision"].nunique() > 1
    names = [
        f"{variant_title(row.variant)}{network_title(row.network)}"
        + f" {row.precision}" * several
        + f" rank {row.rank}" * (row.rank > 1)
        for row in rows.itertuples()
    ]
    cost, top1 = factor * rows["value"].to_numpy(dtype="float64"), rows["top1"].to_numpy(dtype="float64")
    ends = ("relative_low", "relative_high")
    low, high = (rows[name].to_numpy(dtype="float64") if timed else np.nan for name in ends)
    return Panel(
        title=title,
        names=names,
        variants=rows["variant"].tolist(),
        cost=cost,
        cost_low=cost * low,
        cost_high=cost * high,
        top1=top1,
        top1_low=rows["top1_low"].to_numpy(dtype="float64"),
        top1_high=rows["top1_high"].to_numpy(dtype="float64"),
        front=rows["on_front"].to_numpy(dtype=bool),
    )
