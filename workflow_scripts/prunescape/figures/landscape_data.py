"""What a landscape figure shows, before anything is drawn: panels, surfaces, ellipses, scale. Needs scipy, pandas."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from prunescape.figures.style import METRIC_TITLES, file_name
from prunescape.landscape.ellipse import outline
from prunescape.landscape.roi import THRESHOLDS, TOLERANCE, best_cells
from prunescape.landscape.table import variant_order

if TYPE_CHECKING:
    import pandas as pd

TOP_SHARE = 0.15
SURFACE_POINTS = 101
BANDS = 12
Curve = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Panel:
    """One variant: its cells, (n,) arrays in one order; its best cell; its surface, (y, x) in percent, or None.

    `best` is (log10_wd, log10_lr, percent); `outlines` maps a threshold to its ellipse's curve (log10_wd, log10_lr).
    """

    variant: str
    log10_wd: np.ndarray
    log10_lr: np.ndarray
    score: np.ndarray
    diverged: np.ndarray
    best: tuple[float, float, float]
    surface: np.ndarray | None
    outlines: dict[float, Curve]


@dataclass(frozen=True)
class LandscapeFigure:
    """All variants of an experiment in one metric and seed, on one scale from `floor` to `ceiling` (percent).

    `share` is the share of all cells on the scale; `surface_wd` and `surface_lr` are the axes of every surface;
    `span_wd` and `span_lr` what the axes show; `prior` is (log10_wd, log10_lr) or None.
    """

    name: str
    experiment: str
    metric: str
    seed: int
    panels: list[Panel]
    floor: float
    ceiling: float
    share: float
    prior: tuple[float, float] | None
    surface_wd: np.ndarray
    surface_lr: np.ndarray
    span_wd: tuple[float, float]
    span_lr: tuple[float, float]

    @property
    def title(self) -> str:
        return f"{self.experiment}: {METRIC_TITLES[self.metric]} landscape of each variant, seed {self.seed}"

    @property
    def levels(self) -> np.ndarray:
        """The contour levels, (BANDS + 1,), from `floor` to `ceiling`, a trace lower.

        Scores are counts of images, so whole plateaus would lie exactly on a level and be drawn as noise.
        """
        return np.linspace(self.floor, self.ceiling, BANDS + 1) - 1e-4 * (self.ceiling - self.floor)

    @property
    def caption(self) -> str:
        more = "" if self.share <= TOP_SHARE + 0.005 else ", so far down that it holds every variant's 1.0-ROI"
        return (
            f"Top: contours of the {METRIC_TITLES[self.metric]} accuracy, interpolated between the cells on the colour "
            f"bar, which covers the best {self.share:.0%} of all variants' cells{more}; cells below it are grey dots "
            "and take no part in the interpolation. Bottom: every cell, with the confidence ellipses of the regions "
            "within 1.0 (white) and 0.5 points (black) of the variant's best cell, drawn where a region has 5 cells or "
            "more."
        )


def landscape_figure(scores: pd.DataFrame, ellipses: pd.DataFrame, prior: tuple[float, float] | None):
    """The figure of `scores`, the cells of ONE experiment, metric and seed, with the rows of `ellipses` that are its.

    The colour bar holds the top 15 % of all variants' cells (matthiesen2023, Figures 4.1 and 4.2). Decided: it reaches
    lower where it would not hold every variant's 1.0-ROI, so that no variant is left without colour.
    """
    first = scores.iloc[0]
    floor, ceiling = colour_range(scores)
    wd, lr = (np.unique(scores[name]) for name in ("log10_wd", "log10_lr"))
    x, y = (np.linspace(values[0], values[-1], SURFACE_POINTS) for values in (wd, lr))
    panels = [
        _panel(rows, ellipses[ellipses["variant"] == name], floor, x, y)
        for name, rows in sorted(scores.groupby("variant"), key=lambda item: variant_order(item[0]))
    ]
    return LandscapeFigure(
        name=file_name("landscape", first.experiment, first.metric, f"seed{first.seed}"),
        experiment=first.experiment,
        metric=first.metric,
        seed=int(first.seed),
        panels=panels,
        floor=floor,
        ceiling=ceiling,
        share=float((scores["score"] >= floor - TOLERANCE).mean()),
        prior=prior,
        surface_wd=x,
        surface_lr=y,
        span_wd=_span(wd, prior and prior[0], [line[0] for panel in panels for line in panel.outlines.values()]),
        span_lr=_span(lr, prior and prior[1], [line[1] for panel in panels for line in panel.outlines.values()]),
    )


def colour_range(scores: pd.DataFrame) -> tuple[float, float]:
    """The lowest and highest percent on the colour bar; never equal, so that a flat landscape can be drawn."""
    worst_best = scores.groupby("variant")["score"].max().min()
    floor = min(float(np.quantile(scores["score"], 1 - TOP_SHARE)), float(worst_best) - max(THRESHOLDS))
    return max(floor, 0.0), float(scores["score"].max()) or 1.0


def _panel(rows: pd.DataFrame, ellipses: pd.DataFrame, floor: float, x: np.ndarray, y: np.ndarray) -> Panel:
    best = best_cells(rows).iloc[0]
    shapes = [row for row in ellipses.itertuples() if np.isfinite(row.length)]
    kept = rows[(rows["score"] >= floor - TOLERANCE) & (rows["status"] == "ok")]
    return Panel(
        variant=best.variant,
        log10_wd=rows["log10_wd"].to_numpy(),
        log10_lr=rows["log10_lr"].to_numpy(),
        score=rows["score"].to_numpy(),
        diverged=(rows["status"] != "ok").to_numpy(),
        best=(float(best.log10_wd), float(best.log10_lr), float(best.score)),
        surface=surface(kept, x, y),
        outlines={row.threshold: outline(row) for row in shapes},
    )


def surface(kept: pd.DataFrame, x: np.ndarray, y: np.ndarray) -> np.ndarray | None:
    """Percent at every (y, x): linear between the `kept` cells, nan outside their hull; None when they span no area."""
    from scipy.interpolate import LinearNDInterpolator
    from scipy.spatial import QhullError

    if len(kept) < 3:
        return None
    try:
        between = LinearNDInterpolator(kept[["log10_wd", "log10_lr"]].to_numpy(), kept["score"], rescale=True)
    except QhullError:
        return None
    return between(*np.meshgrid(x, y)).astype(np.float32)


def _span(values: np.ndarray, prior: float | None, outlines: list[np.ndarray]) -> tuple[float, float]:
    """The axis from the lowest to the highest value, the prior included, and half a grid step around.

    It reaches for the ellipses' outlines, but no further than two steps beyond the grid.
    """
    shown = values if prior is None else np.append(values, prior)
    low, high = float(shown.min()), float(shown.max())
    step = float(np.diff(values).min()) if len(values) > 1 else 0.8
    drawn = np.concatenate([values, *outlines])
    left, right = np.clip([low - drawn.min(), drawn.max() - high], 0.5 * step, 1.9 * step) + 0.1 * step
    return low - float(left), high + float(right)
