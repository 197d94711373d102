"""The table of best accuracies, which matthiesen2023 gives in its text (4.1.1) and in Table 3.4. Needs pandas."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from prunescape.analysis.cell_checks import SETTING_DECIMALS
from prunescape.analysis.cells_table import LANDSCAPE, SETTING
from prunescape.analysis.landscape.regions import best_cells
from prunescape.present.published import PRIOR, published_model
from prunescape.present.tables.over_seeds import ROW_COLUMNS, mean_columns, over_seeds
from prunescape.present.tables.printed import Column, PrintedTable, printed_table

if TYPE_CHECKING:
    import pandas as pd

ACCURACIES = {
    "best": "score of the best cell, percent on the test split",
    "prior_score": "score of the cell at the prior, percent on the test split",
}
ACCURACY_TABLE_COLUMNS: dict[str, tuple[str, str]] = {**ROW_COLUMNS, **mean_columns(ACCURACIES)}
Priors = dict[str, dict[str, float]]


def accuracy_table(scores: pd.DataFrame, priors: Priors, reference: str | None) -> pd.DataFrame:
    """One row per experiment, variant and metric, with the columns of `ACCURACY_TABLE_COLUMNS`.

    `scores` as `table.scores`; `priors` gives log10_lr and log10_wd by experiment. One that it lacks has the published
    prior where the reference has its model and data set, else none.
    """
    best = best_cells(scores)[[*LANDSCAPE, "score"]].rename(columns={"score": "best"})
    at_prior = scores[_is_prior(scores, priors, reference)]
    at_prior = at_prior[[*LANDSCAPE, "score"]].rename(columns={"score": "prior_score"})
    both = best.merge(at_prior, on=LANDSCAPE, how="left", validate="1:1")
    return over_seeds(both, list(ACCURACIES), reference)[list(ACCURACY_TABLE_COLUMNS)]


def _is_prior(scores: pd.DataFrame, priors: Priors, reference: str | None) -> np.ndarray:
    @cache
    def prior(experiment: str, model: str, dataset: str) -> tuple[float, ...] | None:
        known = priors.get(experiment) or (PRIOR if published_model(reference, model, dataset) else None)
        return known and tuple(round(float(known[axis]), SETTING_DECIMALS) for axis in SETTING)

    rows = scores[["experiment", "model", "dataset", *SETTING]].itertuples(index=False)
    return np.array([tuple(row[3:]) == prior(*row[:3]) for row in rows], dtype=bool)


def print_accuracies(table: pd.DataFrame, reference: str | None) -> PrintedTable:
    """`accuracy_table` as it is printed, with as many decimals as the paper gives."""
    columns = [Column("best", ("best",), 2), Column("at the prior", ("prior_score",), 3)]
    notes = [
        "Accuracy on the test split, in percent: of each variant's best cell (section 4.1.1 of Matthiesen, 2023) and "
        "of its cell at the prior (Table 3.4, which gives the base's).",
        "–: there is no such cell, or no such published value.",
    ]
    return printed_table(table, columns, reference, name="best_accuracies", notes=notes, marks={})
