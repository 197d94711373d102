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
        groups = self.confounded()
        if not groups:
            return
        lone = next((names[0] for names in groups if len(names) == 1), None)
        if lone is not None:
            what, hint = f'no rows tell the levels of "{lone}" apart', "add rows, or leave it out"
            raise InputError(what, where=where, hint=hint)
        texts = [_listed(names) for names in groups]
        hint = f"leave one of {'each of ' * (len(groups) > 1)}them out: --factors names those to keep"
        hint += alone * any(most in names for names in groups)
        raise InputError(f"no rows tell apart {'; nor '.join(texts)}: perfectly confounded", where=where, hint=hint)

    def confounded(self) -> list[list[str]]:
        """Groups of factors whose columns are, in part or all, combinations of the other columns of their group.

        Columns belong together where the projection on the null space of the centred matrix joins them.
        """
        centred = _triangle(self.matrix)[1:, 1:]
        if centred.shape[1] == 0 or rank(centred) == centred.shape[1]:
            return []
        lengths = np.linalg.norm(centred, axis=0)
        _, values, rows = np.linalg.svd(centred / np.where(lengths > 0, lengths, 1.0))
        null = rows[(values > TOLERANCE).sum() :]
        joined = np.abs(null.T @ null) > TOLERANCE**0.5
        groups: list[set[str]] = []
        for column in np.flatnonzero(joined.any(axis=1)):
            names = {self.cells[other][0].name for other in np.flatnonzero(joined[column])}
            others = [group for group in groups if group & names]
            groups = [*(group for group in groups if group not in others), names.union(*others)]
        order = [factor.name for factor in self.factors]
        return sorted((sorted(group, key=order.index) for group in groups), key=lambda names: order.index(names[0]))


def _listed(names: Sequence[str]) -> str:
    texts = [f'"{name}"' for name in names]
    return f"{', '.join(texts[:-1])} and {texts[-1]}"


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
