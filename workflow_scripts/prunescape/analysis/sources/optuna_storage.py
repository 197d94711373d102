"""Optuna storages as tables of cells: a row per complete trial, whoever made it."""

import sqlite3
import sys
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pandas as pd

from prunescape.analysis.axes import DEFAULT_METRIC, Metric
from prunescape.errors import InputError, nearest

SQLITE, JOURNAL = b"SQLite format 3\0", b'"op_code"'
UNKNOWN = "unknown"  # a model or data set that a storage does not name


def is_storage(path: Path | str) -> bool:
    """Whether the file is an SQLite database or a journal of Optuna's; False where it cannot be read."""
    try:
        with open(path, "rb") as file:
            first = file.readline(4096)
    except OSError:
        return False
    return first.startswith(SQLITE) or (first.startswith(b"{") and JOURNAL in first)


def read_trials(path: Path | str, metric: Metric = DEFAULT_METRIC, studies: Sequence[str] = ()) -> pd.DataFrame:
    """One row per complete trial, labelled by study and number; others are left out, and counted on standard error.

    Columns: every parameter and user attribute under its own name, and `value` (of several objectives `values_0`, ...).
    Where neither trial nor study says them: variant is the study's name, experiment the file's, model and dataset are
    `UNKNOWN`, and seed counts the trials of a study with the same parameters. `studies` are the names of those to read,
    by default all. Raises InputError for a file that Optuna cannot read, a study that is not there, or a metric that a
    study optimises the other way.
    """
    rows, left_out = {}, Counter()
    for study, trials in studies_in(path, studies):
        count, alike = len(study.directions), Counter()
        names = ["value"] if count == 1 else [f"values_{number}" for number in range(count)]
        _check_direction(study, names, metric, path)
        about = {"variant": study.study_name, "experiment": Path(path).stem, "model": UNKNOWN, "dataset": UNKNOWN}
        about |= study.user_attrs
        for trial in trials:
            if trial.state.name != "COMPLETE":
                left_out[trial.state.name.lower()] += 1
                continue
            same = repr(sorted(trial.params.items()))  # a choice may be a list
            values = dict(zip(names, trial.values, strict=True))
            label = f'study "{study.study_name}", trial {trial.number}'
            rows[label] = {"seed": alike[same], **about, **trial.user_attrs, **trial.params, **values}
            alike[same] += 1
    if left_out:
        counts = ", ".join(f"{count} {state}" for state, count in sorted(left_out.items()))
        print(f"warning: {path}: trials that are not complete are left out: {counts}", file=sys.stderr)
    if not rows:
        raise InputError("the storage has no complete trial", where=path)
    return pd.DataFrame(list(rows.values()), index=list(rows))


def load_optuna() -> Any:
    """The package, told to say nothing of its progress and of choices that it does not like."""
    try:
        import optuna
    except ImportError:
        raise InputError("the package optuna is not installed", hint="pip install 'prunescape[optuna]'") from None
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    warnings.filterwarnings("ignore", message="Choices for a categorical distribution")
    return optuna


def studies_in(path: Path | str, studies: Sequence[str] = ()) -> Iterator[tuple[Any, list[Any]]]:
    """The `studies` of the storage in a file, or all, with their trials; the file is only read. Raises InputError."""
    optuna = load_optuna()
    from sqlalchemy.exc import SQLAlchemyError

    try:
        with _opened(Path(path)) as storage:
            known = optuna.get_all_study_names(storage)
            for name in studies or known:
                if name not in known:
                    hint = nearest(name, known)
                    raise InputError(f'there is no study "{name}"', where=path, allowed=", ".join(known), hint=hint)
                study = optuna.load_study(study_name=name, storage=storage)
                yield study, study.get_trials(deepcopy=False)
    except (RuntimeError, ValueError, KeyError, OSError, SQLAlchemyError, sqlite3.Error) as error:
        raise InputError(f"Optuna {optuna.__version__} cannot read the storage ({error})", where=path) from None


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    from optuna.storages import JournalStorage, RDBStorage
    from optuna.storages.journal import JournalFileBackend

    with open(path, "rb") as file:
        in_sqlite = file.read(len(SQLITE)) == SQLITE
    if not in_sqlite:
        yield JournalStorage(JournalFileBackend(str(path)))
        return
    uri = f"{path.absolute().as_uri()}?mode=ro"
    with closing(sqlite3.connect(uri, uri=True)) as connection:
        tables = {name for (name,) in connection.execute("select name from sqlite_master where type = 'table'")}
        if not {"studies", "trials", "version_info"} <= tables:
            raise InputError("the SQLite database is no storage of Optuna's", where=path)
        # a connection of our own, as a path within a URL would need escaping that Optuna undoes in part
        yield RDBStorage("sqlite://", engine_kwargs={"creator": lambda: connection})


def _check_direction(study: Any, names: list[str], metric: Metric, path: Path | str) -> None:
    """A study says itself whether lower values are better."""
    direction = dict(zip(names, study.directions, strict=True)).get(metric.name)
    if direction is not None and (direction.name == "MINIMIZE") != metric.minimise:
        word, hint = ("maximised", "leave --minimise out") if metric.minimise else ("minimised", "--minimise")
        raise InputError(f'in the study "{study.study_name}" "{metric.name}" is {word}', where=path, hint=hint)


def check_parameters(trials: pd.DataFrame, columns: list[str], path: Path | str) -> None:
    """Raise for the first trial that lacks a parameter that some other trial has; `columns` are those of the axes."""
    for name in [name for name in columns if name in trials]:
        absent = trials[name].isna()
        if absent.any():
            without = {study for study, _ in trials.index[absent].str.rsplit(", trial ", n=1)}
            names = dict.fromkeys(study for study, _ in trials.index.str.rsplit(", trial ", n=1))
            whole = [study.removeprefix("study ") for study in names if study not in without]
            hint = f"--studies {' '.join(whole[:8])}" if whole else "every study has such trials: choose another axis"
            raise InputError(f'there is no parameter "{name}"', where=f"{path}, {trials.index[absent][0]}", hint=hint)
