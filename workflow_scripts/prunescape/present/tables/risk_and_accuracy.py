"""The tables of performance risk (matthiesen2023, Table 4.2) and best accuracies (its section 4.1.1 and Table 3.4)."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from prunescape.analysis.axes import Axes
from prunescape.analysis.keys import LANDSCAPE, VARIANT_KEY
from prunescape.analysis.landscape.regions import best_cells
from prunescape.present.published import PRIORS, place_in_paper
from prunescape.present.tables.over_seeds import ROW_COLUMNS, mean_columns, over_seeds
from prunescape.present.tables.printed import Column, PrintedTable, printed_table
from prunescape.present.terms import Terms

RISKS = {
    "d_mean": "mean risk over the base's region of good settings, percentage points",
    "d_std": "its standard deviation over settings in the 1/n form, percentage points",
    "d_rel_mean": "mean of risk / best, a share",
    "d_rel_std": "its standard deviation over settings in the 1/n form, a share",
    "d_rel_within_2": "share of the settings whose risk / best is at most twice the base's largest one",
}
RISK_TABLE_COLUMNS: dict[str, tuple[str, str]] = {
    **ROW_COLUMNS,
    "estimated": ("int64", "seeds with a risk: their base has a region that the variant was trained in"),
    "settings": ("int64", "settings of the base's regions that the variant was trained at, summed over seeds"),
    "diverged": ("int64", "how many of these diverged"),
    **mean_columns(RISKS),
}
ACCURACIES = {
    "best": "score of the best cell, percent on the test split",
    "prior_score": "score of the cell at the prior, percent on the test split",
}
ACCURACY_TABLE_COLUMNS: dict[str, tuple[str, str]] = {**ROW_COLUMNS, **mean_columns(ACCURACIES)}
NEAR = 1e-9  # values of one setting may differ by rounding


def risk_table(risk: pd.DataFrame, reference: str | None) -> pd.DataFrame:
    """One row per experiment, variant and metric, with the columns of `RISK_TABLE_COLUMNS`; `risk` as `risk.risk`."""
    table = over_seeds(risk, list(RISKS), reference)
    counts = risk.assign(estimated=risk["n"] > 0).groupby(VARIANT_KEY)[["estimated", "n", "n_diverged"]].sum()
    table = table.join(counts.rename(columns={"n": "settings", "n_diverged": "diverged"}), on=VARIANT_KEY)
    return table.astype({"estimated": "int64"})[list(RISK_TABLE_COLUMNS)]


def print_risk(table: pd.DataFrame, reference: str | None) -> PrintedTable:
    """`risk_table` as it is printed: three decimals as in the paper, behind them the share within twice the base's."""
    columns = [
        Column("d_mean", ("d_mean",), 3, lambda row: "×" * (row["diverged"] > 0)),
        Column("d_std", ("d_std",), 3),
        Column("d_mean^R", ("d_rel_mean",), 3),
        Column("d_std^R", ("d_rel_std",), 3),
        Column("within 2×", ("d_rel_within_2",), 2),
    ]
    notes = [
        "Mean and standard deviation of the performance risk (percentage points) and of the relative performance risk "
        "(R, a share) when the base's settings are kept after pruning (as Table 4.2 of Matthiesen, 2023).",
        "Within 2×: share of the base's good settings at which the relative risk is at most twice the base's largest "
        "one (section 4.2; not in the published table). –: no such setting was trained.",
    ]
    marks = {"×": "some of the settings diverged and count at chance level"}
    return printed_table(table, columns, reference, title="Performance risk", notes=notes, marks=marks)


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
    if prior is None and place_in_paper(reference, *scores[["model", "dataset"]].iloc[0]) is not None:
        prior = PRIORS[reference]
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
    return printed_table(table, columns, reference, title="Best accuracies", notes=notes, marks={})
