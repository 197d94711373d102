"""What forest plots share: rows with a number, its bounds and a verdict, and an axis that wide bounds do not squash."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np

from prunescape.present.figures.figure import Figure

# how much further than what decided other bounds may stretch the axis
STRETCH = 1.5


class ForestRow(Protocol):
    """One row: `estimate` with its bounds, nan where there is none; `look` is the verdict whose mark it has.

    `label` and `word` name the row and its verdict; `lines` are both on two lines, for the narrow margin of a browser's
    drawing, and `text` is for who points at the row.
    """

    estimate: float
    lower: float
    upper: float
    look: str
    label: str
    lines: tuple[str, str]
    word: str
    text: str


@dataclass(frozen=True, kw_only=True)
class ForestFigure(Figure):
    """Rows from the top to the bottom on one axis, with the margin as a line; `limits` are the ends of the axis."""

    least_width: ClassVar[int] = 300
    axis: ClassVar[str]
    label_width: ClassVar[int] = 124  # of `lines`, pixels
    rows: Sequence[ForestRow]
    limits: tuple[float, float]
    margin: float

    @property
    def places(self) -> np.ndarray:
        """Where each row (n,) stands on the vertical axis, the first at the top."""
        return np.arange(len(self.rows))[::-1]

    def ends(self, row: ForestRow) -> tuple[float, float]:
        """The ends of a row's bar on the axis; one without a bound ends with the axis."""
        low, high = self.limits
        bounds = ((row.lower, low), (row.upper, high))
        return tuple(float(np.clip(end if np.isnan(bound) else bound, low, high)) for bound, end in bounds)

    def beyond(self, row: ForestRow) -> tuple[bool, bool]:
        """Whether the lower and the upper bound lie beyond the axis, or are none."""
        low, high = self.limits
        return not row.lower >= low, not row.upper <= high

    @property
    def arrows(self) -> str:
        """What a caption says of bars that end in arrows; empty without one."""
        beyond = any(any(self.beyond(row)) for row in self.rows)
        return " An arrow goes on beyond the axis, or has no bound there." * beyond


def forest_limits(margin: float, inner: Sequence[float], outer: Sequence[float]) -> tuple[float, float]:
    """The ends of an axis around 0, the margin and the `inner` numbers; `outer` bounds stretch that a little only.

    Bounds of few seeds may be so wide that on their axis the others would look like points.
    """
    low, high = np.nanmin([0.0, *inner]), np.nanmax([1.25 * margin, *inner])
    room = STRETCH * (high - low)
    low = max(np.nanmin([low, *outer]), low - room / 2)
    high = min(np.nanmax([high, *outer]), high + room)
    pad = 0.04 * (high - low)
    return float(low - pad), float(high + pad)
