"""One Gaussian process over the variants of an experiment: what untrained settings would score, and how surely."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from prunescape.analysis.axes import Axes
from prunescape.analysis.intervals import NORMAL_QUANTILE
from prunescape.errors import InputError, nearest

FEWEST_CELLS = 9  # a lattice of 3 x 3; a kernel over two axes has five hyperparameters
# Fitting takes time as the cube of the trained variant-settings: about a minute at 1,000
MOST_CELLS = 1000
MOST_CANDIDATES = 2000  # of one variant: the joint posterior is a matrix of 32 MB, and draws from it take seconds
AT_ONCE = 2**22  # numbers, 32 MiB: candidates are predicted in parts of this many covariances
# Scores lower under the best than this many times the largest threshold count as that low: a cliff, of whatever height,
# is then a step that a smooth process can follow without mistaking the region beside it (docs/landscapes.md)
DEPTH = 4.0
THRESHOLDS = (0.5, 1.0)
RESTARTS = 1  # the default start found the maximum in every landscape tried; this is for those that were not
RANDOM_SEED = 0
PERCENT = (0.0, 100.0)


@dataclass(frozen=True)
class Surface:
    """A fitted process: of each variant its posterior of z = -log(1 + best - score), best its best trained score.

    `variants` are those of which something is inferred, `best` their best trained scores in percent, `trained` the rows
    behind it all, in their order in `regressor`, which is scikit-learn's; `scale` is the unit of each axis there.
    Scores more than `depth` points under the best count as that low in z. What has z in its name is on that scale, all
    else in percent.
    """

    axes: Axes
    variants: tuple[str, ...]
    best: dict[str, float]
    depth: float
    trained: pd.DataFrame
    scale: np.ndarray
    regressor: Any

    def at(self, variant: str, settings: pd.DataFrame) -> pd.DataFrame:
        """What is inferred at `settings`, trained or not, with their index.

        inferred (the posterior median of the mean over seeds, percent), low and high (its 95 % interval), z_mean, z_sd.
        An interval that reaches down to `depth` has the low end 0, and a trained cell deeper than that stands for
        itself. Raises InputError for a variant without a posterior.
        """
        places = self._places_of(variant, settings)
        parts = max(1, AT_ONCE // len(self.trained))
        found = [self._marginal(places[start : start + parts]) for start in range(0, len(places), parts)]
        mean, sd = np.concatenate(found, axis=1) if found else np.empty((2, 0))
        deep = self._deep(variant, settings)
        ends = {"inferred": mean, "low": mean - NORMAL_QUANTILE * sd, "high": mean + NORMAL_QUANTILE * sd}
        values = {name: self._percent(variant, z, deep) for name, z in ends.items()}
        values["low"][(ends["low"] <= -np.log1p(self.depth)) & np.isnan(deep)] = PERCENT[0]
        return pd.DataFrame({**values, "z_mean": mean, "z_sd": sd}, index=settings.index)

    def posterior(self, variant: str, settings: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
        """Mean (n,) and covariance (n, n) of z at n settings, joint, without noise. Raises InputError for too many."""
        if len(settings) > MOST_CANDIDATES:
            what = f"a joint posterior of {len(settings)} settings is too large"
            raise InputError(what, allowed=f"up to {MOST_CANDIDATES}", hint="fewer values on an axis")
        places = self._places_of(variant, settings)
        mean, solved = self._conditioned(places)
        return mean, self.spread**2 * (self._signal(places) - solved.T @ solved)

    def draws(self, variant: str, settings: pd.DataFrame, number: int) -> np.ndarray:
        """Joint draws of the mean over seeds, (number, settings), percent; the same at each call."""
        mean, covariance = self.posterior(variant, settings)
        random = np.random.default_rng(RANDOM_SEED)
        # rounding makes some eigenvalues slightly negative, which eigh passes over
        z = random.multivariate_normal(mean, covariance, number, check_valid="ignore", method="eigh")
        return self._percent(variant, z, self._deep(variant, settings))

    def coverage(self) -> pd.DataFrame:
        """How well each trained cell of a variant is predicted from all other cells: `leave_one_out.coverage`."""
        from prunescape.analysis.surface.leave_one_out import coverage

        return coverage(self)

    def check_thresholds(self, thresholds: tuple[float, ...]) -> None:
        """Raise InputError where the surface was fitted for regions narrower than these."""
        if max(thresholds) > self.depth / DEPTH:
            what = f"the surface does not reach down to the {max(thresholds):g}-ROI"
            raise InputError(what, allowed=f"up to {self.depth / DEPTH:g}", hint="fit it with these thresholds")

    @cached_property
    def z_trained(self) -> np.ndarray:
        """z of the trained cells."""
        return _z(self.trained, self.best, self.depth)

    @property
    def noise(self) -> float:
        """The variance of noise between cells at one setting, of z."""
        return self.spread**2 * float(self.regressor.kernel_.k2.noise_level)

    @property
    def spread(self) -> float:
        """The standard deviation of z over the trained cells, by which `regressor` divides it."""
        return float(self.regressor._y_train_std)

    @property
    def _signal(self):
        return self.regressor.kernel_.k1

    def _percent(self, variant: str, z: np.ndarray, deep: np.ndarray) -> np.ndarray:
        """Scores of `z`, best + 1 - exp(-z) within 0 and 100, and where there is a `deep` cell, its own."""
        scores = np.clip(self.best[variant] + 1 - np.exp(-np.clip(z, -20, 20)), *PERCENT)
        return np.where(np.isnan(deep), scores, deep)

    def _deep(self, variant: str, settings: pd.DataFrame) -> np.ndarray:
        """The trained score of each setting where it is more than `depth` under the best; else nan."""
        own = self.trained[self.trained["variant"] == variant]
        own = own.loc[own["score"] < self.best[variant] - self.depth, [*self.axes.names, "score"]]
        found = settings[self.axes.names].merge(own.drop_duplicates(self.axes.names), how="left")
        return found["score"].to_numpy(float)

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
        mean = float(self.regressor._y_train_mean) + self.spread * (covariances @ self.regressor.alpha_)
        return mean, solve_triangular(self.regressor.L_, covariances.T, lower=True)

    def _marginal(self, places: np.ndarray) -> np.ndarray:
        """Mean and standard deviation of z, (2, m)."""
        mean, solved = self._conditioned(places)
        variance = self._signal.diag(places) - (solved * solved).sum(axis=0)
        return np.stack([mean, self.spread * np.sqrt(np.clip(variance, 0, None))])


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


def fit_surface(trained: pd.DataFrame, axes: Axes, thresholds: tuple[float, ...] = THRESHOLDS) -> Surface:
    """The process of one experiment and metric, its hyperparameters shared by all variants.

    `trained` has a row per variant and setting: variant, the columns of `axes`, score (percent: the mean over seeds of
    what settings are chosen by, diverged cells at chance level). `thresholds` are those of the regions that it is for.
    The kernel is `surface_kernel` over the axes, those of the plane turned by 45 degrees; hyperparameters maximise the
    marginal likelihood, from fixed starting points. Decided: variants whose scores are all equal are left out. Raises
    InputError where `refusal` says why.
    """
    reason = refusal(trained)
    if reason:
        raise InputError(f"no surface is inferred: {reason}", hint="train more settings" * ("needs" in reason))
    rows = informative(trained).sort_values(["variant", *axes.names], ignore_index=True)
    best = rows.groupby("variant", sort=True)["score"].max().to_dict()
    variants, depth = tuple(best), DEPTH * max(thresholds)
    settings = rows[axes.names].to_numpy(float)
    scale = _scale(settings, axes)
    places = _places(settings, rows["variant"].map(variants.index).to_numpy(), scale)
    regressor = _fitted(places, _z(rows, best, depth), len(variants))
    return Surface(axes, variants, best, depth, rows, scale, regressor)


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


def _z(rows: pd.DataFrame, best: dict[str, float], depth: float) -> np.ndarray:
    """-log(1 + min(best - score, depth)): 0 at a variant's best cell, and near it a point is one unit."""
    under = rows["variant"].map(best).to_numpy(float) - rows["score"].to_numpy(float)
    return -np.log1p(np.minimum(under, depth))


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
