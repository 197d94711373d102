"""The simulated landscapes that a part of the cells is tried on, and figures stated before. Needs numpy."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np
import pandas as pd

BASE = "base"
# how far the best setting of each lies from the middle of the grid, decades of learning rate and weight decay
SHIFTS = {BASE: (0.0, 0.0), "moved by 0.2": (0.2, 0.0), "moved by 0.3": (-0.2, 0.2)}
TOP = 90.0  # percent; each further variant reaches a point less
BAND, CLIFF, PEAK, DIGITS = "band", "band and cliff", "isolated peak", "band, digits' steps"
UNCUT = "band and cliff, scores not cut"


@dataclass(frozen=True)
class Case:
    """A simulated study: its landscape, the grid's points per side, σ of a cell (points), trained cells per variant."""

    landscape: str
    side: int = 9
    sigma: float = 0.2
    cells: int = 27

    @property
    def reach(self) -> tuple[float, ...]:
        """The thresholds that the surface is fitted for: at 25, no score is deep enough to be cut."""
        return (25.0,) if self.landscape == UNCUT else (0.5, 1.0)


def cases() -> list[Case]:
    """Every case; coarse grids at the smaller noise only."""
    nine = [Case(name, sigma=sigma) for name, sigma in product((BAND, CLIFF, UNCUT, PEAK), (0.2, 0.4))]
    six = [Case(name, 6, cells=cells) for name, cells in product((BAND, DIGITS), (12, 16))]
    return nine + six


def grid(case: Case) -> pd.DataFrame:
    """The settings: 1.6 x 1.6 decades; with the steps of the default study 2.5 x 4, in which the band is narrower."""
    lr, wd = (1.25, 2.0) if case.landscape == DIGITS else (0.8, 0.8)
    axes = [np.round(np.linspace(-end, end, case.side), 9) for end in (lr, wd)]
    points = [axis.ravel() for axis in np.meshgrid(*axes, indexing="ij")]
    return pd.DataFrame(dict(zip(("log10_lr", "log10_wd"), points, strict=True)))


def truth(case: Case, settings: pd.DataFrame, variant: str) -> np.ndarray:
    """(points,) mean scores of a variant in percent.

    The band falls by 4 points per squared decade across lr · wd = constant and by 0.5 along it, as in verdict_cases;
    the cliff drops by 30 points where the learning rate is 0.5 decades over the best; the peak is the one setting
    nearest the best, one point above a plateau.
    """
    lr, wd = (settings[name].to_numpy() - by for name, by in zip(settings, SHIFTS[variant], strict=True))
    along, across = (lr - wd) / np.sqrt(2), (lr + wd) / np.sqrt(2)
    band = -4 * across**2 - 0.5 * along**2
    shape = np.where(lr > 0.5, -30.0, band) if case.landscape in (CLIFF, UNCUT) else band
    if case.landscape == PEAK:
        shape = np.where(np.arange(len(lr)) == np.hypot(lr, wd).argmin(), 0.0, -1.0)
    return TOP - list(SHIFTS).index(variant) + shape


def _pairs(landscape: str, full: bool, measure: str, values: tuple[float, float]) -> list[tuple]:
    """The stated figures of one measure at σ = .2 and .4."""
    estimator = "full grid, cells" if full else "part, inferred"
    return [
        (landscape, sigma, 9, 27, estimator, measure, value) for sigma, value in zip((0.2, 0.4), values, strict=True)
    ]


# landscape, σ, side, cells, estimator, measure, figure
STATED = [
    *_pairs(BAND, True, "Jaccard, 0.5-ROI", (0.55, 0.24)),
    *_pairs(BAND, False, "Jaccard, 0.5-ROI", (0.85, 0.78)),
    *_pairs(BAND, True, "Jaccard, 1-ROI", (0.79, 0.47)),
    *_pairs(BAND, False, "Jaccard, 1-ROI", (0.90, 0.83)),
    *_pairs(BAND, False, "centre error", (0.04, 0.07)),
    *_pairs(BAND, True, "bias of risk", (0.18, 0.46)),
    *_pairs(BAND, False, "bias of risk", (0.01, -0.01)),
    *_pairs(BAND, False, "best missed", (0.40, 0.52)),
    *_pairs(PEAK, False, "Jaccard, 0.5-ROI", (0.14, 0.21)),
    *[(BAND, 0.2, 6, 12, "part, inferred", f"Jaccard, {x}-ROI", value) for x, value in ((0.5, 0.57), (1, 0.71))],
    (BAND, 0.2, 6, 16, "part, inferred", "Jaccard, 0.5-ROI", 0.82),
]
