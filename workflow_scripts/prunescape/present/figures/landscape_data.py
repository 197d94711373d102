"""What a landscape figure shows, before anything is drawn: panels, surfaces, ellipses, colour range."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from prunescape.analysis.axes import METRICS, Axes
from prunescape.analysis.landscape.regions import TOLERANCE, best_cells, outline
from prunescape.analysis.read_cells import variant_order
from prunescape.present.figures.figure import Figure, file_name, is_validated, landscape_notes, seeds_name, seeds_title
from prunescape.present.figures.plane import SURFACE_POINTS, Point, point, profile, setting_texts, surface
from prunescape.present.figures.style import roi_colours
from prunescape.present.labels import METRIC_TITLES, joined, threshold_text, variant_label
from prunescape.store.records import OK

TOP_SHARE = 0.15
BANDS = 12
SIDE_BY_SIDE = 3  # so many variants of two landscapes stand beside each other; of more, top-5 stands below top-1
Curve = tuple[np.ndarray, np.ndarray]
Span = tuple[float, float]


@dataclass(frozen=True)
class Panel:
    """One variant: its cells, (n,) arrays in one order; its best cell; its surface, (y, x) in percent, or None.

    `coloured` are the cells on the colour bar that converged; `outlines` maps a threshold to its ellipse's (x, y);
    `reach` is how far the 95 % interval of an inferred surface reaches above it, (y, x) in percentage points.
    """

    variant: str
    x: np.ndarray
    y: np.ndarray
    settings: np.ndarray
    score: np.ndarray
    coloured: np.ndarray
    diverged: np.ndarray
    best: Point
    best_score: float
    surface: np.ndarray | None
    outlines: dict[float, Curve]
    reach: np.ndarray | None = None

    @property
    def low(self) -> np.ndarray:
        """The cells below the colour bar that converged."""
        return ~self.coloured & ~self.diverged

    @property
    def dense(self) -> bool:
        """Whether there are so many cells that their marks must be small."""
        return len(self.score) > 150


@dataclass(frozen=True)
class Landscape:
    """All variants of an experiment in one metric, on one scale from `floor` to `ceiling` (percent).

    `share` is the share of all cells on the scale.
    """

    metric: str
    panels: list[Panel]
    floor: float
    ceiling: float
    share: float

    @property
    def levels(self) -> np.ndarray:
        """The contour levels, (BANDS + 1,), from `floor` to `ceiling`, a trace lower.

        Scores are counts of images, so whole plateaus would lie exactly on a level and be drawn as noise.
        """
        return np.linspace(self.floor, self.ceiling, BANDS + 1) - 1e-4 * (self.ceiling - self.floor)


@dataclass(frozen=True, kw_only=True)
class LandscapeFigure(Figure):
    """The landscapes of an experiment, in top-1 and where it is recorded in top-5, of one seed or the mean of `seeds`.

    `roi_colours` has the colour of each threshold's ellipse; `surface_x` and `surface_y` are the axes of every surface,
    `span_x` and `span_y` what the axes show.
    """

    kind: ClassVar[str] = "landscape"
    inferred: ClassVar[bool] = False
    axes: Axes
    landscapes: list[Landscape]
    roi_colours: dict[float, str]
    prior: Point | None
    surface_x: np.ndarray
    surface_y: np.ndarray
    span_x: Span
    span_y: Span

    @property
    def stacked(self) -> bool:
        """Whether the second landscape stands below the first, for want of room beside it."""
        return len(self.landscapes) > 1 and len(self.landscapes[0].panels) > SIDE_BY_SIDE

    @property
    def least_width(self) -> int:
        beside = 1 if self.stacked else len(self.landscapes)
        return 160 + 140 * beside * len(self.landscapes[0].panels)

    @property
    def title(self) -> str:
        what = "landscapes" if len(self.landscapes) > 1 else "landscape"
        return f"{self.whose}: {self.metric_titles} {what} of each variant, {seeds_title(self.seeds)}"

    def panel_title(self, panel: Panel) -> str:
        """A variant and its best cell, on two lines."""
        return f"{variant_label(panel.variant)}\nbest {panel.best_score:.2f} %"

    @property
    def caption(self) -> str:
        shares = " and ".join(f"{landscape.share:.0%}" for landscape in self.landscapes)
        lower = any(landscape.share > TOP_SHARE + 0.005 for landscape in self.landscapes)
        bars = "colour bar, which covers" if len(self.landscapes) == 1 else "colour bars, which cover"
        regions = joined([f"{threshold_text(x)} ({colour})" for x, colour in self.roi_colours.items()])
        notes = landscape_notes(self, self.axes, ellipses=True)
        return (
            f"{self.places()}Top: contours of the accuracy, interpolated between the cells on the {bars} the best "
            f"{shares} of all variants' cells{', so that no variant is without colour' * lower}; cells below it are "
            f"grey dots and take no part. Bottom: every cell, with the confidence ellipses of the regions within "
            f"{regions} points of the variant's best cell, drawn where a region has 5 cells or more.{notes}"
        )

    def places(self) -> str:
        """Where each landscape stands, when there are two."""
        if len(self.landscapes) == 1:
            return ""
        first, second = (METRIC_TITLES[metric] for metric in self.metrics)
        where = f"Upper half: {first}; lower half: {second}" if self.stacked else f"Left: {first}; right: {second}"
        return f"{where}, each with its own regions and colours. "


def landscape_figure(
    scores: pd.DataFrame, ellipses: pd.DataFrame, axes: Axes, prior: Mapping[str, Any] | None, seeds: tuple[int, ...]
) -> LandscapeFigure:
    """The figure of `scores`, the cells of ONE experiment and seed, with the rows of `ellipses` that are theirs.

    With several `seeds` they are those of `mean_scores`. Contour over scatter, one column per variant
    (matthiesen2023, Figures 4.1 and 4.2); top-1 and top-5 side by side, each with its own ROI (Figure 4.3). With more
    than two axes a point of the plane shows the best cell over the others.
    """
    scores = profile(scores, axes)
    at = prior and point(axes, prior)
    columns, rows = (np.unique(scores[axis.name]) for axis in (axes.x, axes.y))
    x, y = (np.linspace(values[0], values[-1], SURFACE_POINTS) for values in (columns, rows))
    thresholds = tuple(sorted(ellipses["threshold"].unique(), reverse=True))
    landscapes = [
        _landscape(scores[scores["metric"] == metric], ellipses[ellipses["metric"] == metric], axes, thresholds, (x, y))
        for metric in METRICS
        if (scores["metric"] == metric).any()
    ]
    lines = [line for part in landscapes for panel in part.panels for line in panel.outlines.values()]
    experiment, metrics = scores["experiment"].iloc[0], [landscape.metric for landscape in landscapes]
    return LandscapeFigure(
        name=file_name("landscape", experiment, *metrics, seeds_name(seeds)),
        experiment=experiment,
        metrics=metrics,
        seeds=seeds,
        axes=axes,
        landscapes=landscapes,
        roi_colours=roi_colours(thresholds),
        prior=at,
        surface_x=x,
        surface_y=y,
        span_x=axis_span(columns, at and at.x, [line[0] for line in lines]),
        span_y=axis_span(rows, at and at.y, [line[1] for line in lines]),
        validated=is_validated(scores),
    )


def without_ellipses(figure: LandscapeFigure, variants: list[str]) -> LandscapeFigure:
    """The figure without the ellipses of these variants."""
    parts = [
        replace(
            landscape,
            panels=[replace(panel, outlines={}) if panel.variant in variants else panel for panel in landscape.panels],
        )
        for landscape in figure.landscapes
    ]
    return replace(figure, landscapes=parts)


def colour_range(scores: pd.DataFrame, axes: Axes, threshold: float) -> Span:
    """The lowest and highest percent on the colour bar; never equal, so that a flat landscape can be drawn.

    It holds the top 15 % of all variants' cells (matthiesen2023, Figures 4.1 and 4.2). Decided: it reaches lower where
    it would not hold the ROI of every variant at `threshold`, so that no variant is without colour.
    """
    worst_best = best_cells(scores, axes)["score"].min()
    floor = min(float(np.quantile(scores["score"], 1 - TOP_SHARE)), float(worst_best) - threshold)
    return max(floor, 0.0), float(scores["score"].max()) or 1.0


def _landscape(
    scores: pd.DataFrame, ellipses: pd.DataFrame, axes: Axes, thresholds: tuple[float, ...], plane: Curve
) -> Landscape:
    floor, ceiling = colour_range(scores, axes, max(thresholds, default=0.0))
    shown = scores.assign(on_bar=scores["score"] >= floor - TOLERANCE)
    panels = [
        _panel(rows, ellipses[ellipses["variant"] == name], axes, plane)
        for name, rows in sorted(shown.groupby("variant"), key=lambda item: variant_order(item[0]))
    ]
    return Landscape(scores["metric"].iloc[0], panels, floor, ceiling, float(shown["on_bar"].mean()))


def _panel(rows: pd.DataFrame, ellipses: pd.DataFrame, axes: Axes, plane: Curve) -> Panel:
    best = best_cells(rows, axes).iloc[0]
    coloured = rows["on_bar"] & (rows["status"] == OK)
    return Panel(
        variant=best["variant"],
        x=rows[axes.x.name].to_numpy(),
        y=rows[axes.y.name].to_numpy(),
        settings=setting_texts(axes, rows),
        score=rows["score"].to_numpy(),
        coloured=coloured.to_numpy(),
        diverged=(rows["status"] != OK).to_numpy(),
        best=point(axes, best),
        best_score=float(best["score"]),
        surface=surface(rows[coloured], axes, *plane),
        outlines=outlines(ellipses, axes),
    )


def outlines(ellipses: pd.DataFrame, axes: Axes) -> dict[float, Curve]:
    """The outlines of ONE variant's ellipses by threshold; those without a shape have none."""
    return {row.threshold: outline(row, axes) for row in ellipses.itertuples() if np.isfinite(row.length)}


def axis_span(values: np.ndarray, prior: float | None, outlines: list[np.ndarray]) -> Span:
    """The axis from the lowest to the highest value, the prior included, and half a grid step around.

    It reaches for the ellipses' outlines, but no further than two steps beyond the grid.
    """
    shown = values if prior is None else np.append(values, prior)
    low, high = float(shown.min()), float(shown.max())
    step = float(np.diff(values).min()) if len(values) > 1 else 0.8
    drawn = np.concatenate([values, *outlines])
    left, right = np.clip([low - drawn.min(), drawn.max() - high], 0.5 * step, 1.9 * step) + 0.1 * step
    return low - float(left), high + float(right)
