"""Takes axes, priors and thresholds from a study's summary, for figures, tables and the report."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import pandas as pd

from prunescape.analysis.axes import DEFAULT_AXES, DEFAULT_METRIC, Axes
from prunescape.analysis.read_cells import read_cells, read_study_cells, scores
from prunescape.analysis.results import Analysis
from prunescape.config.analysis import AnalysisTerms
from prunescape.space.recipe import PARAMETERS
from prunescape.store.tables import read_result


def is_adaptive(plan: Mapping[str, Any]) -> bool:
    """Whether an experiment, as a study's summary has it, trains a share of its grid."""
    return plan.get("design", {}).get("kind") == "adaptive"


@dataclass(frozen=True)
class StudyTerms:
    """Axes and priors by experiment; the `thresholds` of regions, the largest first; that of the base's good settings.

    Experiments of which nothing is known, as those of a table from elsewhere, have the `other_axes` and no prior. Of
    those in `adaptive` a share of the grid was trained. `spaces` names the hyperparameters that vary in experiments
    with a space instead of a grid, which have no axes, `searches` those of experiments with a search.
    """

    axes: Mapping[str, Axes]
    priors: Mapping[str, Mapping[str, Any]]
    thresholds: tuple[float, ...]
    risk_threshold: float
    other_axes: Axes = DEFAULT_AXES
    adaptive: frozenset[str] = frozenset()
    spaces: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    searches: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @classmethod
    def of_table(cls, analysis: Analysis) -> Self:
        """The terms of a table from elsewhere."""
        thresholds = tuple(sorted(analysis["thresholds"], reverse=True))
        return cls({}, {}, thresholds, analysis["risk_threshold"], analysis["axes"])

    @classmethod
    def of(cls, study: Mapping[str, Any]) -> Self:
        """The terms of a study's summary, which may be empty."""
        plans, analysis = study.get("experiments", {}), study.get("analysis") or AnalysisTerms().model_dump()
        axes = {name: Axes.of(plan["grid"]) for name, plan in plans.items() if plan["grid"]}
        priors = {name: plan["prior"] for name, plan in plans.items()}
        thresholds = tuple(sorted(analysis["thresholds"], reverse=True))
        adaptive = frozenset(name for name, plan in plans.items() if is_adaptive(plan))
        of_spaces = {name: plan["design"]["space"] for name, plan in plans.items() if not plan["grid"]}
        searches = {name: plan["tune"]["space"] for name, plan in plans.items() if plan.get("tune")}
        spaces = {name: tuple(sorted(space)) for name, space in of_spaces.items() if name not in searches}
        varied = {name: tuple(key for key in sorted(space) if key in PARAMETERS) for name, space in searches.items()}
        limits = {"thresholds": thresholds, "risk_threshold": analysis["risk_threshold"]}
        return cls(axes, priors, **limits, adaptive=adaptive, spaces=spaces, searches=varied)

    def axes_of(self, experiment: str) -> Axes:
        """The axes of an experiment."""
        return self.axes.get(experiment, self.other_axes)

    @property
    def all_axes(self) -> list[Axes]:
        """The different axes of the experiments."""
        return list(dict.fromkeys(self.axes.values())) or [self.other_axes]

    @property
    def varied(self) -> list[str]:
        """The hyperparameters that vary in some experiment, in words."""
        every = self.axes.values() if self.spaces or self.searches else self.all_axes
        labels = [axis.label for axes in every for axis in axes]
        spaces = [*self.spaces.values(), *self.searches.values()]
        labels += [PARAMETERS[name].meaning.label for names in spaces for name in names]
        return list(dict.fromkeys(labels))

    def read_cells(self, path: Path | str) -> pd.DataFrame:
        """The cells of landscapes, checked on the axes of their experiment; raises InputError for an unusable table."""
        of_study = self.axes or self.spaces or self.searches
        return read_study_cells(path, self.axes) if of_study else read_cells(path, partial=True)

    def scores(self, cells: pd.DataFrame) -> dict[str, pd.DataFrame]:
        """The landscapes of every experiment."""
        return {name: scores(rows, self.axes_of(name)) for name, rows in cells.groupby("experiment", sort=True)}

    def read(self, name: str, path: Path | str) -> pd.DataFrame:
        """The table of RESULTS called `name`; raises InputError when it is missing, damaged or lacks a column."""
        limits = {"thresholds": self.thresholds, "risk_threshold": self.risk_threshold}
        limits |= {"metric": DEFAULT_METRIC, "measured": None, "untrained": None}
        analyses = [Analysis({"axes": axes, **limits}) for axes in self.all_axes]
        return read_result(path, {key: column for each in analyses for key, column in each.columns(name).items()})
