"""Landscape figures of which a share was trained: inferred surfaces, and how unsure they are."""

from dataclasses import dataclass, replace
from typing import ClassVar

import pandas as pd

from prunescape.present.figures.figure import file_name, landscape_notes
from prunescape.present.figures.landscape_data import LandscapeFigure
from prunescape.present.figures.landscape_panels import (
    Landscape,
    Panel,
    outlines,
    share_below,
    surface_and_regions,
)
from prunescape.present.figures.plane import profile, surface
from prunescape.present.figures.shades import shades_of
from prunescape.present.labels import joined, threshold_text
from prunescape.store.records import OK

NOT_INFERRED = "not inferred"


@dataclass(frozen=True, kw_only=True)
class InferredFigure(LandscapeFigure):
    """A landscape figure whose surfaces and regions are inferred, but for variants that failed the check."""

    inferred: ClassVar[bool] = True

    @property
    def title(self) -> str:
        return f"{super().title}, partly inferred"

    @property
    def caption(self) -> str:
        failed = any(panel.reach is None for landscape in self.landscapes for panel in landscape.panels)
        alone = f" A variant that is {NOT_INFERRED} failed the check of its surface: it shows its cells alone."
        return (
            f"{self.places()}A share of the grid was trained: dots are its cells, all else is inferred from them, by a "
            f"Gaussian process over all variants. Pale: how low is not known, only that it may be far lower. "
            f"{self.colour_note()} {self.region_note()}{alone * failed} A peak between cells may be missed."
            f"{landscape_notes(self, self.axes, ellipses=False)}"
        )

    def panel_title(self, panel: Panel) -> str:
        return super().panel_title(panel) + f", {NOT_INFERRED}" * (panel.reach is None)


@dataclass(frozen=True, kw_only=True)
class UnsureFigure(InferredFigure):
    """How unsure the surfaces of an inferred figure are."""

    unsure: ClassVar[bool] = True

    @property
    def title(self) -> str:
        return f"{super().title}: how unsure it is"

    @property
    def caption(self) -> str:
        regions = joined([f"{threshold_text(x)} ({colour})" for x, colour in self.roi_colours.items()])
        return (
            f"{self.places()}By how many points a setting may be better than what is inferred of it, to the upper end "
            f"of its 95 % interval. Dots: the trained cells. Lines: the inferred regions within {regions} points of "
            f"the best.{landscape_notes(self, self.axes, ellipses=False)}"
        )


def with_inferred(
    figure: LandscapeFigure, scores: pd.DataFrame, inferred: pd.DataFrame, ellipses: pd.DataFrame
) -> InferredFigure:
    """`figure`, which shows the cells in `scores`, with the inferred surface of each variant in place of theirs.

    `inferred` and `ellipses` are the experiment's rows of inferred_roi and inferred_ellipses. A variant without rows,
    whose check failed, keeps the surface, regions and ellipses of its trained cells.
    """
    rows = inferred[inferred["threshold"] == inferred["threshold"].max()]
    rows = rows.assign(score=rows["inferred"], chosen_on=rows["inferred"], status=OK, seed=0)
    rows = profile(rows.reset_index(drop=True), figure.axes)
    landscapes = [
        _landscape(figure, part, *(table[table["metric"] == part.metric] for table in (scores, rows, ellipses)))
        for part in figure.landscapes
    ]
    return InferredFigure(**vars(figure) | {"landscapes": landscapes})


def unsure_figure(figure: InferredFigure) -> UnsureFigure:
    """The figure that shows how far the intervals of `figure` reach."""
    return UnsureFigure(**vars(figure) | {"name": file_name(figure.name, "unsure"), "ellipses": False})


def _landscape(
    figure: LandscapeFigure, part: Landscape, scores: pd.DataFrame, rows: pd.DataFrame, ellipses: pd.DataFrame
) -> Landscape:
    """One landscape in colours that hold the best settings of all variants, trained or inferred."""
    thresholds = tuple(figure.roi_colours)
    shown = pd.concat([rows, scores[~scores["variant"].isin(rows["variant"])]], join="inner")
    highest = max(panel.best_score for panel in part.panels)  # a trained cell may lie above what is inferred
    shades = shades_of(shown, figure.axes, thresholds, highest)
    plane = figure.surface_x, figure.surface_y

    def panel_of(panel: Panel) -> Panel:
        own = rows[rows["variant"] == panel.variant]
        if own.empty:
            own = scores[scores["variant"] == panel.variant]
            height, lines = surface_and_regions(own, figure.axes, thresholds, plane, shades)
            return replace(panel, surface=height, regions=lines)
        height, lines = surface_and_regions(own, figure.axes, thresholds, plane, shades)
        reach = surface(own, (own["high"] - own["inferred"]).to_numpy(), figure.axes, *plane)
        pale = surface(own, (own["low"] <= 0).to_numpy(dtype=float), figure.axes, *plane)
        shapes = outlines(ellipses[ellipses["variant"] == panel.variant], figure.axes)
        return replace(panel, surface=height, regions=lines, reach=reach, pale=pale, outlines=shapes)

    return replace(
        part, panels=[panel_of(panel) for panel in part.panels], shades=shades, below=share_below(shown, shades)
    )
