"""What a figure of looks shows, before anything is drawn: the bounds of each variant's tuning gain at every look."""

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd

from prunescape.analysis.read_cells import variant_order
from prunescape.analysis.verdict.evidence import INCONCLUSIVE, KEEP, RETUNE
from prunescape.config.noises import ASSUMED
from prunescape.present.figures.figure import Figure, file_name
from prunescape.present.labels import joined, variant_title
from prunescape.present.numbers import counted, number, short, span

SEEDS, GAIN = "fresh seeds per open point", "tuning gain, points (dashed: the margin)"
DECIDED_BY = {KEEP: ("upper",), RETUNE: ("lower",), INCONCLUSIVE: ("lower", "upper")}
PER_ROW = 4  # panels
MOST_TICKS = 6


@dataclass(frozen=True)
class LookPanel:
    """One variant: at each of its looks (n,) the fresh `seeds` of an open point, R_v's bounds, and the `open` points.

    `lower` and `upper` are percentage points at the level of a claim about one variant, nan where nothing bounds the
    gain. `verdict` is that of the last look.
    """

    variant: str
    seeds: np.ndarray
    lower: np.ndarray
    upper: np.ndarray
    open: np.ndarray
    verdict: str

    @property
    def texts(self) -> list[str]:
        """What each look (n,) showed, for who points at its bar."""
        looks = zip(self.seeds, self.lower, self.upper, self.open, strict=True)
        texts = [
            f"{counted(seeds, 'fresh seed')}: {_bounds(low, high)}; {counted(left, 'open point')}"
            for seeds, low, high, left in looks
        ]
        return [*texts[:-1], f"{texts[-1]}; {self.verdict}"]


@dataclass(frozen=True, kw_only=True)
class LooksFigure(Figure):
    """The bounds of every variant's tuning gain R_v at each look of a sequential verdict, in top-1.

    `planned` are the looks of the design, `limits` the ends of the axis, `without` the variants that had no look.
    """

    kind: ClassVar[str] = "looks"
    panels: list[LookPanel]
    planned: tuple[int, ...]
    limits: tuple[float, float]
    margin: float
    alpha: float
    claims: int
    noise: str
    without: tuple[str, ...] = ()

    @property
    def columns(self) -> int:
        """Panels beside each other."""
        return min(len(self.panels), PER_ROW)

    @property
    def rows(self) -> int:
        """Rows of panels."""
        return math.ceil(len(self.panels) / PER_ROW)

    @property
    def least_width(self) -> int:
        return 100 + 170 * max(self.columns, 2)

    @property
    def range_x(self) -> tuple[float, float]:
        """The ends of the axis of seeds, with room for words."""
        return self.planned[0] - 1.6 * self.width, self.planned[-1] + 1.6 * self.width

    @property
    def range_y(self) -> tuple[float, float]:
        """The ends of the axis of gains, with room for triangles below and above, and words above."""
        low, high = self.limits
        return low - 0.07 * (high - low), high + 0.16 * (high - low)

    @property
    def height_of_words(self) -> float:
        """Where verdicts stand: above all bars, over that of the last look."""
        low, high = self.limits
        return high + 0.09 * (high - low)

    @property
    def ticks(self) -> list[int]:
        """The looks that the axis names: all, or every second, third, ... from the last one back."""
        return list(self.planned[:: -math.ceil(len(self.planned) / MOST_TICKS)][::-1])

    @property
    def width(self) -> float:
        """The width of a bar, in seeds: a part of the shortest way between two looks."""
        return 0.45 * float(np.diff(self.planned).min())

    def ends(self, panel: LookPanel) -> tuple[np.ndarray, np.ndarray]:
        """The lower and the upper end (n,) of each bar, on the axis; one without a bound ends with the axis."""
        bounds = zip((panel.lower, panel.upper), self.limits, strict=True)
        low, high = (np.clip(np.where(np.isnan(bound), end, bound), *self.limits) for bound, end in bounds)
        return low, high

    def beyond(self, panel: LookPanel) -> tuple[np.ndarray, np.ndarray]:
        """Whether the lower and the upper bound (n,) lie beyond the axis, or are none."""
        low, high = self.limits
        return ~(panel.lower >= low), ~(panel.upper <= high)

    @property
    def title(self) -> str:
        return f"{self.whose}: bounds of the tuning gain from look to look, {self.metric_titles}"

    @property
    def caption(self) -> str:
        beyond = any(part.any() for panel in self.panels for part in self.beyond(panel))
        names = joined([variant_title(name) for name in self.without])
        shared = f" divided by the study's {self.claims} pruned variants" * (self.claims > 1)
        return (
            "One panel per pruned variant. Each bar runs from the lower to the upper bound of what tuning could "
            "gain over the base's good settings, as known at that look; the last look is darker, and the word is its "
            f"verdict. Keep: the upper bound is under the margin, {short(self.margin)} points (dashed); retune: the "
            "lower bound is over it; inconclusive: neither, after the last look, or because more seeds would hardly "
            "decide it, or are not trained yet. Bounds are at the level of a claim about one variant: over all looks "
            f"together, each fails with a chance of {short(round(100 * self.alpha / self.claims, 4))} % at most, the "
            f"error rate of {short(100 * self.alpha)} %{shared}. Standard errors come from {ASSUMED[self.noise]}."
            f"{' A bar that ends in a triangle goes on beyond the axis, or has no bound there.' * beyond}"
            f"{f' No look was taken at {names}.' * bool(names)}"
        )


def _bounds(low: float, high: float) -> str:
    """`−0.40 to 0.40 points`, or the one bound that there is."""
    if np.isnan(low):
        return "not bounded" if np.isnan(high) else f"at most {number(high)} points"
    return f"at least {number(low)} points" if np.isnan(high) else f"{span(low, high)} points"


def looks_figures(verdicts: pd.DataFrame, looks: pd.DataFrame) -> list[LooksFigure]:
    """A figure for each experiment whose design looks more than once, from the result tables of these names."""
    several = verdicts["looks"].astype("string").str.contains(" ", regex=False, na=False).astype(bool)
    figures = []
    for name, rows in verdicts[several & (verdicts["metric"] == "top1")].groupby("experiment", sort=True):
        taken = looks[(looks["experiment"] == name) & (looks["metric"] == "top1")]
        if len(taken):
            figures.append(_figure(rows, taken))
    return figures


def _figure(verdicts: pd.DataFrame, looks: pd.DataFrame) -> LooksFigure:
    first = verdicts.iloc[0]
    panels = [_panel(rows) for _, rows in sorted(looks.groupby("variant"), key=lambda item: variant_order(item[0]))]
    without = set(verdicts["variant"]) - {panel.variant for panel in panels}
    return LooksFigure(
        name=file_name("looks", first["experiment"], "top1"),
        experiment=first["experiment"],
        metrics=["top1"],
        seeds=(),
        panels=panels,
        planned=tuple(map(int, first["looks"].split())),
        limits=_limits(panels, first["margin"]),
        margin=float(first["margin"]),
        alpha=float(first["alpha"]),
        claims=int(first["claims"]),
        noise=first["noise"],
        without=tuple(sorted(without, key=variant_order)),
    )


def _panel(rows: pd.DataFrame) -> LookPanel:
    rows = rows.sort_values("look")
    lower, upper = (rows[f"{name}_bonferroni"].to_numpy(float) for name in ("lower", "upper"))
    seeds, left, verdicts = (rows[name].to_numpy() for name in ("seeds", "open_bonferroni", "verdict_bonferroni"))
    return LookPanel(rows["variant"].iloc[0], seeds, lower, upper, left, verdicts[-1])


def _limits(panels: list[LookPanel], margin: float) -> tuple[float, float]:
    """Around 0, the margin and the bounds that decided, and as much again to both sides where bounds reach so far.

    The first bounds are often so wide that on their axis the last ones would look like points.
    """
    decided = [getattr(panel, name)[-1] for panel in panels for name in DECIDED_BY[panel.verdict]]
    low, high = np.nanmin([0.0, margin, *decided]), np.nanmax([0.0, margin, *decided])
    lowest = min(low, *(np.nan_to_num(panel.lower, nan=-np.inf).min() for panel in panels))
    highest = max(high, *(np.nan_to_num(panel.upper, nan=np.inf).max() for panel in panels))
    return float(max(lowest, 2 * low - high)), float(min(highest, 2 * high - low))
