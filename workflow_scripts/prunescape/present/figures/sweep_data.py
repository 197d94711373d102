"""Accuracy over the one hyperparameter that a grid varies, which spans no plane: a panel per variant."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from prunescape.analysis.axes import BASE, Axes, Axis
from prunescape.analysis.landscape.regions import best_cells, regions
from prunescape.analysis.read_cells import variant_order
from prunescape.present.figures.figure import Figure, file_name, is_validated, landscape_notes, seeds_name, seeds_title
from prunescape.present.labels import METRIC_TITLES, threshold_text, variant_title
from prunescape.present.numbers import counted
from prunescape.store.records import OK

INSIDE, OUTSIDE, DIVERGED = "inside", "outside", "diverged"  # kinds of cells
PER_ROW = 5  # panels beside each other
REACH = 20.0  # percentage points below the best cell of all that are drawn


@dataclass(frozen=True)
class Sweep:
    """One variant over the hyperparameter, (n,) arrays by rising `values`; `inside` is its region, `best` a place."""

    variant: str
    values: np.ndarray
    scores: np.ndarray
    inside: np.ndarray
    diverged: np.ndarray
    best: int

    @property
    def kinds(self) -> dict[str, np.ndarray]:
        """(n,) which cells are of which kind: in the region, outside, or diverged."""
        kept = ~self.diverged
        return {INSIDE: self.inside & kept, OUTSIDE: ~self.inside & kept, DIVERGED: self.diverged}

    @property
    def title(self) -> str:
        """The variant, and its best cell, each on a line of its own; a pipeline too."""
        return f"{variant_title(self.variant).replace(' (', chr(10) + '(')}\nbest {self.scores[self.best]:.2f} %"


@dataclass(frozen=True, kw_only=True)
class SweepFigure(Figure):
    """The sweeps of an experiment over `axis` in one metric, of one seed or the mean of `seeds`; x of its regions."""

    kind: ClassVar[str] = "sweep"
    axes: Axes
    axis: Axis
    sweeps: list[Sweep]
    threshold: float
    prior: float | None

    @property
    def columns(self) -> int:
        """Panels beside each other."""
        return min(len(self.sweeps), PER_ROW)

    @property
    def least_width(self) -> int:
        return 120 + 140 * self.columns

    @property
    def base(self) -> Sweep | None:
        """That of the base, which stands behind the others."""
        return next((sweep for sweep in self.sweeps if sweep.variant == BASE), None)

    @property
    def span_y(self) -> tuple[float, float]:
        """What the vertical axis shows, percent."""
        scores = np.concatenate([sweep.scores for sweep in self.sweeps])
        low, high = max(scores.min(), scores.max() - REACH), scores.max()
        around = 0.05 * (high - low) or 0.5
        return float(low - around), float(high + around)

    @property
    def kinds(self) -> list[str]:
        """The kinds of cells that there are."""
        return [kind for kind in (INSIDE, OUTSIDE, DIVERGED) if any(sweep.kinds[kind].any() for sweep in self.sweeps)]

    @property
    def below(self) -> int:
        """Cells that are too low to be drawn."""
        return int(sum((sweep.scores < self.span_y[0]).sum() for sweep in self.sweeps))

    @property
    def score_title(self) -> str:
        return f"{METRIC_TITLES[self.metrics[0]]}, %"

    @property
    def title(self) -> str:
        return f"{self.whose}: {self.metric_titles} of each variant, {seeds_title(self.seeds)}"

    @property
    def caption(self) -> str:
        hidden = f" {counted(self.below, 'cell')} more than {REACH:g} points below the best of all: not drawn."
        return (
            f"The accuracy of each cell; filled: within {threshold_text(self.threshold)} points of the variant's best "
            f"cell. Pale: the base's.{hidden * (self.below > 0)}{landscape_notes(self, self.axes, ellipses=False)}"
        )


def swept_axis(scores: pd.DataFrame, axes: Axes) -> Axis | None:
    """The only axis along which these cells differ; None where they differ along several, or none."""
    several = [axis for axis in axes if scores[axis.name].nunique() > 1]
    return several[0] if len(several) == 1 else None


def sweep_figure(
    scores: pd.DataFrame, axes: Axes, threshold: float, prior: Mapping[str, Any] | None, seeds: tuple[int, ...]
) -> SweepFigure:
    """The figure of `scores`, the cells of ONE experiment, metric and seed that differ along one axis.

    `threshold` is the x of the regions, percentage points. With several `seeds` they are those of `mean_scores`.
    """
    axis = swept_axis(scores, axes)
    inside = scores.merge(regions(scores, axes, (threshold,))[["variant", axis.name]].assign(inside=True), how="left")
    best = best_cells(scores, axes).set_index("variant")[axis.name]
    sweeps = [
        _sweep(rows.sort_values(axis.name), axis, best[name])
        for name, rows in sorted(inside.groupby("variant"), key=lambda item: variant_order(item[0]))
    ]
    experiment, metric = (str(scores[name].iloc[0]) for name in ("experiment", "metric"))
    return SweepFigure(
        name=file_name("sweep", experiment, metric, seeds_name(seeds)),
        experiment=experiment,
        metrics=[metric],
        seeds=seeds,
        axes=axes,
        axis=axis,
        sweeps=sweeps,
        threshold=threshold,
        prior=float(prior[axis.name]) if prior else None,
        validated=is_validated(scores),
    )


def _sweep(rows: pd.DataFrame, axis: Axis, best: float) -> Sweep:
    values = rows[axis.name].to_numpy(dtype="float64")
    return Sweep(
        variant=rows["variant"].iloc[0],
        values=values,
        scores=rows["score"].to_numpy(dtype="float64"),
        inside=rows["inside"].notna().to_numpy(),
        diverged=(rows["status"] != OK).to_numpy(),
        best=int(np.flatnonzero(values == best)[0]),
    )


def without_insides(figure: SweepFigure, variants: list[str]) -> SweepFigure:
    """The figure without the regions of these variants."""
    plain = [
        replace(sweep, inside=np.zeros_like(sweep.inside)) if sweep.variant in variants else sweep
        for sweep in figure.sweeps
    ]
    return replace(figure, sweeps=plain)
