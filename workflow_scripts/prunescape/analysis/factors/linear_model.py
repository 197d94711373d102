"""A linear model by least squares: type-II F and partial eta squared, effects with intervals, R2 on unseen settings."""

from dataclasses import dataclass
from typing import Self

import numpy as np

from prunescape.analysis.factors.design import Design
from prunescape.analysis.factors.factor import Factor

FOLDS = 10
CONFIDENCE = 0.95
ROUNDING = 1e-13  # of the response's length: parts of it below this are rounding


@dataclass(frozen=True)
class FTest:
    """The F test that some coefficients are 0: degrees of freedom, F, p, and partial eta squared."""

    df: int
    f: float
    p: float
    partial_eta2: float


@dataclass(frozen=True)
class LinearModel:
    """Least squares of a response (n,) on a matrix (n, p), kept as coefficients, covariance and sums of squares.

    `unscaled` (p, p) is (X'X)^-1; `residual` and `total` are the sums of squares about the fit and about the mean.
    """

    coefficients: np.ndarray
    unscaled: np.ndarray
    residual: float
    total: float
    rows: int

    @classmethod
    def fit(cls, matrix: np.ndarray, response: np.ndarray) -> Self:
        """The model of a matrix of full rank with more rows than columns; the first column is the intercept."""
        return cls.of_triangle(triangle(matrix, response), len(response))

    @classmethod
    def of_triangle(cls, factor: np.ndarray, rows: int) -> Self:
        """The same from R of the QR decomposition of [X y]: X'X = R'R, and its last entry is the residual's length."""
        lengths = factor[:, -1].copy()
        lengths[1:][np.abs(lengths[1:]) <= ROUNDING * np.linalg.norm(lengths)] = 0.0
        inverse = np.linalg.inv(factor[:-1, :-1])
        total, residual = float((lengths[1:] ** 2).sum()), float(lengths[-1] ** 2)
        return cls(inverse @ lengths[:-1], inverse @ inverse.T, residual, total, rows)

    @property
    def freedom(self) -> int:
        """Degrees of freedom of the residuals."""
        return self.rows - len(self.coefficients)

    @property
    def variance(self) -> float:
        """The residuals' variance s^2."""
        return self.residual / self.freedom

    @property
    def r2(self) -> float:
        """1 - residual / total; nan for a response that is the same in all rows."""
        return 1 - self.residual / self.total if self.total else float("nan")

    def test(self, columns: list[int]) -> FTest:
        """The F test of these coefficients, all others in the model.

        The sum of squares b' V^-1 b, V the block of (X'X)^-1, is what leaving the columns out adds to the residual's.
        Without interactions in the model it is the type-II sum of squares, F = (SS / df) / s^2, and partial
        eta^2 = SS / (SS + residual) (burmester2023, 3.2).
        """
        from scipy import stats

        block, own = self.unscaled[np.ix_(columns, columns)], self.coefficients[columns]
        explained, df = float(own @ np.linalg.solve(block, own)), len(columns)
        if explained <= ROUNDING**2 * self.total:
            return FTest(df, 0.0, 1.0, 0.0)
        f = explained / df / self.variance if self.residual else np.inf
        return FTest(df, f, float(stats.f.sf(f, df, self.freedom)), explained / (explained + self.residual))

    def contrasts(self, weights: np.ndarray, level: float = CONFIDENCE) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Estimates (k,) of the combinations `weights` (k, p) of coefficients, and the ends of their t intervals."""
        from scipy import stats

        estimates = weights @ self.coefficients
        errors = np.sqrt(self.variance * np.einsum("ij,jk,ik->i", weights, self.unscaled, weights))
        half = stats.t.ppf((1 + level) / 2, self.freedom) * errors
        return estimates, estimates - half, estimates + half


def effects(model: LinearModel, design: Design, factor: Factor) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Level minus reference with its interval, for each of the factor's columns in the design."""
    return model.contrasts(np.eye(len(model.coefficients))[design.columns_of(factor)])


def triangle(matrix: np.ndarray, response: np.ndarray) -> np.ndarray:
    """R of the QR decomposition of [X y], (p + 1, p + 1); with fewer rows than that, of as many zeros more."""
    joined = np.column_stack([matrix, response])
    short = max(0, joined.shape[1] - len(joined))
    return np.linalg.qr(np.vstack([joined, np.zeros((short, joined.shape[1]))]), mode="r")


def fold_triangles(matrix: np.ndarray, response: np.ndarray, settings: np.ndarray, seed: int = 0) -> list[np.ndarray]:
    """R of [X y] for each of ten folds of rows, drawn with `seed`; a setting (its number, (n,)) is in one fold."""
    count = int(settings.max()) + 1
    fold_of = np.random.default_rng(seed).permutation(count) % min(FOLDS, count)
    folds = fold_of[settings]
    return [triangle(matrix[folds == fold], response[folds == fold]) for fold in range(fold_of.max() + 1)]


def joined_triangle(parts: list[np.ndarray]) -> np.ndarray:
    """R of all rows from that of parts of them: R'R is the sum of theirs."""
    return np.linalg.qr(np.vstack(parts), mode="r")


def unseen_r2(folds: list[np.ndarray]) -> float:
    """R2 on rows of settings that the model has not seen: 1 - sum (y - prediction)^2 / sum (y - training mean)^2.

    `folds` as `fold_triangles` gives them; nan with fewer than two. Where the training rows of a fold lack a level, the
    shortest of the best coefficients predict, which is the reference's value for that level.
    """
    if len(folds) < 2:
        return float("nan")
    missed = total = 0.0
    for place, held in enumerate(folds):
        known = joined_triangle([part for other, part in enumerate(folds) if other != place])
        found = np.linalg.lstsq(known[:-1, :-1], known[:-1, -1], rcond=1e-9)[0]
        mean = np.zeros(len(found))
        mean[0] = known[0, -1] / known[0, 0]
        missed += _misses(held, found)
        total += _misses(held, mean)
    return 1 - missed / total if total else float("nan")


def _misses(held: np.ndarray, coefficients: np.ndarray) -> float:
    """The sum of squares of y - X b from R of [X y]."""
    return float(((held @ np.append(coefficients, -1.0)) ** 2).sum())
