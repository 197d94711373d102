"""What the forest plot of a space shows: how much the effect of each hyperparameter changes after pruning."""

from dataclasses import dataclass
from typing import ClassVar

import pandas as pd

from prunescape.analysis.factors.interactions import AGAIN, INCONCLUSIVE, STAY
from prunescape.analysis.verdict.evidence import KEEP, RETUNE
from prunescape.present.factor_words import RESPONSES, in_words
from prunescape.present.figures.figure import file_name
from prunescape.present.figures.forest_data import ForestFigure, forest_limits
from prunescape.present.labels import shortened
from prunescape.present.numbers import number, short

# a verdict on a hyperparameter has the colour and mark of one on a variant
LOOKS = {AGAIN: RETUNE, STAY: KEEP, INCONCLUSIVE: INCONCLUSIVE}
MOST_ROWS = 12


@dataclass(frozen=True)
class AgainRow:
    """One hyperparameter in one pruned variant, named as a reader sees them: the largest change of its effect.

    That is the `estimate`, in percentage points; any change lies within `upper` at 95 %.
    """

    factor: str
    variant: str
    estimate: float
    upper: float
    word: str
    lower: float = 0.0

    @property
    def label(self) -> str:
        return f"{shortened(self.factor, 22)}, {shortened(self.variant, 16)}"

    @property
    def lines(self) -> tuple[str, str]:
        return shortened(self.factor, 22), f"{shortened(self.variant, 12)}: {self.word}"

    @property
    def look(self) -> str:
        return LOOKS[self.word]

    @property
    def text(self) -> str:
        return (
            f"{self.factor}, {self.variant}: {self.word}; the effect changes by {number(self.estimate)} points, "
            f"{number(self.upper)} at most"
        )


@dataclass(frozen=True, kw_only=True)
class AgainFigure(ForestFigure):
    """What acts otherwise after pruning, in top-1; `hidden` rows, of the smallest changes, are in the table only."""

    kind: ClassVar[str] = "again"
    label_width: ClassVar[int] = 172
    axis: ClassVar[str] = "change of the effect, points"
    hidden: int = 0

    @property
    def title(self) -> str:
        return f"{self.whose}: what to look at again after pruning"

    @property
    def caption(self) -> str:
        hidden = f" {self.hidden} smaller changes are in the table only." if self.hidden else ""
        return (
            "How much the effect of a hyperparameter on top-1 differs between pruned variant and base: the mark is the "
            "largest change between two of its levels, the bar ends at the 95 % bound of any. May stay (circle): the "
            f"bar ends left of the margin, {short(self.margin)} points (dashed). Look again (triangle): it does not, "
            "and the F test of the change is under 5 % after Holm. Inconclusive (hollow): neither."
            f"{self.arrows}{hidden}"
        )


def again_figures(interactions: pd.DataFrame) -> list[AgainFigure]:
    """The forest plot of each experiment whose trials were compared with the base, from that result table."""
    words = in_words({"interactions": interactions})["interactions"]
    words = words[(words["response"] == RESPONSES["top1"]) & words["bound"].notna()]
    return [_figure(name, rows) for name, rows in words.groupby("experiment", sort=True)]


def _figure(experiment: str, interactions: pd.DataFrame) -> AgainFigure:
    order = {word: place for place, word in enumerate((AGAIN, INCONCLUSIVE, STAY))}
    ranked = interactions.assign(order=interactions["verdict"].map(order))
    ranked = ranked.sort_values(["order", "largest"], ascending=[True, False], kind="stable")
    rows = [
        AgainRow(row.factor, row.other, float(row.largest), float(row.bound), row.verdict)
        for row in ranked.head(MOST_ROWS).itertuples()
    ]
    margin = float(ranked["margin"].iloc[0])
    inner = [row.estimate for row in rows] + [row.upper for row in rows if row.word == STAY]
    return AgainFigure(
        name=file_name("again", experiment, "top1"),
        experiment=experiment,
        metrics=["top1"],
        seeds=(),
        rows=rows,
        limits=forest_limits(margin, inner, [row.upper for row in rows]),
        margin=margin,
        hidden=len(ranked) - len(rows),
    )
