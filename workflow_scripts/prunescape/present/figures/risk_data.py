"""What a risk figure shows, before anything is drawn: one box of risks per variant."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import pandas as pd
from matplotlib.cbook import boxplot_stats

from prunescape.analysis.axes import Axes
from prunescape.analysis.read_cells import variant_order
from prunescape.present.figures.figure import CHOSEN_ON_VALIDATION, Figure, file_name, is_validated
from prunescape.present.figures.plane import setting_texts
from prunescape.present.labels import capitalised, experiment_title, seeds_text, shortened, threshold_text
from prunescape.store.records import OK

RISK = "risk, percentage points"
BOX_LEAST = 5
ONE_AXIS = 4.0  # models whose axes would differ by more than this factor have one each
Limits = tuple[float, float]


@dataclass(frozen=True)
class Box:
    """One variant: its risks, (n,) in percentage points, of all seeds, their settings as text, and the box.

    `stats` are quartiles and whiskers (furthest risk within 1.5 times the box's height), by matplotlib's names; `mean`
    is the mean over seeds of each seed's mean, as in the tables.
    """

    variant: str
    values: np.ndarray
    settings: np.ndarray
    seed: np.ndarray
    diverged: np.ndarray
    stats: dict[str, float]
    mean: float

    @property
    def is_drawn(self) -> bool:
        """Quartiles of fewer than 5 values suggest more than there is: only the values and their mean are shown."""
        return len(self.values) >= BOX_LEAST

    @property
    def many(self) -> bool:
        """Whether there are so many values that their dots must be small."""
        return len(self.values) > 40

    @property
    def offsets(self) -> np.ndarray:
        """(n,) offsets to the side that keep the dots apart, the same at every drawing."""
        return 0.22 * np.sin(2.4 * np.arange(len(self.values)))


@dataclass(frozen=True)
class RiskGroup:
    """One experiment: a box per variant, and the ends of their axis.

    A few cells far out (diverged, say) must not flatten every box, so the axis may end below them.
    """

    title: str
    boxes: list[Box]
    limits: Limits


@dataclass(frozen=True, kw_only=True)
class RiskFigure(Figure):
    """The risk of every variant in one metric, over the base's region at `threshold`."""

    kind: ClassVar[str] = "risk"
    least_width: ClassVar[int] = 480
    groups: list[RiskGroup]
    threshold: float

    @property
    def title(self) -> str:
        return f"{self.whose}: risk of the base's good settings, {self.metric_titles}, {seeds_text(self.seeds)}"

    @property
    def caption(self) -> str:
        beyond = any((box.values > group.limits[1]).any() for group in self.groups for box in group.boxes)
        every = [box for group in self.groups for box in group.boxes]
        drawn = any(box.is_drawn for box in every)
        whiskers = "box: quartiles and median; whiskers: the furthest value within 1.5 box heights"
        several, differ = len(self.seeds) > 1, len({group.limits for group in self.groups}) > 1
        boxes = whiskers if drawn else f"no boxes: there are fewer than {BOX_LEAST} marks"
        mean = f"Diamond: mean{' over seeds' * several}; " * any(len(box.values) > 1 for box in every)
        return (
            f"Every mark is a setting within {threshold_text(self.threshold)} points of the base's best cell, used for "
            "the variant beside it: how far it stays under that variant's own best cell, in points. "
            f"{capitalised(mean + boxes)}."
            f"{' Marks of all seeds, each against the region and the best cell of its own seed.' * several}"
            f"{' Triangles lie beyond the axis.' * beyond}{' Axes differ between models.' * differ}"
            f"{(CHOSEN_ON_VALIDATION + ' A risk may then be below 0.') * self.validated} The table of risks has the "
            "same as shares of each variant's best."
        )


def risk_figure(
    points: pd.DataFrame, axes: Mapping[str, Axes], threshold: float, *, of_study: bool = False
) -> RiskFigure:
    """The figure of `points`, the rows of `risk_points` of ONE metric and experiment, or with `of_study` of all.

    Box plots as in matthiesen2023, Figure 4.5. Decided: of absolute risk alone, since that relative to bests of about
    100 % is the same picture. `axes` are those of each experiment.
    """
    seeds = tuple(int(seed) for seed in np.unique(points["seed"]))
    metric = points["metric"].iloc[0]
    whose = None if of_study else points["experiment"].iloc[0]
    groups = [_group(rows, axes[name], points) for name, rows in points.groupby("experiment", sort=True)]
    end = ("all-seeds",) if len(seeds) > 1 else (f"seed{seeds[0]}",)
    return RiskFigure(
        name=file_name(*(("risk-of-study",) if of_study else ("risk", whose)), metric, *end),
        experiment=whose,
        metrics=[metric],
        seeds=seeds,
        groups=_on_one_axis(groups),
        threshold=threshold,
        validated=is_validated(points),
    )


def _group(points: pd.DataFrame, axes: Axes, all_points: pd.DataFrame) -> RiskGroup:
    """One experiment, called by its model and data set, with its own name where another has the same."""
    first = points.iloc[0]
    title = experiment_title(first["model"], first["dataset"])
    same = all_points[(all_points["model"] == first["model"]) & (all_points["dataset"] == first["dataset"])]
    if same["experiment"].nunique() > 1:
        title = f"{title} ({first['experiment']})"
    variants = sorted(points.groupby("variant"), key=lambda item: variant_order(item[0]))
    boxes = [_box(rows, axes) for _, rows in variants]
    return RiskGroup(shortened(title, 40), boxes, _limits(boxes))


def _box(rows: pd.DataFrame, axes: Axes) -> Box:
    values = rows["d"]
    (stats,) = boxplot_stats(values.to_numpy())
    return Box(
        variant=rows["variant"].iloc[0],
        values=values.to_numpy(),
        settings=setting_texts(axes, rows),
        seed=rows["seed"].to_numpy(),
        diverged=(rows["status"] != OK).to_numpy(),
        stats={name: float(stats[name]) for name in ("whislo", "q1", "med", "q3", "whishi")},
        mean=float(values.groupby(rows["seed"]).mean().mean()),
    )


def _limits(boxes: list[Box]) -> Limits:
    """From a little below the lowest risk, negative only where another split chose the best, to the highest."""
    lowest, highest = min(box.values.min() for box in boxes), max(box.values.max() for box in boxes)
    high = float(1.08 * min(highest, 2 * max(box.stats["whishi"] for box in boxes) or highest) or 1.0)
    return float(min(1.08 * lowest, 0)) - 0.03 * high, high


def _on_one_axis(groups: list[RiskGroup]) -> list[RiskGroup]:
    """The groups with the same ends of their axes, unless the risks of one would then be squeezed flat."""
    highest = [group.limits[1] for group in groups]
    if max(highest) > ONE_AXIS * min(highest):
        return groups
    common = (min(group.limits[0] for group in groups), max(highest))
    return [replace(group, limits=common) for group in groups]
