"""What figures, tables and the report take from a study's summary: axes, priors and thresholds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prunescape.analysis.axes import DEFAULT_AXES, Axes
from prunescape.analysis.cells_table import read_study_cells, scores
from prunescape.analysis.sources.optuna_storage import read_cells_or_trials

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Terms:
    """Axes and priors by experiment; the `thresholds` of regions, the largest first; that of the base's good settings.

    Nothing is known of the experiments of a table from elsewhere: they have the default axes and no prior.
    """

    axes: Mapping[str, Axes]
    priors: Mapping[str, Mapping[str, Any]]
    thresholds: tuple[float, ...]
    risk_threshold: float

    @classmethod
    def of(cls, study: Mapping[str, Any], thresholds: Iterable[float]) -> Terms:
        """The terms of a study's summary, which may be empty.

        Without an analysis in it, thresholds are the `thresholds` of a result table, and risks are over the smallest.
        """
        plans, analysis = study.get("experiments", {}), study.get("analysis", {})
        axes = {name: Axes.of(plan["grid"]) for name, plan in plans.items()}
        priors = {name: plan["prior"] for name, plan in plans.items()}
        ordered = sorted(set(analysis.get("thresholds", thresholds)), reverse=True)
        smallest = min(ordered, default=0.0)
        return cls(axes, priors, tuple(ordered), analysis.get("risk_threshold", smallest))

    def axes_of(self, experiment: str) -> Axes:
        """The axes of an experiment."""
        return self.axes.get(experiment, DEFAULT_AXES)

    def read_scores(self, cells: Path | str) -> dict[str, pd.DataFrame]:
        """The landscapes of every experiment in a table of cells; raises InputError for an unusable one."""
        known = read_study_cells(cells, self.axes) if self.axes else read_cells_or_trials(cells, partial=True)
        return {name: scores(rows, self.axes_of(name)) for name, rows in known.groupby("experiment", sort=True)}
