"""The table of best accuracies, which matthiesen2023 gives in its text (4.1.1) and in Table 3.4."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from prunescape.analysis.axes import LANDSCAPE, Axes
from prunescape.analysis.landscape.regions import best_cells
from prunescape.present.published import PRIOR, published_model
from prunescape.present.tables.over_seeds import ROW_COLUMNS, mean_columns, over_seeds
from prunescape.present.tables.printed import Column, PrintedTable, printed_table
from prunescape.present.terms import Terms

ACCURACIES = {
    "best": "score of the best cell, percent on the test split",
    "prior_score": "score of the cell at the prior, percent on the test split",
}
ACCURACY_TABLE_COLUMNS: dict[str, tuple[str, str]] = {**ROW_COLUMNS, **mean_columns(ACCURACIES)}
NEAR = 1e-9  # values of one setting may differ by rounding


def accuracy_table(scores: Mapping[str, pd.DataFrame], terms: Terms, reference: str | None) -> pd.DataFrame:
    """One row per experiment, variant and metric, with the columns of `ACCURACY_TABLE_COLUMNS`.

    `scores` are the landscapes of each experiment. An experiment without a prior has the published one where the
    reference has its model and data set, else none.
    """
    parts = [
        _of_experiment(rows, terms.axes_of(name), terms.priors.get(name), reference) for name, rows in scores.items()
    ]
    best = pd.concat(parts) if parts else pd.DataFrame(columns=[*LANDSCAPE, *ACCURACIES])
    return over_seeds(best, list(ACCURACIES), reference)[list(ACCURACY_TABLE_COLUMNS)]


def _of_experiment(
    scores: pd.DataFrame, axes: Axes, prior: Mapping[str, Any] | None, reference: str | None
) -> pd.DataFrame:
    if prior is None and published_model(reference, *scores[["model", "dataset"]].iloc[0]):
        prior = PRIOR
    best = best_cells(scores, axes)[[*LANDSCAPE, "score"]].rename(columns={"score": "best"})
    at_prior = scores[_is_at(scores, axes, prior or {})][[*LANDSCAPE, "score"]].rename(columns={"score": "prior_score"})
    return best.merge(at_prior, on=LANDSCAPE, how="left", validate="1:1")


def _is_at(scores: pd.DataFrame, axes: Axes, prior: Mapping[str, Any]) -> pd.Series:
    """Which cells are at the prior; none where it does not give every axis."""
    if not set(axes.names) <= set(prior):
        return pd.Series(False, index=scores.index)
    at = pd.Series({name: float(prior[name]) for name in axes.names})
    return ((scores[axes.names] - at).abs() < NEAR).all(axis=1)


def print_accuracies(table: pd.DataFrame, reference: str | None) -> PrintedTable:
    """`accuracy_table` as it is printed, with as many decimals as the paper gives."""
    columns = [Column("best", ("best",), 2), Column("at the prior", ("prior_score",), 3)]
    notes = [
        "Accuracy on the test split, in percent: of each variant's best cell (section 4.1.1 of Matthiesen, 2023) and "
        "of its cell at the prior (Table 3.4, which gives the base's).",
        "–: there is no such cell, or no such published value.",
    ]
    return printed_table(table, columns, reference, name="best_accuracies", notes=notes, marks={})
