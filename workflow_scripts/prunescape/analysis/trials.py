"""The trials of designs with a space: each beside the cells trained at it, the best, and their confirmation."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from prunescape.analysis.axes import KEY_COLUMNS
from prunescape.space.recipe import PARAMETERS
from prunescape.space.settings import hyperparameter_columns
from prunescape.store.records import CONFIRMATION, OF_TRIALS, OK, TRIAL
from prunescape.store.tables import Columns, read_result

ALL = "all"  # the arm in which every hyperparameter of the space varies
DEFAULT = "default"
KEY = ["experiment", "variant"]
Terms = Mapping[str, Mapping[str, Any]]  # by experiment, as Study.trial_terms gives them


def hyperparameters(trials: pd.DataFrame) -> list[str]:
    """The hyperparameters that are columns of trials.parquet."""
    return sorted(name for name in trials if name in PARAMETERS)


def read_trial_cells(cells: Path | str, trials: Path | str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The trained trials and confirmations among `cells`, and every one of `trials` (both Parquet).

    Raises InputError when a file is missing, damaged or lacks a column.
    """
    found = read_result(cells, dict.fromkeys(("experiment", "variant", "seed", "stage", "status")))
    planned = read_result(trials, dict.fromkeys(("experiment", "arm", "trial", "setting")))
    return found[found["stage"].isin(OF_TRIALS)].reset_index(drop=True), planned


def trial_cells(cells: pd.DataFrame, trials: pd.DataFrame) -> pd.DataFrame:
    """One row per trial and cell trained at its setting: experiment, arm, trial, setting and all columns of the cell.

    A cell stands in as many rows as trials have its setting: select an arm, or rows without a repeated cell.
    """
    parts = [
        at_settings(own, cells[cells["experiment"] == name]) for name, own in trials.groupby("experiment", sort=True)
    ]
    columns = list(dict.fromkeys([*trials, *cells]))
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns)


def at_settings(trials: pd.DataFrame, cells: pd.DataFrame) -> pd.DataFrame:
    """`trial_cells` of ONE experiment, whose settings are of the hyperparameters that vary in its trials.

    Other hyperparameters of the cells, or of models that were measured, are the recipe's, and stay as they are.
    """
    varied = [name for name in hyperparameters(trials) if trials[name].notna().any()]
    keys = trials[["experiment", "arm", "trial", "setting", *varied]]
    cells = cells.reindex(columns=list(dict.fromkeys([*cells, *varied])))
    return keys.merge(cells.astype({name: keys[name].dtype for name in varied}), on=["experiment", *varied])


def best_columns(trials: pd.DataFrame) -> Columns:
    """The columns of `best_settings`."""
    return {
        **{name: KEY_COLUMNS[name] for name in KEY},
        "arm": ("string", "arm of the trials"),
        "place": ("int64", "1 for the best setting of the arm and variant"),
        "trial": ("int64", "number of the trial in its arm, from 0"),
        "setting": ("string", "name of the setting in paths"),
        "rank_by": ("string", "column of the cells by which settings are the best"),
        "score": ("float64", "its mean over seeds that did not diverge, percent"),
        "top1": ("float64", "mean over these seeds of top-1 on the test split, percent"),
        "seeds": ("int64", "seeds of the setting"),
        "diverged": ("int64", "seeds among them that diverged"),
        **hyperparameter_columns(hyperparameters(trials)),
    }


def best_settings(joined: pd.DataFrame, trials: pd.DataFrame, terms: Terms) -> pd.DataFrame:
    """The best settings of each arm and variant, as `best_columns`; `joined` as `trial_cells` gives it.

    Settings with a seed that diverged come after those without; ties go to the earlier trial.
    """
    columns = list(best_columns(trials))
    parts = [
        _ranked(rows[rows["arm"] != DEFAULT], terms[name], hyperparameters(trials))
        for name, rows in joined[joined["stage"] == TRIAL].groupby("experiment", sort=True)
    ]
    if not parts:
        return pd.DataFrame(columns=columns)
    found = pd.concat(parts, ignore_index=True)
    most = found["experiment"].map({name: terms[name]["best"] for name in terms})
    return found[found["place"] <= most].reindex(columns=columns)


def _ranked(rows: pd.DataFrame, terms: Mapping[str, Any], names: list[str]) -> pd.DataFrame:
    """One row per arm, variant and trial of ONE experiment, with its place."""
    good = rows["status"] == OK
    rows = rows.assign(score=rows[terms["rank_by"]].where(good), top1=rows["top1"].where(good), diverged=~good)
    keys = [*KEY, "arm", "trial", "setting"]
    kept = [name for name in names if name in rows]
    summary = {"score": "mean", "top1": "mean", "seed": "size", "diverged": "sum"} | dict.fromkeys(kept, "first")
    table = rows.groupby(keys, as_index=False).agg(summary).rename(columns={"seed": "seeds"})
    table = table.sort_values([*KEY, "arm", "diverged", "score", "trial"], ascending=[True] * 4 + [False, True])
    place = table.groupby([*KEY, "arm"], sort=False).cumcount() + 1
    return table.assign(place=place, rank_by=terms["rank_by"])


def best_of_variants(cells: pd.DataFrame, trials: pd.DataFrame, terms: Mapping[str, Any]) -> pd.DataFrame:
    """The settings of ONE experiment by variant, best first, over the arm that varies all, or over all arms without it.

    Columns as `best_settings`, with `place` in the variant.
    """
    joined = trial_cells(cells[cells["stage"] == TRIAL], trials)
    arms = [ALL] if ALL in set(trials["arm"]) else [arm for arm in trials["arm"].unique() if arm != DEFAULT]
    rows = joined[joined["arm"].isin(arms)].drop_duplicates([*KEY, "setting", "seed"])
    ranked = _ranked(rows.assign(arm=arms[0]), terms, hyperparameters(trials))
    return ranked.sort_values(["variant", "place"], ignore_index=True)


def confirmation_columns(trials: pd.DataFrame) -> Columns:
    """The columns of `confirmations`."""
    return {
        **{name: KEY_COLUMNS[name] for name in KEY},
        "place": ("int64", "1 for the best setting of the variant by its trials"),
        "setting": ("string", "name of the setting in paths"),
        "rank_by": ("string", "column of the cells by which it was chosen"),
        "score": ("float64", "mean of that column over the seeds of the trial, percent: too high by the choice"),
        "trial_top1": ("float64", "mean top-1 over these seeds, percent"),
        "seeds": ("int64", "fresh seeds"),
        "diverged": ("int64", "fresh seeds that diverged, at chance level in what follows"),
        "top1": ("float64", "mean top-1 over fresh seeds, percent"),
        "std": ("float64", "standard deviation of top-1 over them, 1/(n - 1) form; null with one"),
        **hyperparameter_columns(hyperparameters(trials)),
    }


def confirmations(cells: pd.DataFrame, trials: pd.DataFrame, terms: Terms) -> pd.DataFrame:
    """What fresh seeds say of the best settings of each variant, as `confirmation_columns`."""
    columns, names = list(confirmation_columns(trials)), hyperparameters(trials)
    parts = []
    for name, own in cells.groupby("experiment", sort=True):
        fresh, of_name = own[own["stage"] == CONFIRMATION], trials[trials["experiment"] == name]
        if fresh.empty or of_name.empty:
            continue
        best = best_of_variants(own, of_name, terms[name])
        alike = [key for key in names if key in best]
        tested = fresh.assign(diverged=fresh["status"] != OK).groupby([*KEY, *alike], dropna=False, as_index=False)
        tested = tested.agg(
            seeds=("seed", "size"), diverged=("diverged", "sum"), top1=("top1", "mean"), std=("top1", "std")
        )
        chosen = best.drop(columns=["seeds", "diverged"]).rename(columns={"top1": "trial_top1"})
        parts.append(chosen.merge(tested, on=[*KEY, *alike]))
    found = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns)
    return found.reindex(columns=columns)
