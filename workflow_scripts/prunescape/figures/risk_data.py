"""What a risk figure shows, before anything is drawn: one box of risks per variant. Needs numpy and pandas."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from prunescape.figures.style import METRIC_TITLES, file_name
from prunescape.landscape.table import variant_order

if TYPE_CHECKING:
    import pandas as pd

BOX_LEAST = 5


@dataclass(frozen=True)
class Box:
    """One variant: its risks, (n,), their settings, and the box: quartiles, whiskers (furthest risk within 1.5 times

    the box's height) and mean, all in the unit of `values`.
    """

    variant: str
    values: np.ndarray
    log10_wd: np.ndarray
    log10_lr: np.ndarray
    diverged: np.ndarray
    low: float
    q1: float
    median: float
    q3: float
    high: float
    mean: float

    @property
    def is_drawn(self) -> bool:
        """Quartiles of fewer than 5 values suggest more than there is: only the values and their mean are shown."""
        return len(self.values) >= BOX_LEAST


@dataclass(frozen=True)
class RiskFigure:
    """The risk of every variant of an experiment in one metric and seed: `absolute` in points, `relative` in percent.

    `limits` are the ends of the two axes: a few cells far out (diverged, say) must not flatten every box.
    """

    name: str
    experiment: str
    metric: str
    seed: int
    absolute: list[Box]
    relative: list[Box]
    limits: tuple[float, float]

    @property
    def title(self) -> str:
        return f"{self.experiment}: what the base's good settings lose, {METRIC_TITLES[self.metric]}, seed {self.seed}"

    @property
    def caption(self) -> str:
        boxes = "box: quartiles and median; whiskers: the furthest value within 1.5 box heights"
        few = f"no boxes: there are fewer than {BOX_LEAST} dots"
        drawn = boxes if any(box.is_drawn for box in self.absolute) else few
        axes = zip((self.absolute, self.relative), self.limits, strict=True)
        beyond = any((box.values > limit).any() for boxes, limit in axes for box in boxes)
        return (
            "Every dot is a setting within 0.5 points of the base's best cell, used for the variant named below it. "
            "Left: how far it stays under that variant's own best cell, in points; right: the same as a share of that "
            f"best. Diamond: mean; {drawn}. The base is darker." + (" Triangles lie beyond the axis." if beyond else "")
        )


def risk_figure(points: pd.DataFrame) -> RiskFigure:
    """The figure of `points`, the rows of `risk.risk_points` of ONE experiment, metric and seed.

    Box plots of absolute and relative risk as in matthiesen2023, Figure 4.5.
    """
    first = points.iloc[0]
    variants = sorted(points.groupby("variant"), key=lambda item: variant_order(item[0]))
    absolute = [_box(rows, rows["d"]) for _, rows in variants]
    relative = [_box(rows, 100 * rows["d_rel"].fillna(0)) for _, rows in variants]
    return RiskFigure(
        name=file_name("risk", first.experiment, first.metric, f"seed{first.seed}"),
        experiment=first.experiment,
        metric=first.metric,
        seed=int(first.seed),
        absolute=absolute,
        relative=relative,
        limits=(_limit(absolute), _limit(relative)),
    )


def _box(rows: pd.DataFrame, values: pd.Series) -> Box:
    risks = values.to_numpy()
    q1, median, q3 = np.quantile(risks, (0.25, 0.5, 0.75))
    reach = 1.5 * (q3 - q1)
    inside = risks[(risks >= q1 - reach) & (risks <= q3 + reach)]
    return Box(
        variant=rows["variant"].iloc[0],
        values=risks,
        log10_wd=rows["log10_wd"].to_numpy(),
        log10_lr=rows["log10_lr"].to_numpy(),
        diverged=(rows["status"] != "ok").to_numpy(),
        low=float(min(inside.min(), q1)),
        q1=float(q1),
        median=float(median),
        q3=float(q3),
        high=float(max(inside.max(), q3)),
        mean=float(risks.mean()),
    )


def _limit(boxes: list[Box]) -> float:
    highest = max(box.values.max() for box in boxes)
    return float(1.08 * min(highest, 2 * max(box.high for box in boxes) or highest) or 1.0)
