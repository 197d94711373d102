"""Cells as Optuna studies, one per variant, for Optuna's own plots and dashboard."""

import json
import sqlite3
import warnings
from collections.abc import Sequence
from contextlib import closing
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd

from prunescape.analysis.axes import BASE, DEFAULT_AXES, DEFAULT_METRIC, GROUP, Axes, Axis, Metric
from prunescape.analysis.read_cells import read_cells
from prunescape.analysis.sources.optuna_storage import load_optuna
from prunescape.errors import InputError
from prunescape.store.files import whole_file

PARAMETER_NAMES = {"log10_lr": "learning_rate", "log10_wd": "weight_decay"}
STUDY_ATTRIBUTES = [*GROUP, "variant"]
TRIAL_ATTRIBUTES = [*STUDY_ATTRIBUTES, "seed", "status", "stage", "round", "select_on", "classes"]
Studies = dict[str, list[Any]]  # the trials (optuna's FrozenTrial) of each study


def export_optuna(
    cells: Path | str,
    out: Path | str,
    *,
    kind: str = "sqlite",
    axes: Axes = DEFAULT_AXES,
    metric: Metric = DEFAULT_METRIC,
    base: str = BASE,
    studies: Sequence[str] = (),
) -> Path:
    """Write the cells of a table, or of another storage, into the new storage `out` of a `kind`: sqlite or journal.

    A study is a variant, called EXPERIMENT/VARIANT; a trial is a cell. Its parameters are the `axes`, by default
    learning_rate and weight_decay, with one distribution for all variants of an experiment; its value is the metric.
    Seed, status, stage, round, scores and the keys of its landscape are user attributes. A diverged cell is a
    complete trial with the value that it counts as. Times are those of the export. Raises InputError for a table that
    `read_cells` refuses (but it may lack a base), or when `out` is there already or cannot be written.
    """
    load_optuna()
    out = Path(out)
    if out.exists():
        raise InputError("the file is there already", where=out, hint="delete it, or give --out another name")
    known = read_cells(cells, partial=True, axes=axes, metric=metric, base=base, studies=studies)
    table = trial_table(known, axes, metric, base)
    if table.empty:
        raise InputError("the table has no rows", where=cells)
    studies = trials_by_study(table, axes, metric)
    try:
        with whole_file(out) as temporary:
            {"sqlite": write_sqlite, "journal": write_journal}[kind](temporary, studies, metric)
    except (OSError, sqlite3.Error) as error:
        raise InputError(f"the storage cannot be written ({error})", where=out) from None
    return out


def trial_table(cells: pd.DataFrame, axes: Axes, metric: Metric, base: str) -> pd.DataFrame:
    """Of checked cells: their attributes, parameters and scores; the base is called `base`."""
    table = cells[TRIAL_ATTRIBUTES].assign(variant=cells["variant"].replace(BASE, base))
    for axis in axes:
        name = parameter_name(axis)
        if name in table or name in metric.names:
            raise InputError(f'a parameter cannot be called "{name}": an attribute or the other parameter is')
        table[name] = [_parameter(value, axis) for value in cells[axis.name]] if axis.decades else cells[axis.name]
    for name in metric.names:
        table[[name, f"val_{name}"]] = cells[[name, f"val_{name}"]]
    return table


def _parameter(value: float, axis: Axis) -> float:
    """The value of a parameter whose logarithm is given; 0 where the axis says so."""
    power = 10.0**value  # Python's gives 1e-05 where numpy's gives 9.999999999999999e-06
    return 0.0 if axis.zero is not None and abs(power / axis.zero - 1) < 1e-6 else power


def parameter_name(axis: Axis) -> str:
    """A parameter is the value, an axis may be its logarithm."""
    return PARAMETER_NAMES.get(axis.name, axis.name.removeprefix("log10_"))


def trials_by_study(table: pd.DataFrame, axes: Axes, metric: Metric) -> Studies:
    """The trials of each variant by the name of its study: a longer one where models share an experiment."""
    studies = {}
    experiments = table.groupby("experiment")[["model", "dataset"]].nunique().max(axis=1)
    for group, rows in table.groupby(GROUP, sort=False):
        parameters = distributions(rows, axes)
        name = group[0] if experiments[group[0]] == 1 else "/".join(group)
        for variant, cells in rows.groupby("variant", sort=False):
            studies[f"{name}/{variant}"] = frozen_trials(cells, parameters, metric.names[0])
    return studies


def distributions(table: pd.DataFrame, axes: Axes) -> dict[str, Any]:
    """The distribution of each parameter: from its lowest to its highest value in `table`."""
    from optuna.distributions import FloatDistribution

    return {
        parameter_name(axis): FloatDistribution(
            *table[parameter_name(axis)].agg(["min", "max"]), log=axis.decades and axis.zero is None
        )
        for axis in axes
    }


def frozen_trials(cells: pd.DataFrame, parameters: dict[str, Any], metric: str) -> list[Any]:
    """One complete trial per cell; what a cell does not know is no attribute."""
    from optuna.trial import create_trial

    trials = []
    for row in cells.to_dict("records"):
        values = {name: row.pop(name) for name in parameters}
        known = {name: int(value) if name == "classes" else value for name, value in row.items() if value == value}
        trials.append(create_trial(params=values, distributions=parameters, value=row[metric], user_attrs=known))
    return trials


def write_sqlite(path: Path, studies: Studies, metric: Metric) -> None:
    """Write an RDBStorage as one SQLite file; it is made in memory, as a file would be synced again and again."""
    from optuna.storages import RDBStorage

    with closing(sqlite3.connect(":memory:")) as memory, closing(sqlite3.connect(path)) as file:
        storage = RDBStorage("sqlite://", engine_kwargs={"creator": lambda: memory})
        for name, trials in studies.items():
            create_study(storage, name, trials[0].user_attrs, metric)
        add_at_once(storage, studies)
        memory.backup(file)


def write_journal(path: Path, studies: Studies, metric: Metric) -> None:
    """Write a JournalStorage, made in memory too."""
    from optuna.storages import JournalStorage
    from optuna.storages.journal import BaseJournalBackend, JournalFileBackend

    class Memory(BaseJournalBackend):
        logs: list[dict[str, Any]] = []

        def read_logs(self, log_number_from: int) -> list[dict[str, Any]]:
            return self.logs[log_number_from:]

        def append_logs(self, logs: list[dict[str, Any]]) -> None:
            self.logs.extend(logs)

    memory = Memory()
    storage = JournalStorage(memory)
    for name, trials in studies.items():
        create_study(storage, name, trials[0].user_attrs, metric).add_trials(trials)
    JournalFileBackend(str(path)).append_logs(memory.logs)


def create_study(storage: Any, name: str, attributes: dict[str, Any], metric: Metric) -> Any:
    """A study without trials, that knows its landscape's keys and its metric's name and direction."""
    import optuna

    direction = "minimize" if metric.minimise else "maximize"
    study = optuna.create_study(storage=storage, study_name=name, direction=direction)
    for key in STUDY_ATTRIBUTES:
        study.set_user_attr(key, attributes[key])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Optuna calls names of metrics experimental
        study.set_metric_names([metric.names[0]])
    return study


def add_at_once(storage: Any, studies: Studies) -> None:
    """What `study.add_trials` does for new studies of an RDBStorage, in one transaction.

    Optuna takes 10 to 20 ms for each trial, minutes for a study's thousands. The tables are those that it has made.
    """
    import sqlalchemy

    rows = {name: [] for name in ("trials", "trial_values", "trial_params", "trial_user_attributes")}
    for name, trials in studies.items():
        study = storage.get_study_id_from_name(name)
        for number, trial in enumerate(trials):
            _add_rows(rows, trial, len(rows["trials"]) + 1, number, study)
    made = sqlalchemy.MetaData()
    made.reflect(storage.engine)
    with storage.engine.begin() as connection:
        for name, values in rows.items():
            connection.execute(made.tables[name].insert(), values)


def _add_rows(rows: dict[str, list[dict[str, Any]]], trial: Any, trial_id: int, number: int, study_id: int) -> None:
    """The rows of one trial in each table."""
    of = {"trial_id": trial_id}
    times = {name: getattr(trial, name) for name in ("datetime_start", "datetime_complete")}
    rows["trials"].append({**of, "number": number, "study_id": study_id, "state": trial.state.name, **times})
    rows["trial_values"].append({**of, "objective": 0, "value": trial.value, "value_type": "FINITE"})
    for name, value in trial.params.items():
        distribution = trial.distributions[name]
        described = {"param_value": distribution.to_internal_repr(value), "distribution_json": _as_json(distribution)}
        rows["trial_params"].append({**of, "param_name": name, **described})
    for name, value in trial.user_attrs.items():
        rows["trial_user_attributes"].append({**of, "key": name, "value_json": json.dumps(value)})


@cache
def _as_json(distribution: Any) -> str:
    from optuna.distributions import distribution_to_json

    return distribution_to_json(distribution)
