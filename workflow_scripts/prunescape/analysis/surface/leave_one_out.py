"""Whether a surface predicts a variant's trained cells, each from all others, so that what it infers can be shown."""

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from prunescape.analysis.intervals import NORMAL_QUANTILE

if TYPE_CHECKING:
    from prunescape.analysis.surface.process import Surface

# A variant passes unless its 95 % prediction intervals hold fewer cells than with a coverage of .9 (exact binomial
# test), and if predictions explain a third of the squared error that the mean of the other cells leaves: else the cells
# show no form that untrained settings could be inferred from, as where a peak stands on a plateau (docs/landscapes.md)
COVERED, TEST_LEVEL, EXPLAINED = 0.9, 0.05, 1 / 3


def coverage(surface: "Surface") -> pd.DataFrame:
    """One row per variant: n trained cells; covered, explained; passed.

    covered is the share of cells whose score lies in its 95 % prediction interval, noise included; explained is
    1 - Σ (z - prediction)² / Σ (z - mean of the variant's other cells)², below 0 where predictions are worse than that.
    """
    from scipy.stats import binom

    mean, sd = predictions(surface)
    z, variant = pd.Series(surface.z_trained), surface.trained["variant"]
    grouped = z.groupby(variant, sort=False)
    size = grouped.transform("size")
    from_others = (z - grouped.transform("mean")) * size / (size - 1)
    cells = pd.DataFrame(
        {"hit": (z - mean).abs() <= NORMAL_QUANTILE * sd, "left": (z - mean) ** 2, "spread": from_others**2}
    )
    sums = cells.groupby(variant, sort=False).sum()
    table = pd.DataFrame({"n": grouped.size()})
    table["covered"], table["explained"] = sums["hit"] / table["n"], 1 - sums["left"] / sums["spread"]
    chance = binom.cdf(sums["hit"], table["n"], COVERED)
    table["passed"] = (chance >= TEST_LEVEL) & (table["explained"] >= EXPLAINED)
    return table.rename_axis("variant").reset_index()


def predictions(surface: "Surface") -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation, noise included, of each trained cell's z given all others, hyperparameters kept.

    From the inverse K of the cells' covariance: z_i - [K z]_i / K_ii and 1 / K_ii (Rasmussen and Williams 2006, 5.4.2,
    Eq 5.12).
    """
    from scipy.linalg import cho_solve

    inverse = cho_solve((surface.regressor.L_, True), np.eye(len(surface.trained)))
    variance = 1 / np.diag(inverse)
    mean = surface.z_trained - surface.spread * surface.regressor.alpha_ * variance
    return mean, surface.spread * np.sqrt(variance)
