"""What the forest plot of verdicts shows, before anything is drawn: per variant the gain of tuning with its bounds."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd

from prunescape.analysis.read_cells import variant_order
from prunescape.analysis.verdict.evidence import INCONCLUSIVE, KEEP, RETUNE
from prunescape.present.figures.figure import Figure, file_name
from prunescape.present.labels import joined, variant_title
from prunescape.present.numbers import is_missing, number, short
from prunescape.present.summary import gain_text, rows_with_verdict

GAIN = "gain of tuning, percentage points"
# how much further than what decided the bounds of an inconclusive variant may stretch the axis
STRETCH = 1.5


@dataclass(frozen=True)
class VerdictRow:
    """One variant: R_v's bounds in percentage points, at the level of a claim about it alone, and the verdict.

    `gain` is what fresh seeds give the best point. Numbers are nan where nothing bounds or tells them.
    """

    variant: str
    gain: float
    lower: float
    upper: float
    verdict: str

    @property
    def text(self) -> str:
        """The row for who points at it."""
        gain = "" if is_missing(self.gain) else f", {number(self.gain)} at the best point"
        return f"{variant_title(self.variant)}: {self.verdict}; {gain_text(self.lower, self.upper)}{gain}"


@dataclass(frozen=True, kw_only=True)
class VerdictFigure(Figure):
    """The verdict on every pruned variant of an experiment, in top-1, as a forest plot.

    `limits` are the ends of the axis, `without` the variants that have no fresh seeds.
    """

    kind: ClassVar[str] = "verdict"
    least_width: ClassVar[int] = 300
    rows: list[VerdictRow]
    limits: tuple[float, float]
    margin: float
    alpha: float
    claims: int
    without: tuple[str, ...] = ()

    @property
    def places(self) -> np.ndarray:
        """Where each row (n,) stands on the vertical axis, the first at the top."""
        return np.arange(len(self.rows))[::-1]

    def ends(self, row: VerdictRow) -> tuple[float, float]:
        """The ends of a row's bar on the axis; one without a bound ends with the axis."""
        low, high = self.limits
        bounds = ((row.lower, low), (row.upper, high))
        return tuple(float(np.clip(end if np.isnan(bound) else bound, low, high)) for bound, end in bounds)

    def beyond(self, row: VerdictRow) -> tuple[bool, bool]:
        """Whether the lower and the upper bound lie beyond the axis, or are none."""
        low, high = self.limits
        return not row.lower >= low, not row.upper <= high

    @property
    def title(self) -> str:
        return f"{self.whose}: does tuning again pay?"

    @property
    def caption(self) -> str:
        beyond = any(any(self.beyond(row)) for row in self.rows)
        names = joined([variant_title(name) for name in self.without])
        shared = f", the error rate of {short(100 * self.alpha)} % over {self.claims} variants" * (self.claims > 1)
        return (
            "Each bar bounds what tuning a variant could gain in top-1 over the base's good settings; the mark is "
            f"the gain at its best point. Keep (circle): the bar ends left of the margin, {short(self.margin)} points "
            "(dashed). Retune (triangle): it begins right of it. Inconclusive (hollow): neither. Each bound fails with "
            f"a chance of {short(round(100 * self.alpha / self.claims, 4))} % at most{shared}."
            f"{' An arrow goes on beyond the axis, or has no bound there.' * beyond}"
            f"{f' Without fresh seeds, and so not shown: {names}.' * bool(names)}"
        )


def verdict_figures(verdicts: pd.DataFrame) -> list[VerdictFigure]:
    """The forest plot of each experiment with fresh seeds, from the result table of that name."""
    of_top1 = verdicts[verdicts["metric"] == "top1"]
    return [_figure(rows) for _, rows in of_top1.groupby("experiment", sort=True) if rows_with_verdict(rows)]


def _figure(verdicts: pd.DataFrame) -> VerdictFigure:
    known, first = rows_with_verdict(verdicts), verdicts.iloc[0]
    rows = [
        VerdictRow(
            name,
            *(float(getattr(row, column)) for column in ("gain", "lower_bonferroni", "upper_bonferroni")),
            row.verdict_bonferroni,
        )
        for name, row in sorted(known.items(), key=lambda item: variant_order(item[0]))
    ]
    return VerdictFigure(
        name=file_name("verdict", first["experiment"], "top1"),
        experiment=first["experiment"],
        metrics=["top1"],
        seeds=(),
        rows=rows,
        limits=_limits(rows, first["margin"]),
        margin=float(first["margin"]),
        alpha=float(first["alpha"]),
        claims=int(first["claims"]),
        without=tuple(sorted(set(verdicts["variant"]) - set(known), key=variant_order)),
    )


def _limits(rows: list[VerdictRow], margin: float) -> tuple[float, float]:
    """Around 0, the margin, every gain and the bounds that decided; the other bounds stretch that a little only.

    Bounds of few seeds may be so wide that on their axis the others would look like points.
    """
    decided = {KEEP: ("upper",), RETUNE: ("lower",), INCONCLUSIVE: ()}
    inner = [getattr(row, name) for row in rows for name in ("gain", *decided[row.verdict])]
    outer = [bound for row in rows for bound in (row.lower, row.upper)]
    low, high = np.nanmin([0.0, *inner]), np.nanmax([1.25 * margin, *inner])
    room = STRETCH * (high - low)
    lowest, highest = np.nanmin([low, *outer]), np.nanmax([high, *outer])
    pad = 0.04 * (min(highest, high + room) - max(lowest, low - room / 2))
    return float(max(lowest, low - room / 2) - pad), float(min(highest, high + room) + pad)
