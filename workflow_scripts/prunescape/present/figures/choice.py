"""Which figures a study has, in what order, and where the report shows each. Needs pandas."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from prunescape.analysis.cells_table import METRICS
from prunescape.analysis.landscape.ellipse import ellipses as fit_ellipses
from prunescape.analysis.landscape.mean import mean_scores
from prunescape.analysis.landscape.regions import regions
from prunescape.present.figures.grid_data import GridFigure, grid_figure
from prunescape.present.figures.landscape_data import LandscapeFigure, landscape_figure
from prunescape.present.figures.pareto_data import ParetoFigure
from prunescape.present.figures.risk_data import RiskFigure, risk_figure

if TYPE_CHECKING:
    import pandas as pd

Figure = LandscapeFigure | GridFigure | RiskFigure | ParetoFigure
# in the report: drawn and open, drawn and folded, or only named with its files, so that many seeds do not swell it
OPEN, FOLDED, LINKED = "open", "folded", "linked"
Setting = tuple[float, float]


def study_figures(
    scores: pd.DataFrame, ellipses: pd.DataFrame, points: pd.DataFrame, study: dict
) -> list[tuple[Figure, str]]:
    """Every figure of a study with its place in the report, in the order of the report.

    `points` as `risk.risk_points`. First, of several experiments, the risk of all side by side; then each experiment's
    own.
    """
    chosen: list[tuple[Figure, str]] = []
    if points["experiment"].nunique() > 1:
        chosen += [(risk_figure(rows, of_study=True), _open_top1(rows)) for rows in _by_metric(points)]
    for name, rows in scores.groupby("experiment", sort=True):
        prior = study.get("experiments", {}).get(name, {}).get("prior")
        at = None if prior is None else (float(prior["log10_wd"]), float(prior["log10_lr"]))
        own = (table[table["experiment"] == name] for table in (ellipses, points))
        chosen += _experiment_figures(rows, *own, at)
    return chosen


def _experiment_figures(
    scores: pd.DataFrame, ellipses: pd.DataFrame, points: pd.DataFrame, prior: Setting | None
) -> list[tuple[Figure, str]]:
    """The landscape, the risk, the annotated grid; of several seeds the mean's landscape and grid, then each landscape.

    The mean's ellipses are those of its own regions.
    """
    seeds = tuple(int(seed) for seed in np.unique(scores["seed"]))
    whole = mean_scores(scores) if len(seeds) > 1 else scores
    shapes = fit_ellipses(regions(whole), whole) if len(seeds) > 1 else ellipses
    chosen: list[tuple[Figure, str]] = []
    if not whole.empty:
        chosen.append((landscape_figure(whole, shapes, prior, seeds), OPEN))
    chosen += [(risk_figure(rows), _open_top1(rows)) for rows in _by_metric(points)]
    chosen += [(grid_figure(rows, prior, seeds), FOLDED) for rows in _by_metric(whole)]
    for seed in seeds if len(seeds) > 1 else ():
        one, own = scores[scores["seed"] == seed], ellipses[ellipses["seed"] == seed]
        place = OPEN if whole.empty and seed == seeds[0] else LINKED
        chosen.append((landscape_figure(one, own, prior, (seed,)), place))
    return chosen


def _by_metric(table: pd.DataFrame) -> list[pd.DataFrame]:
    return [rows for metric in METRICS if len(rows := table[table["metric"] == metric])]


def _open_top1(rows: pd.DataFrame) -> str:
    return OPEN if rows["metric"].iloc[0] == "top1" else FOLDED
