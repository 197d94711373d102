"""Which figures a study has, in what order, and where the report shows each."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from prunescape.analysis.axes import METRICS
from prunescape.analysis.cells_table import mean_scores
from prunescape.analysis.landscape.regions import ellipses as fit_ellipses
from prunescape.analysis.landscape.regions import regions
from prunescape.analysis.landscape.risk import risk_points
from prunescape.present.figures.figure import Figure
from prunescape.present.figures.grid_data import grid_figure
from prunescape.present.figures.landscape_data import landscape_figure
from prunescape.present.figures.risk_data import risk_figure
from prunescape.present.terms import Terms

# in the report: drawn and open, drawn and folded, or only named with its files, so that many seeds do not swell it
OPEN, FOLDED, LINKED = "open", "folded", "linked"


def study_figures(
    scores: Mapping[str, pd.DataFrame], roi: pd.DataFrame, ellipses: pd.DataFrame, terms: Terms
) -> list[tuple[Figure, str]]:
    """Every figure of a study with its place in the report, in the order of the report.

    `scores` are the landscapes of each experiment. First, of several experiments, the risk of all side by side; then
    the figures of each experiment.
    """
    points = {
        name: risk_points(rows, _of(roi, name), terms.axes_of(name), terms.risk_threshold)
        for name, rows in sorted(scores.items())
    }
    chosen: list[tuple[Figure, str]] = []
    if sum(map(len, points.values())) > max(map(len, points.values()), default=0):
        chosen += _risk_figures(pd.concat(points.values()), terms, of_study=True)
    for name, rows in points.items():
        chosen += _experiment_figures(scores[name], _of(ellipses, name), name, _risk_figures(rows, terms), terms)
    return chosen


def _of(table: pd.DataFrame, experiment: str) -> pd.DataFrame:
    return table[table["experiment"] == experiment]


def _risk_figures(points: pd.DataFrame, terms: Terms, *, of_study: bool = False) -> list[tuple[Figure, str]]:
    """One per metric; that of top-1 is open."""
    axes = {name: terms.axes_of(name) for name in points["experiment"].unique()}
    figures = [risk_figure(rows, axes, terms.risk_threshold, of_study=of_study) for rows in _by_metric(points)]
    return [(figure, OPEN if figure.metrics == [METRICS[0]] else FOLDED) for figure in figures]


def _experiment_figures(
    scores: pd.DataFrame, ellipses: pd.DataFrame, experiment: str, risks: list[tuple[Figure, str]], terms: Terms
) -> list[tuple[Figure, str]]:
    """The landscape, the risk, the annotated grid; of several seeds the mean's landscape and grid, then each landscape.

    The mean's ellipses are those of its regions.
    """
    axes, prior = terms.axes_of(experiment), terms.priors.get(experiment)
    seeds = tuple(int(seed) for seed in np.unique(scores["seed"]))
    mean, shapes = scores, ellipses
    if len(seeds) > 1:
        mean = mean_scores(scores, axes)
        shapes = fit_ellipses(regions(mean, axes, terms.thresholds), mean, axes)
    chosen: list[tuple[Figure, str]] = []
    if not mean.empty:
        chosen.append((landscape_figure(mean, shapes, axes, prior, seeds), OPEN))
    chosen += risks
    chosen += [(grid_figure(rows, axes, terms.thresholds[0], prior, seeds), FOLDED) for rows in _by_metric(mean)]
    for seed in seeds if len(seeds) > 1 else ():
        one, shapes = (table[table["seed"] == seed] for table in (scores, ellipses))
        place = OPEN if mean.empty and seed == seeds[0] else LINKED
        chosen.append((landscape_figure(one, shapes, axes, prior, (seed,)), place))
    return chosen


def _by_metric(table: pd.DataFrame) -> list[pd.DataFrame]:
    return [rows for metric in METRICS if len(rows := table[table["metric"] == metric])]
