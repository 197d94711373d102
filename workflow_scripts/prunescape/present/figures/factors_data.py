"""What a figure of factors shows, before anything is drawn: importance of factors and pairs, and effects of levels."""

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import pandas as pd

from prunescape.analysis.factors.importance import EVALUATOR, RESAMPLES
from prunescape.present.factor_words import in_words
from prunescape.present.figures.figure import Figure, file_name
from prunescape.present.labels import level_title, shortened
from prunescape.present.numbers import number

MOST_BARS, MOST_EFFECTS = 12, 24
LABEL = 34  # letters


@dataclass(frozen=True)
class Intervals:
    """Points (k,) with the ends of their intervals, and a label for each, from top to bottom."""

    labels: list[str]
    estimate: np.ndarray
    low: np.ndarray
    high: np.ndarray

    @classmethod
    def of(cls, rows: pd.DataFrame, labels: list[str], column: str):
        """From the columns `column`, low and high of a table."""
        return cls(labels, *(rows[name].to_numpy("float64") for name in (column, "low", "high")))

    @property
    def places(self) -> np.ndarray:
        """Where each stands on the vertical axis, the first at the top."""
        return np.arange(len(self.labels))[::-1]


@dataclass(frozen=True, kw_only=True)
class FactorsFigure(Figure):
    """Of one response in one group of rows: shares of the forest's variance, and effects of levels.

    `by` names the group. `hidden` are effects that are not shown, `r2` the forest's on unseen settings.
    """

    kind: ClassVar[str] = "factors"
    least_width: ClassVar[int] = 860
    response: str
    by: str
    importance: Intervals
    effects: Intervals
    hidden: int
    r2: float

    @property
    def height(self) -> int:
        """Rows of the longer panel, at least 5."""
        return max(5, len(self.importance.labels), len(self.effects.labels))

    @property
    def title(self) -> str:
        group = f", {self.by}" if self.by else ""
        return shortened(f"{self.response}{group}", 60) + ": importance of factors, and effects of levels"

    @property
    def caption(self) -> str:
        hidden = f" {self.hidden} smaller effects are in the table only." if self.hidden else ""
        return (
            f"Left: the share of the variance that a factor, or a pair beyond its two factors, explains by {EVALUATOR} "
            f"(R² on unseen settings {number(self.r2)}), with 95 % intervals over {RESAMPLES} bootstrap samples of "
            f"settings; the largest {MOST_BARS}. Right: {self.response} at a level minus that at the reference, or at "
            "the highest value of a number minus that at the lowest, by the linear model, each with its 95 % interval."
            + hidden
        )


def factors_figures(tables: dict[str, pd.DataFrame]) -> list[FactorsFigure]:
    """A figure for each response and group that has tests, in the order of the table `fit`."""
    figures = []
    for fit in tables["fit"].dropna(subset="coefficients").itertuples():
        importance, effects = (
            table[(table["by"] == fit.by) & (table["response"] == fit.response)]
            for table in (tables["importance"], tables["effects"])
        )
        figures.append(_figure(fit, importance, effects))
    return figures


def trial_factor_figures(tables: dict[str, pd.DataFrame]) -> list[FactorsFigure]:
    """The same of each experiment of a study, in its words; the tables have a column `experiment`."""
    figures = []
    for name in tables["fit"]["experiment"].unique():
        own = {table: rows[rows["experiment"] == name] for table, rows in tables.items()}
        for plain, figure in zip(factors_figures(own), factors_figures(in_words(own)), strict=True):
            file = file_name("factors", name, plain.response, plain.by)
            figures.append(replace(figure, name=file, experiment=name))
    return figures


def _figure(fit, importance: pd.DataFrame, effects: pd.DataFrame) -> FactorsFigure:
    largest = importance.nlargest(MOST_BARS, "share")
    bars = [row.factor if pd.isna(row.other) else f"{row.factor} × {row.other}" for row in largest.itertuples()]
    shown = effects.loc[effects["estimate"].abs().nlargest(MOST_EFFECTS).sort_index().index]
    levels = [f"{row.factor}: {level_title(row.level)} vs {level_title(row.reference)}" for row in shown.itertuples()]
    return FactorsFigure(
        name=file_name("factors", fit.response, *([fit.by] if fit.by else [])),
        experiment=f"{fit.by}|{fit.response}",
        metrics=[fit.response],
        seeds=(),
        response=fit.response,
        by=fit.by,
        importance=Intervals.of(largest, [shortened(text, LABEL) for text in bars], "share"),
        effects=Intervals.of(shown, [shortened(text, LABEL) for text in levels], "estimate"),
        hidden=len(effects) - len(shown),
        r2=float(fit.r2_forest),
    )
