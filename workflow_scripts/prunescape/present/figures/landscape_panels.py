"""The landscapes of a figure and their panels, before anything is drawn: cells, surface, regions and ellipses."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from prunescape.analysis.axes import Axes
from prunescape.analysis.landscape.regions import best_cells, outline
from prunescape.analysis.read_cells import variant_order
from prunescape.present.figures.plane import Curve, Point, contour_line, point, setting_texts, surface
from prunescape.present.figures.shades import Shades, shades_of
from prunescape.store.records import OK

TRACE = 1e-3  # of a step: scores are counts of images, so whole plateaus would lie exactly on a level
MARGIN = 0.1  # of the smallest threshold, by which lines lie outside their region: a cell on its edge would be a point


@dataclass(frozen=True)
class Panel:
    """One variant: its cells, (n,) arrays in one order; its best cell; its surface, (y, x) in percent, or None.

    `diverged` marks cells; `regions` maps a threshold to the lines around its region on the surface, with nan between
    them, and `outlines` to its ellipse, both as (x, y); `reach` is how far the 95 % interval of an inferred surface
    reaches above it, (y, x) in percentage points, and `pale` (y, x) is over a half where that has no lower end.
    """

    variant: str
    x: np.ndarray
    y: np.ndarray
    settings: np.ndarray
    score: np.ndarray
    diverged: np.ndarray
    best: Point
    best_score: float
    surface: np.ndarray | None
    regions: dict[float, Curve]
    outlines: dict[float, Curve]
    reach: np.ndarray | None = None
    pale: np.ndarray | None = None

    @property
    def dense(self) -> bool:
        """Whether there are so many cells that their marks must be small."""
        return len(self.score) > 150


@dataclass(frozen=True)
class Landscape:
    """All variants of an experiment in one metric, in the same colours; `below` is the share of cells without one."""

    metric: str
    panels: list[Panel]
    shades: Shades
    below: float


def landscape_of(
    scores: pd.DataFrame, ellipses: pd.DataFrame, axes: Axes, thresholds: tuple[float, ...], plane: Curve
) -> Landscape:
    """The landscape of `scores`, the cells of ONE experiment, seed and metric, on the `plane` (x, y)."""
    shades = shades_of(scores, axes, thresholds)
    panels = [
        _panel(rows, ellipses[ellipses["variant"] == name], axes, thresholds, plane, shades)
        for name, rows in sorted(scores.groupby("variant"), key=lambda item: variant_order(item[0]))
    ]
    return Landscape(scores["metric"].iloc[0], panels, shades, share_below(scores, shades))


def share_below(scores: pd.DataFrame, shades: Shades) -> float:
    """The share of cells that no colour reaches."""
    return float((shades.place(scores["score"].to_numpy()) < -TRACE).mean())


def _panel(
    rows: pd.DataFrame,
    ellipses: pd.DataFrame,
    axes: Axes,
    thresholds: tuple[float, ...],
    plane: Curve,
    shades: Shades,
) -> Panel:
    best = best_cells(rows, axes).iloc[0]
    height, lines = surface_and_regions(rows, axes, thresholds, plane, shades)
    return Panel(
        variant=best["variant"],
        x=rows[axes.x.name].to_numpy(),
        y=rows[axes.y.name].to_numpy(),
        settings=setting_texts(axes, rows),
        score=rows["score"].to_numpy(),
        diverged=(rows["status"] != OK).to_numpy(),
        best=point(axes, best),
        best_score=float(best["score"]),
        surface=height,
        regions=lines,
        outlines=outlines(ellipses, axes),
    )


def surface_and_regions(
    rows: pd.DataFrame, axes: Axes, thresholds: tuple[float, ...], plane: Curve, shades: Shades
) -> tuple[np.ndarray | None, dict[float, Curve]]:
    """The surface of ONE variant's `rows` on the `plane` (x, y), percent, and the lines around each region on it.

    Both are interpolated between places among the shades, so that a cliff beside a good setting does not hide it.
    Regions are those of the accuracy by which settings are chosen.
    """
    height = surface(rows, shades.place(rows["score"].to_numpy()), axes, *plane)
    if height is None:
        return None, {}
    chosen = rows["chosen_on"].to_numpy()
    ground = surface(rows, shades.place(chosen), axes, *plane)
    margin = MARGIN * min(thresholds, default=0.0)
    levels = {x: float(shades.place(chosen.max() - x - margin)) for x in thresholds}
    lines = {x: contour_line(ground, level, *plane) for x, level in levels.items()}
    return shades.percent(height).astype(np.float32), lines


def outlines(ellipses: pd.DataFrame, axes: Axes) -> dict[float, Curve]:
    """The outlines of ONE variant's ellipses by threshold; those without a shape have none."""
    return {row.threshold: outline(row, axes) for row in ellipses.itertuples() if np.isfinite(row.length)}
