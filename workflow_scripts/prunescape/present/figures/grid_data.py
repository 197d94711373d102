"""What an annotated grid shows, before anything is drawn: scores and rounds as matrices. Needs numpy and pandas."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from prunescape.analysis.cells_table import variant_order
from prunescape.analysis.landscape.regions import TOLERANCE, best_cells, gap_to_best
from prunescape.present.figures.captions import CHOSEN_ON_VALIDATION, is_validated, mean_text
from prunescape.present.figures.style import METRIC_TITLES, file_name, seeds_text
from prunescape.store.records import OK

if TYPE_CHECKING:
    import pandas as pd

GOOD = 1.0  # points: a cell this near to the best one makes the grid's edge move
NO_CELL = -1


@dataclass(frozen=True)
class GridPanel:
    """One variant as (learning rates, weight decays) matrices; where there is no cell, score nan and round -1.

    `good` are the cells of the 1.0-ROI; `best` is (row, column).
    """

    variant: str
    score: np.ndarray
    round: np.ndarray
    diverged: np.ndarray
    good: np.ndarray
    best: tuple[int, int]


@dataclass(frozen=True)
class GridFigure:
    """The grid of an experiment in one metric, of one seed or the mean of `seeds`, the base first.

    `log10_wd` and `log10_lr` are the values of columns and rows, lowest first; `prior` is (row, column) or None.
    """

    kind: ClassVar[str] = "grid"
    name: str
    experiment: str
    metric: str
    seeds: tuple[int, ...]
    log10_wd: np.ndarray
    log10_lr: np.ndarray
    panels: list[GridPanel]
    prior: tuple[int, int] | None
    validated: bool

    @property
    def metrics(self) -> list[str]:
        return [self.metric]

    @property
    def least_width(self) -> int:
        """Pixels that the browser's drawing needs."""
        return 90 + 46 * len(self.log10_wd)

    @property
    def rounds(self) -> list[int]:
        """The rounds that planned the cells: 0 is the configured grid."""
        return sorted({int(number) for panel in self.panels for number in np.unique(panel.round)} - {NO_CELL})

    @property
    def title(self) -> str:
        mean = "mean over " if len(self.seeds) > 1 else ""
        what = f"the grid and its {METRIC_TITLES[self.metric]} accuracies"
        return f"{self.experiment}: {what}, {mean}{seeds_text(self.seeds)}"

    @property
    def caption(self) -> str:
        grown = " Darkest: the configured grid; the later the round that extended it, the lighter."
        others = " A button shows each variant; SVG and PDF have all of them, or the base where they exceed a page."
        diverged = any(panel.diverged.any() for panel in self.panels)
        return (
            f"Every cell with its {METRIC_TITLES[self.metric]} accuracy in percent. Bold: within {GOOD} points of the "
            f"variant's best cell, which has a frame; dashed frame: the prior.{grown * (len(self.rounds) > 1)}"
            f"{' ×: diverged, at chance level.' * diverged}{others * (len(self.panels) > 1)}"
            + CHOSEN_ON_VALIDATION * self.validated
            + mean_text(self.seeds, ellipses=False)
        )


def grid_figure(scores: pd.DataFrame, prior: tuple[float, float] | None, seeds: tuple[int, ...]) -> GridFigure:
    """The figure of `scores`, the cells of ONE experiment, metric and seed; with several `seeds`, of `landscape.mean`.

    The grid as matthiesen2023, Figure 4.4, annotates it, darker where it was configured. Decided: of every variant, the
    base first. `prior` is (log10_wd, log10_lr).
    """
    first = scores.iloc[0]
    wd, lr = (np.unique(scores[name]) for name in ("log10_wd", "log10_lr"))
    scores = scores.assign(good=gap_to_best(scores) <= GOOD + TOLERANCE)
    variants = sorted(scores.groupby("variant"), key=lambda item: variant_order(item[0]))
    return GridFigure(
        name=file_name("grid", first.experiment, first.metric, "mean" if len(seeds) > 1 else f"seed{seeds[0]}"),
        experiment=first.experiment,
        metric=first.metric,
        seeds=seeds,
        log10_wd=wd,
        log10_lr=lr,
        panels=[_panel(rows, wd, lr) for _, rows in variants],
        prior=_place(prior, wd, lr),
        validated=is_validated(scores),
    )


def cell_text(panel: GridPanel, row: int, column: int) -> str:
    """The accuracy in a cell, marked where training diverged; empty where there is no cell."""
    if panel.round[row, column] == NO_CELL:
        return ""
    return f"{panel.score[row, column]:.2f}" + "×" * bool(panel.diverged[row, column])


def _panel(rows: pd.DataFrame, wd: np.ndarray, lr: np.ndarray) -> GridPanel:
    at = np.searchsorted(lr, rows["log10_lr"]), np.searchsorted(wd, rows["log10_wd"])
    shape = len(lr), len(wd)
    score, number = np.full(shape, np.nan), np.full(shape, NO_CELL)
    diverged, good = np.zeros(shape, dtype=bool), np.zeros(shape, dtype=bool)
    score[at], number[at] = rows["score"], rows["round"]
    diverged[at], good[at] = rows["status"] != OK, rows["good"]
    best = best_cells(rows).iloc[0]
    return GridPanel(best.variant, score, number, diverged, good, _place((best["log10_wd"], best["log10_lr"]), wd, lr))


def _place(setting: tuple[float, float] | None, wd: np.ndarray, lr: np.ndarray) -> tuple[int, int] | None:
    """(row, column) of a setting (log10_wd, log10_lr); None where it is not on the grid."""
    if setting is None:
        return None
    row, column = np.flatnonzero(np.isclose(lr, setting[1])), np.flatnonzero(np.isclose(wd, setting[0]))
    return (int(row[0]), int(column[0])) if len(row) and len(column) else None
