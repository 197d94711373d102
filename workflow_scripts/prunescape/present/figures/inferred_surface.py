"""A landscape figure of which a share was trained: inferred surfaces, and how unsure they are."""

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import pandas as pd

from prunescape.analysis.landscape.regions import TOLERANCE
from prunescape.present.figures.figure import landscape_notes
from prunescape.present.figures.landscape_data import (
    Landscape,
    LandscapeFigure,
    Panel,
    axis_span,
    colour_range,
    outlines,
)
from prunescape.present.figures.plane import profile, surface
from prunescape.present.labels import joined, threshold_text
from prunescape.store.records import OK

NOT_INFERRED = "not inferred"


@dataclass(frozen=True, kw_only=True)
class InferredFigure(LandscapeFigure):
    """A landscape figure whose surfaces are inferred, but for variants that failed the check."""

    inferred: ClassVar[bool] = True

    @property
    def title(self) -> str:
        return f"{super().title}, partly inferred"

    @property
    def caption(self) -> str:
        regions = joined([f"{threshold_text(x)} ({colour})" for x, colour in self.roi_colours.items()])
        return (
            f"{self.places()}A share of the grid was trained: dots are its cells, all else is inferred from them, by a "
            "Gaussian process over all variants. Top: contours of the inferred accuracy, as far down as the colour bar "
            "reaches. Bottom: by how many points a setting may be better than that, to the upper end of its 95 % "
            f"interval, and the confidence ellipses of the inferred regions within {regions} points of the best. A "
            f"variant that is {NOT_INFERRED} failed the check of its surface: it has contours and ellipses of its "
            "cells alone. A peak between cells may be missed."
            f"{landscape_notes(self, self.axes, ellipses=False)}"
        )

    def panel_title(self, panel: Panel) -> str:
        return super().panel_title(panel) + f", {NOT_INFERRED}" * (panel.reach is None)


def with_inferred(
    figure: LandscapeFigure, scores: pd.DataFrame, inferred: pd.DataFrame, ellipses: pd.DataFrame
) -> InferredFigure:
    """`figure`, which shows the cells in `scores`, with the inferred surface of each variant in place of theirs.

    `inferred` and `ellipses` are the experiment's rows of inferred_roi and inferred_ellipses. A variant without rows,
    whose check failed, keeps the surface and the ellipses of its trained cells.
    """
    rows = inferred[inferred["threshold"] == inferred["threshold"].max()]
    rows = rows.assign(score=rows["inferred"], chosen_on=rows["inferred"], status=OK, seed=0)
    rows = profile(rows.reset_index(drop=True), figure.axes)
    landscapes = [
        _landscape(figure, part, *(table[table["metric"] == part.metric] for table in (scores, rows, ellipses)))
        for part in figure.landscapes
    ]
    lines = [line for part in landscapes for panel in part.panels for line in panel.outlines.values()]
    prior, x, y = figure.prior, *(np.unique(scores[axis.name]) for axis in (figure.axes.x, figure.axes.y))
    spans = {
        "span_x": axis_span(x, prior and prior.x, [line[0] for line in lines]),
        "span_y": axis_span(y, prior and prior.y, [line[1] for line in lines]),
    }
    return InferredFigure(**vars(figure) | {"landscapes": landscapes} | spans)


def _landscape(
    figure: LandscapeFigure, part: Landscape, scores: pd.DataFrame, rows: pd.DataFrame, ellipses: pd.DataFrame
) -> Landscape:
    """One landscape on a scale that holds the best settings of all variants, trained or inferred."""
    shown = pd.concat([rows, scores[~scores["variant"].isin(rows["variant"])]], join="inner")
    floor, ceiling = colour_range(shown, figure.axes, max(figure.roi_colours, default=0.0))
    panels = []
    for panel in part.panels:
        coloured = (panel.score >= floor - TOLERANCE) & ~panel.diverged
        own = rows[rows["variant"] == panel.variant]
        shapes = outlines(ellipses[ellipses["variant"] == panel.variant], figure.axes)
        panels.append(_panel(figure, replace(panel, coloured=coloured), own, shapes))
    ceiling = max(ceiling, *(float(panel.score.max()) for panel in panels))
    return replace(part, panels=panels, floor=floor, ceiling=ceiling, share=float((shown["score"] >= floor).mean()))


def _panel(figure: LandscapeFigure, panel: Panel, rows: pd.DataFrame, shapes: dict) -> Panel:
    """A variant's panel; without `rows` that of its trained cells."""
    if rows.empty:
        return panel
    shown = (rows["inferred"], rows["high"] - rows["inferred"])
    plane = (figure.surface_x, figure.surface_y)
    inferred, reach = (surface(rows.assign(score=values), figure.axes, *plane) for values in shown)
    return replace(panel, surface=inferred, reach=reach, outlines=shapes)
