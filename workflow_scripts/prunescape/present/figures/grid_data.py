"""What an annotated grid shows, before anything is drawn: scores and rounds as matrices."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from prunescape.analysis.axes import Axes
from prunescape.analysis.landscape.regions import TOLERANCE, best_cells, gap_to_best
from prunescape.analysis.read_cells import variant_order
from prunescape.present.figures.figure import Figure, file_name, is_validated, landscape_notes, seeds_name, seeds_title
from prunescape.present.figures.plane import profile, setting_texts
from prunescape.present.figures.shades import Shades, shades_of
from prunescape.present.labels import threshold_text
from prunescape.store.records import OK

NO_CELL = -1
Place = tuple[int, int]
Corner = tuple[float, float]


@dataclass(frozen=True)
class GridPanel:
    """One variant as (y, x) matrices; where there is no cell, score nan, round -1 and setting None.

    `good` are the cells of the largest ROI; `best` is (row, column).
    """

    variant: str
    score: np.ndarray
    round: np.ndarray
    diverged: np.ndarray
    good: np.ndarray
    settings: np.ndarray
    best: Place

    def text(self, row: int, column: int, digits: int = 2) -> str:
        """The accuracy in a cell, marked where training diverged; empty where there is no cell."""
        if self.round[row, column] == NO_CELL:
            return ""
        return f"{self.score[row, column]:.{digits}f}" + "×" * bool(self.diverged[row, column])

    @property
    def borders(self) -> list[tuple[Corner, Corner]]:
        """The edges (x, y) to (x, y) between neighbouring cells that different rounds planned; cells are 1 wide."""
        rounds = np.where(self.round == NO_CELL, np.nan, self.round)
        beside, above = (np.abs(np.diff(rounds, axis=axis)) > 0 for axis in (1, 0))  # not so beside a hole
        upright = [((x + 0.5, y - 0.5), (x + 0.5, y + 0.5)) for y, x in np.argwhere(beside).tolist()]
        level = [((x - 0.5, y + 0.5), (x + 0.5, y + 0.5)) for y, x in np.argwhere(above).tolist()]
        return upright + level


@dataclass(frozen=True, kw_only=True)
class GridFigure(Figure):
    """The grid of an experiment in one metric, of one seed or the mean of `seeds`, the base first.

    `x` and `y` are the values of columns and rows, lowest first; `prior` is (row, column) or None; cells within
    `threshold` points of the best one are good; `shades` are the colours of scores.
    """

    kind: ClassVar[str] = "grid"
    axes: Axes
    x: np.ndarray
    y: np.ndarray
    panels: list[GridPanel]
    prior: Place | None
    threshold: float
    shades: Shades

    @property
    def dense(self) -> bool:
        """Whether there are so many columns that letters must be small."""
        return len(self.x) > 12

    @property
    def least_width(self) -> int:
        return 90 + 46 * len(self.x)

    @property
    def rounds(self) -> list[int]:
        """The rounds that planned the cells: 0 is the configured grid."""
        return sorted({int(number) for panel in self.panels for number in np.unique(panel.round)} - {NO_CELL})

    @property
    def title(self) -> str:
        return f"{self.whose}: the grid and its {self.metric_titles} accuracies, {seeds_title(self.seeds)}"

    @property
    def caption(self) -> str:
        rounds = " Thick lines part cells that different rounds planned."
        below = any((panel.score < self.shades.floor).any() for panel in self.panels)
        buttons = " A button shows each variant; SVG and PDF have all of them, or the base where they exceed a page."
        diverged = any(panel.diverged.any() for panel in self.panels)
        return (
            f"Every cell with its {self.metric_titles} accuracy in percent, in the colours of the landscapes. Bold: "
            f"within {threshold_text(self.threshold)} points of the variant's best cell, which has a frame; dashed "
            f"frame: the prior.{rounds * (len(self.rounds) > 1)}{' Grey: below the colours.' * below}"
            f"{' ×: diverged, at chance level.' * diverged}"
            f"{buttons * (len(self.panels) > 1)}{landscape_notes(self, self.axes, ellipses=False)}"
        )


def grid_figure(
    scores: pd.DataFrame,
    axes: Axes,
    thresholds: tuple[float, ...],
    prior: Mapping[str, Any] | None,
    seeds: tuple[int, ...],
) -> GridFigure:
    """The figure of `scores`, the cells of ONE experiment, metric and seed; with several `seeds`, of `mean_scores`.

    The grid as matthiesen2023, Figure 4.4, annotates it. Decided: of every variant, the base first, and coloured by
    value. With more than two axes a place shows the best cell over the others. Cells are good within the largest of the
    `thresholds`.
    """
    threshold = max(thresholds)
    scores = profile(scores, axes)
    first = scores.iloc[0]
    x, y = (np.unique(scores[axis.name]) for axis in (axes.x, axes.y))
    scores = scores.assign(good=gap_to_best(scores) <= threshold + TOLERANCE)
    variants = sorted(scores.groupby("variant"), key=lambda item: variant_order(item[0]))
    return GridFigure(
        name=file_name("grid", first["experiment"], first["metric"], seeds_name(seeds)),
        experiment=first["experiment"],
        metrics=[first["metric"]],
        seeds=seeds,
        axes=axes,
        x=x,
        y=y,
        panels=[_panel(rows, axes, x, y) for _, rows in variants],
        prior=prior and _place(prior, axes, x, y),
        threshold=threshold,
        shades=shades_of(scores, axes, thresholds),
        validated=is_validated(scores),
    )


def _panel(rows: pd.DataFrame, axes: Axes, x: np.ndarray, y: np.ndarray) -> GridPanel:
    at = np.searchsorted(y, rows[axes.y.name]), np.searchsorted(x, rows[axes.x.name])
    best = best_cells(rows, axes).iloc[0]

    def matrix(empty: object, values: object) -> np.ndarray:
        filled = np.full((len(y), len(x)), empty)
        filled[at] = values
        return filled

    return GridPanel(
        variant=best["variant"],
        score=matrix(np.nan, rows["score"]),
        round=matrix(NO_CELL, rows["round"]),
        diverged=matrix(False, rows["status"] != OK),
        good=matrix(False, rows["good"]),
        settings=matrix(None, setting_texts(axes, rows)),
        best=_place(best, axes, x, y),
    )


def _place(setting: Mapping[str, Any], axes: Axes, x: np.ndarray, y: np.ndarray) -> Place | None:
    """(row, column) of a setting; None where it is not on the grid."""
    pairs = ((y, axes.y), (x, axes.x))
    found = [np.flatnonzero(np.isclose(values, float(setting[axis.name]))) for values, axis in pairs]
    return (int(found[0][0]), int(found[1][0])) if all(map(len, found)) else None
