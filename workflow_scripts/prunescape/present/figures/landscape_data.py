"""What a landscape figure shows, before anything is drawn: which panels, in which colours, and what is said of them."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from prunescape.analysis.axes import METRICS, Axes
from prunescape.present.figures.figure import Figure, file_name, is_validated, landscape_notes, seeds_name, seeds_title
from prunescape.present.figures.landscape_panels import Landscape, Panel, landscape_of
from prunescape.present.figures.plane import SURFACE_POINTS, Point, point, profile
from prunescape.present.figures.style import roi_colours
from prunescape.present.labels import METRIC_TITLES, joined, threshold_text, variant_label
from prunescape.present.numbers import number

PER_ROW = 5  # panels beside each other
Span = tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class LandscapeFigure(Figure):
    """The landscapes of an experiment, in top-1 and where it is recorded in top-5, of one seed or the mean of `seeds`.

    `roi_colours` has the colour of each threshold's region; `surface_x` and `surface_y` are the axes of every surface.
    `ellipses` says that the confidence ellipses are shown in place of the regions.
    """

    kind: ClassVar[str] = "landscape"
    inferred: ClassVar[bool] = False
    unsure: ClassVar[bool] = False
    axes: Axes
    landscapes: list[Landscape]
    roi_colours: dict[float, str]
    prior: Point | None
    surface_x: np.ndarray
    surface_y: np.ndarray
    ellipses: bool = False

    @property
    def columns(self) -> int:
        """Panels beside each other."""
        return min(len(self.landscapes[0].panels), PER_ROW)

    @property
    def least_width(self) -> int:
        return 180 + 140 * self.columns

    @property
    def span_x(self) -> Span:
        """What the horizontal axis shows."""
        return self._span(0, self.surface_x, self.prior and self.prior.x)

    @property
    def span_y(self) -> Span:
        """What the vertical axis shows."""
        return self._span(1, self.surface_y, self.prior and self.prior.y)

    def _span(self, side: int, values: np.ndarray, prior: float | None) -> Span:
        """The grid and the prior; with ellipses these too, but no further than a quarter of the grid around it."""
        reach = [values[0], values[-1], *([] if prior is None else [prior])]
        low, high = float(min(reach)), float(max(reach))
        beyond = 0.25 * (high - low) if self.ellipses else 0.0
        lines = [line[side] for part in self.landscapes for panel in part.panels for line in panel.outlines.values()]
        drawn = np.concatenate([values, *lines]) if self.ellipses else values
        around = 0.02 * (high - low) or 0.4
        left, right = max(drawn.min(), low - beyond), min(drawn.max(), high + beyond)
        return float(min(left, low) - around), float(max(right, high) + around)

    @property
    def title(self) -> str:
        what = "landscapes" if len(self.landscapes) > 1 else "landscape"
        more = ", with ellipses" * self.ellipses
        return f"{self.whose}: {self.metric_titles} {what} of each variant, {seeds_title(self.seeds)}{more}"

    def panel_title(self, panel: Panel) -> str:
        """A variant and its best cell, on two lines."""
        return f"{variant_label(panel.variant)}\nbest {panel.best_score:.2f} %"

    @property
    def caption(self) -> str:
        known = [panel.surface is not None for landscape in self.landscapes for panel in landscape.panels]
        between = "interpolated between the cells (dots)" if any(known) else "of the cells alone, which span no area"
        notes = landscape_notes(self, self.axes, ellipses=self.ellipses)
        return f"{self.places()}The accuracy, {between}. {self.colour_note()} {self.region_note()}{notes}"

    def places(self) -> str:
        """Where each landscape stands, when there are two."""
        if len(self.landscapes) == 1:
            return ""
        first, second = (METRIC_TITLES[metric] for metric in self.metrics)
        return f"Top: {first}; bottom: {second}, each with its own regions and colours. "

    def colour_note(self) -> str:
        """What the colours mean."""
        below = max(landscape.below for landscape in self.landscapes)
        grey = f" Grey: lower than the colour bar reaches ({number(100 * below, 0)} % of the cells)." * (below > 0)
        return f"Each step of the colour bar is as high as all steps above it.{grey}"

    def region_note(self) -> str:
        """What the lines mean."""
        regions = joined([f"{threshold_text(x)} ({colour})" for x, colour in self.roi_colours.items()])
        if not self.ellipses:
            return (
                f"Lines enclose the settings within {regions} points of the variant's best cell; a line that ends at "
                f"the edge leaves its region open there.{' Another figure has the ellipses.' * self.has_ellipses}"
            )
        longer = " An ellipse is fitted to few points, so that of a smaller region may be the longer one."
        return (
            f"Lines: the confidence ellipses of the regions within {regions} points of the variant's best cell, drawn "
            f"where a region has 5 cells or more.{longer * self._smaller_is_longer()}"
        )

    @property
    def has_ellipses(self) -> bool:
        """Whether a region has an ellipse."""
        return any(panel.outlines for landscape in self.landscapes for panel in landscape.panels)

    def _smaller_is_longer(self) -> bool:
        """Whether a variant's ellipse of a smaller region reaches further than that of a larger one."""
        panels = [panel for landscape in self.landscapes for panel in landscape.panels]
        reaches = [[np.hypot(np.ptp(x), np.ptp(y)) for _, (x, y) in sorted(panel.outlines.items())] for panel in panels]
        return any(sorted(reach) != reach for reach in reaches)


def landscape_figure(
    scores: pd.DataFrame, ellipses: pd.DataFrame, axes: Axes, prior: Mapping[str, Any] | None, seeds: tuple[int, ...]
) -> LandscapeFigure:
    """The figure of `scores`, the cells of ONE experiment and seed, with the rows of `ellipses` that are theirs.

    With several `seeds` they are those of `mean_scores`. One panel per variant, as matthiesen2023, Figures 4.1 and 4.2;
    top-1 above top-5, each with its own regions (Figure 4.3). With more than two axes a point of the plane shows the
    best cell over the others.
    """
    scores = profile(scores, axes)
    columns, rows = (np.unique(scores[axis.name]) for axis in (axes.x, axes.y))
    x, y = (np.linspace(values[0], values[-1], SURFACE_POINTS) for values in (columns, rows))
    thresholds = tuple(sorted(ellipses["threshold"].unique(), reverse=True))
    landscapes = [
        landscape_of(
            scores[scores["metric"] == metric], ellipses[ellipses["metric"] == metric], axes, thresholds, (x, y)
        )
        for metric in METRICS
        if (scores["metric"] == metric).any()
    ]
    experiment, metrics = scores["experiment"].iloc[0], [landscape.metric for landscape in landscapes]
    return LandscapeFigure(
        name=file_name("landscape", experiment, *metrics, seeds_name(seeds)),
        experiment=experiment,
        metrics=metrics,
        seeds=seeds,
        axes=axes,
        landscapes=landscapes,
        roi_colours=roi_colours(thresholds),
        prior=prior and point(axes, prior),
        surface_x=x,
        surface_y=y,
        validated=is_validated(scores),
    )


def with_ellipses(figure: LandscapeFigure) -> LandscapeFigure | None:
    """The same with confidence ellipses in place of regions; None where no region has one."""
    return replace(figure, name=file_name(figure.name, "ellipses"), ellipses=True) if figure.has_ellipses else None


def without_regions(figure: LandscapeFigure, variants: list[str]) -> LandscapeFigure:
    """The figure without the regions and ellipses of these variants."""
    parts = [
        replace(
            landscape,
            panels=[
                replace(panel, regions={}, outlines={}) if panel.variant in variants else panel
                for panel in landscape.panels
            ],
        )
        for landscape in figure.landscapes
    ]
    return replace(figure, landscapes=parts)
