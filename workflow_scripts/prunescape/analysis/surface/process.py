"""One Gaussian process over the variants of an experiment: what untrained settings would score, and how surely."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from prunescape.analysis.axes import Axes
from prunescape.errors import InputError, nearest

# a kernel over two axes has five hyperparameters; with fewer than two cells for each, they are anything
FEWEST_CELLS = 10
# Fitting takes time as the cube of the trained variant-settings: a minute or two at 1,000 on two cores
MOST_CELLS = 1000
MOST_CANDIDATES = 3000  # of one variant: their joint posterior is a matrix of 72 MB
AT_ONCE = 2**22  # numbers, 32 MiB: candidates are predicted in parts of this many covariances
RESTARTS = 1
RANDOM_SEED = 0
QUANTILE = 1.959964  # of the normal distribution: an interval of 95 %
PERCENT = (0.0, 100.0)
COVERED, COVERAGE_LEVEL = 0.9, 0.05


@dataclass(frozen=True)
class Surface:
    """A fitted process: of each variant its posterior of z = -log(1 + best - score), best its best trained score.

    `regressor` is scikit-learn's, fitted to `points` (n, axes and the number of a variant) as `_places` makes them with
    `scale`. `variants` are those of which something is inferred, `best` their best trained scores in percent, `trained`
    the rows behind it all, in the order of `points`. Whatever has z in its name is on that scale, all else in percent.
    """

    axes: Axes
    variants: tuple[str, ...]
    best: dict[str, float]
    trained: pd.DataFrame
    scale: np.ndarray
    regressor: Any

    def at(self, variant: str, settings: pd.DataFrame) -> pd.DataFrame:
        """What is inferred at `settings`, with their index, whether they were trained or not.

        inferred (the posterior median of the mean over seeds, percent), low and high (its 95 % interval), and z_mean,
        z_sd. All but `z_*` stay within 0 and 100. Raises InputError for a variant without a posterior.
        """
        places = self._places_of(variant, settings)
        parts = max(1, AT_ONCE // len(self.trained))
        found = [self._marginal(places[start : start + parts]) for start in range(0, len(places), parts)]
        mean, sd = np.concatenate(found, axis=1) if found else np.empty((2, 0))
        ends = {"inferred": mean, "low": mean - QUANTILE * sd, "high": mean + QUANTILE * sd}
        values = {name: self.percent(variant, z) for name, z in ends.items()}
        return pd.DataFrame({**values, "z_mean": mean, "z_sd": sd}, index=settings.index)

    def posterior(self, variant: str, settings: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
        """Mean (n,) and covariance (n, n) of z at n settings, joint, without noise. Raises InputError for too many."""
        if len(settings) > MOST_CANDIDATES:
            what = f"a joint posterior of {len(settings)} settings is too large"
            raise InputError(what, allowed=f"up to {MOST_CANDIDATES}", hint="fewer values on an axis")
        places = self._places_of(variant, settings)
        mean, solved = self._conditioned(places)
        return mean, self._spread**2 * (self._signal(places) - solved.T @ solved)

    def draws(self, variant: str, settings: pd.DataFrame, number: int) -> np.ndarray:
        """Joint draws of the mean over seeds, (number, settings), percent; the same at each call."""
        mean, covariance = self.posterior(variant, settings)
        random = np.random.default_rng(RANDOM_SEED)
        # rounding makes some eigenvalues slightly negative, which eigh passes over
        z = random.multivariate_normal(mean, covariance, number, check_valid="ignore", method="eigh")
        return self.percent(variant, z)

    def coverage(self) -> pd.DataFrame:
        """How well the process predicts each trained cell of a variant from all others.

        One row per variant: n; covered, the share of cells that lie in their leave-one-out 95 % prediction interval,
        noise included; passed.
        """
        from scipy.stats import binom

        mean, sd = self.leave_one_out()
        inside = np.abs(self.z_trained - mean) <= QUANTILE * sd
        table = inside.groupby(self.trained["variant"], sort=False).agg(n="size", hits="sum").reindex(self.variants)
        chance = binom.cdf(table["hits"], table["n"], COVERED)
        table = table.assign(covered=table["hits"] / table["n"], passed=chance >= COVERAGE_LEVEL)
        return table.rename_axis("variant").reset_index()[["variant", "n", "covered", "passed"]]

    def leave_one_out(self) -> tuple[np.ndarray, np.ndarray]:
        """Mean and standard deviation, noise included, of each trained cell's z given all others, hyperparameters kept.

        From the inverse K of the cells' covariance: z_i - [K z]_i / K_ii and 1 / K_ii (Rasmussen and Williams 2006,
        5.4.2, Eq 5.12).
        """
        from scipy.linalg import cho_solve

        inverse = cho_solve((self.regressor.L_, True), np.eye(len(self.trained)))
        variance = 1 / np.diag(inverse)
        mean = self.z_trained - self._spread * self.regressor.alpha_ * variance
        return mean.to_numpy(), self._spread * np.sqrt(variance)

    def percent(self, variant: str, z: np.ndarray) -> np.ndarray:
        """Scores of `z`: best + 1 - exp(-z), not beyond 0 and 100."""
        return np.clip(self.best[variant] + 1 - np.exp(-np.clip(z, -20, 20)), *PERCENT)

    @cached_property
    def z_trained(self) -> pd.Series:
        """z of the trained cells."""
        return _z(self.trained, self.best)

    @property
    def noise(self) -> float:
        """The variance of noise between cells at one setting, of z."""
        return float(self._spread**2 * self.regressor.kernel_.k2.noise_level)

    @property
    def _spread(self) -> float:
        return float(self.regressor._y_train_std)

    @property
    def _signal(self):
        return self.regressor.kernel_.k1

    def _places_of(self, variant: str, settings: pd.DataFrame) -> np.ndarray:
        if variant not in self.variants:
            what = f'nothing is inferred of the variant "{variant}"'
            raise InputError(what, allowed=", ".join(self.variants), hint=nearest(variant, self.variants))
        numbers = np.full(len(settings), self.variants.index(variant))
        return _places(settings[self.axes.names].to_numpy(float), numbers, self.scale)

    def _conditioned(self, places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The posterior mean of z (m,), and L⁻¹ k (n, m), whose products are what the trained cells explain."""
        from scipy.linalg import solve_triangular

        covariances = self._signal(places, self.regressor.X_train_)
        mean = float(self.regressor._y_train_mean) + self._spread * (covariances @ self.regressor.alpha_)
        return mean, solve_triangular(self.regressor.L_, covariances.T, lower=True)

    def _marginal(self, places: np.ndarray) -> np.ndarray:
        """Mean and standard deviation of z, (2, m)."""
        mean, solved = self._conditioned(places)
        variance = self._signal.diag(places) - (solved * solved).sum(axis=0)
        return np.stack([mean, self._spread * np.sqrt(np.clip(variance, 0, None))])


def refusal(trained: pd.DataFrame) -> str:
    """Why no surface is fitted to these rows, in a few words; empty where one is."""
    cells = len(informative(trained))
    if cells < FEWEST_CELLS:
        return f"{cells} cells of variants whose scores differ, and a surface needs {FEWEST_CELLS}"
    if cells > MOST_CELLS:
        return f"{cells} trained settings over all variants, and a surface is fitted to {MOST_CELLS} at most"
    return ""


def informative(trained: pd.DataFrame) -> pd.DataFrame:
    """The rows of variants whose scores differ. Where all are equal, as when every cell diverged, none shows a form."""
    scores = trained.groupby("variant", sort=False)["score"]
    return trained[scores.transform("max") > scores.transform("min")]


def fit_surface(trained: pd.DataFrame, axes: Axes) -> Surface:
    """The process of one experiment and metric, its hyperparameters shared by all variants.

    `trained` has a row per variant and setting: variant, the columns of `axes`, score (percent: the mean over seeds of
    what settings are chosen by, diverged cells at chance level). The kernel is `surface_kernel` over the axes, those of
    the plane turned by 45 degrees. Hyperparameters maximise the marginal likelihood, from fixed starting points.
    Decided: variants whose scores are all equal are left out. Raises InputError where `refusal` says why.
    """
    reason = refusal(trained)
    if reason:
        raise InputError(f"no surface is inferred: {reason}", hint="train more settings" * ("needs" in reason))
    rows = informative(trained).sort_values(["variant", *axes.names], ignore_index=True)
    best = rows.groupby("variant", sort=True)["score"].max()
    variants = tuple(best.index)
    settings = rows[axes.names].to_numpy(float)
    scale = _scale(settings, axes)
    places = _places(settings, rows["variant"].map(variants.index).to_numpy(), scale)
    regressor = _fitted(places, _z(rows, best.to_dict()).to_numpy(), len(variants))
    return Surface(axes, variants, best.to_dict(), rows, scale, regressor)


def _fitted(places: np.ndarray, z: np.ndarray, variants: int):
    """Scikit-learn's regressor; a hyperparameter that ends at a bound is no warning to a user."""
    import warnings

    from sklearn.exceptions import ConvergenceWarning
    from sklearn.gaussian_process import GaussianProcessRegressor
    from threadpoolctl import threadpool_limits

    from prunescape.analysis.surface.kernels import surface_kernel

    kernel = surface_kernel(places.shape[1] - 1, variants)
    options = {"n_restarts_optimizer": RESTARTS, "normalize_y": True, "random_state": RANDOM_SEED}
    # threads of linear algebra on matrices this small cost more than they save, many times as much on a busy machine
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return GaussianProcessRegressor(kernel, **options).fit(places, z)


def _z(rows: pd.DataFrame, best: dict[str, float]) -> pd.Series:
    """-log(1 + best - score): 0 at a variant's best cell, and near it a percentage point is one unit."""
    return -np.log1p(rows["variant"].map(best).astype(float) - rows["score"])


def _scale(settings: np.ndarray, axes: Axes) -> np.ndarray:
    """The unit of each axis: the standard deviation of its trained values, one for both axes of a plane in decades."""
    spread = np.array([np.unique(column).std() for column in settings.T])
    if axes.x.decades and axes.y.decades:
        spread[:2] = np.sqrt((spread[:2] ** 2).mean())
    return np.where(spread > 0, spread, 1.0)


def _places(settings: np.ndarray, numbers: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """Rows of the kernel: (y + x) / √2 and (y - x) / √2 in units of `scale`, the other axes, the variant's number."""
    y, x, *others = (settings / scale).T
    return np.column_stack([(y + x) / np.sqrt(2), (y - x) / np.sqrt(2), *others, numbers])
