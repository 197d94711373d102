"""Which hyperparameters matter in a study's trials, per variant, and which act otherwise after pruning."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from prunescape.analysis.factors.columns import TABLES
from prunescape.analysis.factors.factor import column_of
from prunescape.analysis.factors.factor_tables import tables_of
from prunescape.analysis.factors.question import Question, prepared_runs
from prunescape.analysis.trials import DEFAULT, hyperparameters
from prunescape.errors import InputError
from prunescape.store.records import TRIAL
from prunescape.store.tables import Columns

RESPONSES = ("top1", "log10:epoch_seconds")
SETTING = ["experiment", "variant", "setting"]
NOTES = "notes"
EXPERIMENT = {"experiment": ("string", "experiment of the study")}


def factor_columns(name: str) -> Columns:
    """The columns of the table `name` of a study: those of `prunescape factors`, and the experiment."""
    return EXPERIMENT | TABLES[name]


def trial_factors(joined: pd.DataFrame, trials: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """The tables of `prunescape factors` over the trials of each experiment, by name: one row per variant and setting.

    `joined` as `trial_cells` gives it. A response is its mean over the seeds of a setting, since these are no
    independent settings; a diverged cell counts at chance level. Factors are the hyperparameters of the space. FLOPs
    and parameters are no responses: they follow from the network without noise, so that no test is about them. A table
    `notes` (experiment, note) says what was left out, and why an experiment tells nothing.
    """
    parts: dict[str, list[pd.DataFrame]] = {name: [] for name in (*TABLES, NOTES)}
    drawn = joined[(joined["stage"] == TRIAL) & (joined["arm"] != DEFAULT)]
    for experiment, rows in drawn.groupby("experiment", sort=True):
        factors = [name for name in hyperparameters(trials) if rows[name].nunique(dropna=False) > 1]
        for name, table in _tables(_over_seeds(rows, factors), factors, str(experiment)).items():
            parts[name].append(table.assign(experiment=experiment))
    columns = {**{name: list(factor_columns(name)) for name in TABLES}, NOTES: ["experiment", "note"]}
    return {
        name: pd.concat(found, ignore_index=True).reindex(columns=columns[name])
        if found
        else pd.DataFrame(columns=columns[name])
        for name, found in parts.items()
    }


def _over_seeds(rows: pd.DataFrame, factors: list[str]) -> pd.DataFrame:
    """One row per variant and setting with the factors and the mean of each response over seeds."""
    cells = rows.drop_duplicates([*SETTING, "seed"])
    kept = dict.fromkeys(factors, "first") | {column_of(name): "mean" for name in RESPONSES}
    return cells.groupby(SETTING, as_index=False, sort=False).agg(kept)


def _tables(cells: pd.DataFrame, factors: list[str], where: str) -> Mapping[str, Any]:
    """The tables of ONE experiment; only a note where its trials tell nothing."""
    question = Question(RESPONSES, by=("variant",), factors=factors, leave_out_missing=True)
    try:
        analysis = tables_of(prepared_runs(cells, where, question))
    except InputError as error:
        return {NOTES: pd.DataFrame({"note": [str(error)]})}
    return analysis.tables | {NOTES: pd.DataFrame({"note": list(analysis.notes)})}
