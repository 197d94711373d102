"""Which settings of a grid are trained next, so that a part of them shows the region of interest and the best setting.

Nothing here reads files: the design of a study and the simulation of its error both use it.
"""

from collections.abc import Mapping, Sequence
from itertools import product
from typing import TypeVar

import numpy as np
import pandas as pd

from prunescape.analysis.axes import Axes
from prunescape.analysis.intervals import NORMAL_QUANTILE
from prunescape.analysis.surface.process import Surface

LATTICE_STEP = 3  # every third value of an axis: 16 of 9 x 9 settings
UPPER = 2.0  # posterior standard deviations above the mean, of the first choice of a batch
Value = TypeVar("Value", float, str)


def base_lattice(values: Mapping[str, Sequence[Value]]) -> list[dict[str, Value]]:
    """The first settings of a base: every third value of each axis, or nearer, the lowest and the highest among them.

    `values` are those of the grid by axis, ascending.
    """
    return _settings({name: _spread(axis, 1 - (1 - len(axis)) // LATTICE_STEP) for name, axis in values.items()})


def corner_settings(values: Mapping[str, Sequence[Value]]) -> list[dict[str, Value]]:
    """The first settings of a variant, to which those of the base's trained 0.5-ROI are added: the grid's corners."""
    return _settings({name: _spread(axis, 2) for name, axis in values.items()})


def next_settings(
    surface: Surface,
    variant: str,
    trained: pd.DataFrame,
    candidates: pd.DataFrame,
    axes: Axes,
    *,
    number: int,
    thresholds: tuple[float, ...],
) -> pd.DataFrame:
    """The settings of one batch, `number` or fewer, in the order of choice; none where nothing is left to learn.

    `candidates` are the grid's settings, `trained` the rows that `fit_surface` took, or this variant's only. With μ and
    τ the posterior mean and standard deviation of z, the first is the one with the highest μ + 2 τ, where the best may
    be. The others have the highest max over x of 1.96 τ - |μ + log(1 + x)| (straddle: Bryan et al. 2005): at 0 it is
    known to 95 % on which side of the edge of the x-ROI they lie. After each choice the process is told that it scored
    what was expected (kriging believer: Ginsbourger et al. 2010), so that τ falls nearby and μ stays. Raises InputError
    for a variant without a posterior, and for thresholds that the surface was not fitted for.
    """
    surface.check_thresholds(thresholds)
    own = trained[trained["variant"] == variant] if "variant" in trained else trained
    left = _without(candidates[axes.names], own[axes.names])
    if left.empty or number < 1:
        return left.iloc[:0]
    mean, covariance = surface.posterior(variant, left)
    edges = -np.log1p(np.array(thresholds))
    chosen: list[int] = []
    while len(chosen) < min(number, len(left)):
        deviation = np.sqrt(np.clip(np.diag(covariance), 0, None))
        straddle = NORMAL_QUANTILE * deviation - np.abs(mean[:, None] - edges).min(axis=1)
        straddle[chosen] = -np.inf
        if straddle.max() <= 0:
            break
        pick = int((straddle if chosen else mean + UPPER * deviation).argmax())
        covariance = _told(covariance, pick, surface.noise)
        chosen.append(pick)
    return left.iloc[chosen].reset_index(drop=True)


def _without(candidates: pd.DataFrame, trained: pd.DataFrame) -> pd.DataFrame:
    """The distinct candidates that are not among the trained settings, in their order."""
    left = candidates.drop_duplicates().merge(trained.drop_duplicates(), how="left", indicator=True)
    return left.loc[left["_merge"] == "left_only", list(candidates)].reset_index(drop=True)


def _told(covariance: np.ndarray, pick: int, noise: float) -> np.ndarray:
    """The covariance once one more cell was trained at the setting `pick`."""
    row = covariance[pick]
    return covariance - np.outer(row, row) / (row[pick] + noise)


def _spread(axis: Sequence[Value], count: int) -> list[Value]:
    """`count` values of an axis, spread evenly from its first to its last; all where it has no more."""
    places = np.unique(np.round(np.linspace(0, len(axis) - 1, min(count, len(axis)))).astype(int))
    return [axis[place] for place in places]


def _settings(values: Mapping[str, Sequence[Value]]) -> list[dict[str, Value]]:
    return [dict(zip(values, setting, strict=True)) for setting in product(*values.values())]
