"""What a landscape figure shows, before anything is drawn: panels, surfaces, ellipses, scale. Needs pandas."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from prunescape.analysis.cells_table import METRICS, variant_order
from prunescape.analysis.landscape.ellipse import outline
from prunescape.analysis.landscape.regions import THRESHOLDS, TOLERANCE, best_cells
from prunescape.present.figures.captions import CHOSEN_ON_VALIDATION, is_validated, mean_text, metrics_text
from prunescape.present.figures.style import METRIC_TITLES, file_name, seeds_text
from prunescape.present.figures.surface import SURFACE_POINTS, surface

if TYPE_CHECKING:
    import pandas as pd

TOP_SHARE = 0.15
BANDS = 12
SIDE_BY_SIDE = 3  # so many variants of two landscapes stand beside each other; of more, top-5 stands below top-1
Curve = tuple[np.ndarray, np.ndarray]
Setting = tuple[float, float]


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


@dataclass(frozen=True)
class LandscapeFigure:
    """The landscapes of an experiment, in top-1 and where it is recorded in top-5, of one seed or the mean of `seeds`.

    `prior` is (log10_wd, log10_lr) or None; `surface_wd` and `surface_lr` are the axes of every surface, `span_wd` and
    `span_lr` what the axes show; `validated` says that settings are chosen on a validation split, not by the score.
    """

    kind: ClassVar[str] = "landscape"
    name: str
    experiment: str
    seeds: tuple[int, ...]
    landscapes: list[Landscape]
    prior: Setting | None
    surface_wd: np.ndarray
    surface_lr: np.ndarray
    span_wd: Setting
    span_lr: Setting
    validated: bool

    @property
    def metrics(self) -> list[str]:
        return [landscape.metric for landscape in self.landscapes]

    @property
    def stacked(self) -> bool:
        """Whether the second landscape stands below the first, for want of room beside it."""
        return len(self.landscapes) > 1 and len(self.landscapes[0].panels) > SIDE_BY_SIDE

    @property
    def least_width(self) -> int:
        """Pixels that the browser's drawing needs."""
        beside = 1 if self.stacked else len(self.landscapes)
        return 160 + 140 * beside * len(self.landscapes[0].panels)

    @property
    def title(self) -> str:
        mean = "mean over " if len(self.seeds) > 1 else ""
        what = "landscapes" if len(self.landscapes) > 1 else "landscape"
        return f"{self.experiment}: {metrics_text(self.metrics)} {what} of each variant, {mean}{seeds_text(self.seeds)}"

    @property
    def caption(self) -> str:
        shares = " and ".join(f"{landscape.share:.0%}" for landscape in self.landscapes)
        lower = any(landscape.share > TOP_SHARE + 0.005 for landscape in self.landscapes)
        bars = "colour bar, which covers" if len(self.landscapes) == 1 else "colour bars, which cover"
        return (
            f"{self._places()}Top: contours of the accuracy, interpolated between the cells on the {bars} the best "
            f"{shares} of all variants' cells{', so that no variant is without colour' * lower}; cells below are "
            "grey dots and take no part. Bottom: every cell, with the confidence ellipses of the regions within 1.0 "
            "(white) and 0.5 points (black) of the variant's best cell, drawn where a region has 5 cells or more."
            + CHOSEN_ON_VALIDATION * self.validated
            + mean_text(self.seeds, ellipses=True)
        )

    def _places(self) -> str:
        """Where each landscape stands, when there are two."""
        if len(self.landscapes) == 1:
            return ""
        first, second = (METRIC_TITLES[metric] for metric in self.metrics)
        where = f"Upper half: {first}; lower half: {second}" if self.stacked else f"Left: {first}; right: {second}"
        return f"{where}, each with its own regions and colours. "


def landscape_figure(
    scores: pd.DataFrame, ellipses: pd.DataFrame, prior: Setting | None, seeds: tuple[int, ...]
) -> LandscapeFigure:
    """The figure of `scores`, the cells of ONE experiment and seed, with the rows of `ellipses` that are theirs.

    With several `seeds` they are those of `landscape.mean`. Contour over scatter, one column per variant
    (matthiesen2023, Figures 4.1 and 4.2); top-1 and top-5 side by side, each with its own ROI (Figure 4.3).
    """
    wd, lr = (np.unique(scores[name]) for name in ("log10_wd", "log10_lr"))
    x, y = (np.linspace(values[0], values[-1], SURFACE_POINTS) for values in (wd, lr))
    landscapes = [
        _landscape(scores[scores["metric"] == metric], ellipses[ellipses["metric"] == metric], x, y)
        for metric in METRICS
        if (scores["metric"] == metric).any()
    ]
    lines = [line for part in landscapes for panel in part.panels for line in panel.outlines.values()]
    experiment, metrics = scores["experiment"].iloc[0], [landscape.metric for landscape in landscapes]
    return LandscapeFigure(
        name=file_name("landscape", experiment, *metrics, "mean" if len(seeds) > 1 else f"seed{seeds[0]}"),
        experiment=experiment,
        seeds=seeds,
        landscapes=landscapes,
        prior=prior,
        surface_wd=x,
        surface_lr=y,
        span_wd=_span(wd, prior and prior[0], [line[0] for line in lines]),
        span_lr=_span(lr, prior and prior[1], [line[1] for line in lines]),
        validated=is_validated(scores),
    )


def colour_range(scores: pd.DataFrame) -> Setting:
    """The lowest and highest percent on the colour bar; never equal, so that a flat landscape can be drawn.

    It holds the top 15 % of all variants' cells (matthiesen2023, Figures 4.1 and 4.2). Decided: it reaches lower where
    it would not hold every variant's 1.0-ROI, so that no variant is left without colour.
    """
    worst_best = best_cells(scores)["score"].min()
    floor = min(float(np.quantile(scores["score"], 1 - TOP_SHARE)), float(worst_best) - max(THRESHOLDS))
    return max(floor, 0.0), float(scores["score"].max()) or 1.0


def _landscape(scores: pd.DataFrame, ellipses: pd.DataFrame, x: np.ndarray, y: np.ndarray) -> Landscape:
    floor, ceiling = colour_range(scores)
    panels = [
        _panel(rows, ellipses[ellipses["variant"] == name], floor, x, y)
        for name, rows in sorted(scores.groupby("variant"), key=lambda item: variant_order(item[0]))
    ]
    share = float((scores["score"] >= floor - TOLERANCE).mean())
    return Landscape(scores["metric"].iloc[0], panels, floor, ceiling, share)


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


def _span(values: np.ndarray, prior: float | None, outlines: list[np.ndarray]) -> Setting:
    """The axis from the lowest to the highest value, the prior included, and half a grid step around.

    It reaches for the ellipses' outlines, but no further than two steps beyond the grid.
    """
    shown = values if prior is None else np.append(values, prior)
    low, high = float(shown.min()), float(shown.max())
    step = float(np.diff(values).min()) if len(values) > 1 else 0.8
    drawn = np.concatenate([values, *outlines])
    left, right = np.clip([low - drawn.min(), drawn.max() - high], 0.5 * step, 1.9 * step) + 0.1 * step
    return low - float(left), high + float(right)
