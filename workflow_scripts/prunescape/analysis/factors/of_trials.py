"""Which hyperparameters matter in a study's trials, per variant, and which act otherwise after pruning."""

from collections.abc import Mapping, Sequence
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
OF_NETWORKS = ("log10:flops", "log10:parameters")  # where hyperparameters of the network vary
INTERACTIONS = ("interactions", "interaction_effects")
SETTING = ["experiment", "variant", "setting"]
NOTES = "notes"
EXPERIMENT = {"experiment": ("string", "experiment of the study")}


def factor_columns(name: str) -> Columns:
    """The columns of the table `name` of a study: those of `prunescape factors`, and the experiment."""
    return EXPERIMENT | TABLES[name]


def trial_factors(joined: pd.DataFrame, trials: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """The tables of `prunescape factors` over the trials of each experiment, by name: one row per variant and setting.

    `joined` as `trial_cells` gives it. A response is its mean over the seeds of a setting, since these are no
    independent settings; a diverged cell counts at chance level. Factors are the hyperparameters of the space; where
    networks differ, FLOPs and parameters are responses, too. A table `notes` (experiment, note) says what was left out,
    and why an experiment tells nothing.
    """
    parts: dict[str, list[pd.DataFrame]] = {name: [] for name in (*TABLES, NOTES)}
    drawn = joined[(joined["stage"] == TRIAL) & (joined["arm"] != DEFAULT)]
    for experiment, rows in drawn.groupby("experiment", sort=True):
        factors = [name for name in hyperparameters(trials) if rows[name].nunique(dropna=False) > 1]
        responses = (*RESPONSES, *(name for name in OF_NETWORKS if _differs(rows, column_of(name))))
        for name, table in _tables(_over_seeds(rows, factors, responses), factors, responses, str(experiment)).items():
            parts[name].append(table.assign(experiment=experiment))
    columns = {**{name: list(factor_columns(name)) for name in TABLES}, NOTES: ["experiment", "note"]}
    return {
        name: pd.concat(found, ignore_index=True).reindex(columns=columns[name])
        if found
        else pd.DataFrame(columns=columns[name])
        for name, found in parts.items()
    }


def _differs(rows: pd.DataFrame, column: str) -> bool:
    """Whether networks of every variant differ in what a column tells: it is the same of all trainings of one."""
    return column in rows and bool((rows.groupby("variant")[column].nunique() > 1).all())


def _over_seeds(rows: pd.DataFrame, factors: list[str], responses: Sequence[str]) -> pd.DataFrame:
    """One row per variant and setting with the factors and the mean of each response over seeds."""
    cells = rows.drop_duplicates([*SETTING, "seed"])
    kept = dict.fromkeys(factors, "first") | {column_of(name): "mean" for name in responses}
    return cells.groupby(SETTING, as_index=False, sort=False).agg(kept)


def _tables(cells: pd.DataFrame, factors: list[str], responses: Sequence[str], where: str) -> Mapping[str, Any]:
    """The tables of ONE experiment; only a note where its trials tell nothing."""
    question = Question(responses, by=("variant",), factors=factors, leave_out_missing=True)
    try:
        analysis = tables_of(prepared_runs(cells, where, question))
    except InputError as error:
        return {NOTES: pd.DataFrame({"note": [str(error)]})}
    measured = {name: _of_measured(analysis.tables[name]) for name in INTERACTIONS}
    return analysis.tables | measured | {NOTES: pd.DataFrame({"note": list(analysis.notes)})}


def _of_measured(table: pd.DataFrame) -> pd.DataFrame:
    """The rows but of OF_NETWORKS: pruning decides on these, so how they change by it is no question to the trials."""
    return table[~table["response"].isin(OF_NETWORKS)]
