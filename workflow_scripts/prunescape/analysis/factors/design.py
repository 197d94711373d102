"""The columns of a linear model: treatment coding of levels, scaled numbers, and levels of what does not act."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import numpy as np
import pandas as pd

from prunescape.analysis.factors.factor import ABSENT, Factor
from prunescape.errors import InputError

TOLERANCE = 1e-9  # of a column's length: what others leave of it below this is rounding
Cell = tuple[Factor, str]  # a factor and the level that a column of the model stands for


@dataclass(frozen=True)
class Design:
    """A model matrix (n, p) of which the first column is the intercept, and what each other column stands for.

    A level's column is 1 where the factor has it. A number's column is (value - mean) / (high - low), so that its
    coefficient is the response at the highest value minus that at the lowest. A row where a factor does not act has 0
    in these: its reference, or its mean. It has a column of its own, `ABSENT`, unless the other columns together tell
    already where the factor does not act, as those of the hyperparameter that switches it off.
    """

    matrix: np.ndarray
    cells: tuple[Cell, ...]
    factors: tuple[Factor, ...] = field(default=())

    @classmethod
    def of(cls, frame: pd.DataFrame, factors: Sequence[Factor]) -> Self:
        """The matrix of these factors in the rows of `frame`."""
        parts, cells, absent = [np.ones((len(frame), 1))], [], []
        for factor in factors:
            values = factor.values(frame)
            parts.append(_columns(factor, values))
            levels = ["highest"] if factor.continuous else factor.others
            cells += [(factor, level) for level in levels]
            if np.isnan(values).any():
                absent.append((factor, np.isnan(values)))
        matrix = np.hstack([*parts, *(rows[:, None] for _, rows in absent)])
        kept = list(range(len(cells) + 1))
        short = _triangle(matrix) if absent else matrix
        for place, (factor, _) in enumerate(absent, start=len(kept)):
            if rank(short[:, [*kept, place]]) > rank(short[:, kept]):
                kept.append(place)
                cells.append((factor, ABSENT))
        return cls(matrix[:, kept], tuple(cells), tuple(factors))

    def columns_of(self, factor: Factor) -> list[int]:
        """The places of a factor's columns in the matrix."""
        return [place for place, (each, _) in enumerate(self.cells, start=1) if each == factor]

    def level_and_reference(self, column: int) -> tuple[str, str]:
        """What a column of the matrix stands for, and what its coefficient compares that with, as texts."""
        factor, level = self.cells[column - 1]
        if not factor.continuous:
            return level, factor.reference
        if level == ABSENT:
            return level, "mean"
        return f"{factor.high:.6g}", f"{factor.low:.6g}"

    def has_absent_level(self, factor: Factor) -> bool:
        """Whether not acting is a level of its own."""
        return (factor, ABSENT) in self.cells

    def check(self, where: Path | str) -> None:
        """Raise InputError for fewer rows than coefficients need, and for factors that no rows tell apart."""
        rows, count = self.matrix.shape
        sizes = {factor.name: len(self.columns_of(factor)) for factor in self.factors}
        most = max(sizes, key=lambda name: sizes[name], default="")
        alone = f'; "{most}" alone takes {sizes.get(most)} coefficients' * (sizes.get(most, 0) > 1)
        if rows <= count:
            what, hint = f"{rows} rows are too few for {count} coefficients", f"more rows or fewer factors{alone}"
            raise InputError(what, where=where, allowed=f"{count + 1} rows or more", hint=hint)
        texts = [f'"{name}"' for name in self.confounded()]
        if len(texts) == 1:
            what, hint = f"no rows tell the levels of {texts[0]} apart", "add rows, or leave it out"
            raise InputError(what, where=where, hint=hint)
        if texts:
            what = f"no rows tell apart {', '.join(texts[:-1])} and {texts[-1]}: perfectly confounded"
            raise InputError(what, where=where, hint=f"leave one of them out: --factors names those to keep{alone}")

    def confounded(self) -> list[str]:
        """The factors whose columns are, in part or all, combinations of the other columns; by the matrix' rank."""
        triangle = _triangle(self.matrix)
        every, found = rank(triangle), []
        if every == triangle.shape[1]:
            return []
        for factor in self.factors:
            own = self.columns_of(factor)
            if every - rank(np.delete(triangle, own, axis=1)) < len(own):
                found.append(factor.name)
        return found


def _columns(factor: Factor, values: np.ndarray) -> np.ndarray:
    """The columns (n, k) of one factor's values as `Factor.values` gives them."""
    if factor.continuous:
        scaled = (values - np.nanmean(values)) / (factor.high - factor.low)
        return np.nan_to_num(scaled)[:, None]
    places = [factor.levels.index(level) for level in factor.others]
    return (values[:, None] == np.array(places)[None, :]).astype("float64")


def rank(matrix: np.ndarray) -> int:
    """The rank of a matrix whose columns are first scaled to length 1."""
    if matrix.shape[0] > matrix.shape[1]:
        matrix = _triangle(matrix)
    lengths = np.linalg.norm(matrix, axis=0)
    return int(np.linalg.matrix_rank(matrix / np.where(lengths > 0, lengths, 1.0), tol=TOLERANCE))


def _triangle(matrix: np.ndarray) -> np.ndarray:
    """R of the QR decomposition: columns with the same products, in few rows."""
    return np.linalg.qr(matrix, mode="r")
