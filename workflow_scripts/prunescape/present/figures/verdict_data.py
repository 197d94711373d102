"""What the forest plot of verdicts shows, before anything is drawn: per variant the gain of tuning with its bounds."""

from dataclasses import dataclass
from typing import ClassVar

import pandas as pd

from prunescape.analysis.read_cells import variant_order
from prunescape.analysis.verdict.evidence import INCONCLUSIVE, KEEP, RETUNE
from prunescape.present.figures.figure import file_name
from prunescape.present.figures.forest_data import ForestFigure, forest_limits
from prunescape.present.labels import joined, variant_label, variant_title
from prunescape.present.numbers import is_missing, number, short, span
from prunescape.present.summary import bound_level, gain_text, rows_with_verdict

DECIDED_BY = {KEEP: ("upper",), RETUNE: ("lower",), INCONCLUSIVE: ()}


@dataclass(frozen=True)
class VerdictRow:
    """One variant: R_v's bounds in percentage points, at the level of a claim about it alone, and the verdict.

    `estimate` is what fresh seeds give the point that is tested for a gain. Numbers are nan where nothing bounds or
    tells them.
    """

    variant: str
    estimate: float
    lower: float
    upper: float
    verdict: str

    @property
    def label(self) -> str:
        return variant_label(self.variant)

    @property
    def look(self) -> str:
        return self.verdict

    word = look

    @property
    def lines(self) -> tuple[str, str]:
        return self.label, self.word

    @property
    def text(self) -> str:
        gain = "" if is_missing(self.estimate) else f", {number(self.estimate)} at the tested point"
        return f"{variant_title(self.variant)}: {self.verdict}; {gain_text(self.lower, self.upper)}{gain}"


@dataclass(frozen=True, kw_only=True)
class VerdictFigure(ForestFigure):
    """The verdict on every pruned variant of an experiment, in top-1; `without` names those without fresh seeds.

    `points` are the fewest and the most settings that a variant was trained at.
    """

    kind: ClassVar[str] = "verdict"
    axis: ClassVar[str] = "gain of tuning, points"
    alpha: float
    claims: int
    noise: str
    points: tuple[int, int]
    without: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        return f"{self.whose}: does tuning again pay?"

    @property
    def caption(self) -> str:
        names = joined([variant_title(name) for name in self.without])
        return (
            "Each bar bounds what tuning a variant could gain in top-1 over the base's good settings, at its "
            f"{span(*self.points, 0)} trained settings; the mark is the mean gain, on fresh seeds, of those "
            "that seeds before them named as the best. Keep (circle): the bar ends left of the margin, "
            f"{short(self.margin)} points (dashed). Retune (triangle): it begins right of it. Inconclusive (hollow): "
            f"neither. {bound_level(self.alpha, self.claims, self.noise)}"
            f"{self.arrows}{f' Without fresh seeds, and so not shown: {names}.' * bool(names)}"
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
        noise=str(first["noise"]),
        points=(min(row.points for row in known.values()), max(row.points for row in known.values())),
        without=tuple(sorted(set(verdicts["variant"]) - set(known), key=variant_order)),
    )


def _limits(rows: list[VerdictRow], margin: float) -> tuple[float, float]:
    inner = [getattr(row, name) for row in rows for name in ("estimate", *DECIDED_BY[row.verdict])]
    return forest_limits(margin, inner, [bound for row in rows for bound in (row.lower, row.upper)])
