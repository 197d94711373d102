"""What is asked of a table of runs, and the table made ready for it: responses as numbers, factors found or given."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd

from prunescape.analysis.axes import BASE
from prunescape.analysis.column_checks import check_groups, refuse, set_number
from prunescape.analysis.factors.choice import VARIANT, found_factors, is_compound
from prunescape.analysis.factors.factor import (
    LARGEST,
    LOG10,
    Factor,
    check_names,
    column_of,
    level_texts,
    odd_text,
    spans_decades,
)
from prunescape.analysis.sources.files import read_source
from prunescape.analysis.sources.names import nested_name
from prunescape.analysis.sources.optuna_storage import is_storage, read_trials
from prunescape.analysis.sources.runs import without_unfinished
from prunescape.errors import InputError, nearest

NO_LOGARITHM = 'the column "{name}" holds {value:g}, which has no logarithm'
MISSING = "--leave-out-missing leaves such rows out of this response"
TOO_LARGE = 'the column "{name}" holds {value:g}, too large for sums of squares'
SEED = "seed"
OWN_COLUMNS = ("experiment", "correct_bits")  # of a study's cells


@dataclass(frozen=True)
class Question:
    """What `prunescape factors` is asked. Columns may be spelled log10:COLUMN where numbers are wanted.

    `kinds` and `references` are by factor. The interactions are those of every factor with the column `with_` (the
    variant, where it is None and the table has one), whose level `base` others are compared with; a change of an effect
    within `margin`, in the response's units, does not matter (None: see `default_margin`).
    """

    responses: Sequence[str]
    by: Sequence[str] = ()
    factors: Sequence[str] = ()
    kinds: Mapping[str, str] = field(default_factory=dict)
    references: Mapping[str, str] = field(default_factory=dict)
    with_: str | None = None
    base: str = BASE
    margin: float | None = None
    leave_out_missing: bool = False
    studies: Sequence[str] = ()


@dataclass(frozen=True)
class Runs:
    """A table ready for the `question`, read from `path`, with its `factors`, and `notes` on what was found in it."""

    frame: pd.DataFrame
    path: Path
    question: Question
    factors: tuple[Factor, ...]
    notes: tuple[str, ...] = ()

    def response(self, name: str) -> np.ndarray:
        """A response (n,) as it is asked for, nan where it is missing."""
        values = self.frame[column_of(name)].to_numpy("float64")
        return np.log10(values) if name.startswith(LOG10) else values


def read_runs(path: Path | str, question: Question) -> Runs:
    """The runs of a CSV or Parquet file or an Optuna storage, one row each; those that did not finish are left out.

    Raises InputError for what cannot be read, an unknown column, a response that is no number in each row, and what no
    factor can be.
    """
    if question.margin is not None and not 0 < question.margin < float("inf"):
        raise InputError(f"the margin {question.margin:g} is no change of an effect", allowed="above 0")
    if is_storage(path):
        frame = read_trials(path, studies=question.studies)
    elif question.studies:
        raise InputError("only an Optuna storage has studies", where=path, hint="leave --studies out")
    else:
        frame = without_unfinished(read_source(path, ()), path)
    return prepared_runs(frame.reset_index(drop=True), path, question)


def prepared_runs(frame: pd.DataFrame, path: Path | str, question: Question) -> Runs:
    """As `read_runs`, of a table that is in memory."""
    given = [*map(column_of, [*question.responses, *question.factors]), *question.by]
    given += filter(None, [question.with_])
    known = [name for name in (VARIANT, SEED) if nested_name(name, list(frame)) in frame]
    frame = _with_given_columns(frame, [*given, *known], path)
    if frame.empty:
        raise InputError("the table has no rows", where=path)
    for response in question.responses:
        _set_response(frame, response, path, question.leave_out_missing)
    if question.with_:
        _check_with(frame, question.with_, question.base, path)
    notes = []
    if not question.by and not question.factors and _has_experiments(frame):
        question = replace(question, by=("experiment",))
        notes.append("each experiment of the study is analysed by itself")
    names = list(question.factors) or found_factors(frame, question.responses, question.by)
    _check_roles(names, question, path)
    check_groups(frame, question.by, path)
    check_names(question.kinds, names, path)
    check_names(question.references, names, path)
    factors = tuple(
        Factor.of(
            frame,
            name,
            where=path,
            kind=_of(question.kinds, name),
            reference=_of(question.references, name),
        )
        for name in names
    )
    if not question.factors:
        left = [str(name) for name in frame if name not in {*given, *(each.column for each in factors)}]
        notes.append(f"factors found: {', '.join(names)}" + f" (not: {_some(left)})" * bool(left))
    notes += _among_numbers(frame, factors, question, path)
    wide = [factor.name for factor in factors if spans_decades(factor)]
    if wide:
        notes.append(f"{', '.join(wide)}: over more than two decades; log10:{wide[0]} may describe its effect better")
    return Runs(frame, Path(path), question, factors, tuple(notes))


def _among_numbers(frame: pd.DataFrame, factors: Sequence[Factor], question: Question, path: Path | str) -> list[str]:
    """Notes on factors that are categories because of some text among numbers; raises for one that is asked for."""
    notes = []
    for factor in factors:
        text = odd_text(frame[factor.column]) if not _of(question.kinds, factor.name) else ""
        if not text:
            continue
        what = f'the column "{factor.column}" holds "{text}" among numbers'
        if question.factors:
            hint = f"mend these values, or --types {factor.column}=categorical"
            raise InputError(what, where=path, hint=hint)
        notes.append(f"{what}, so its values are categories")
    return notes


def _has_experiments(frame: pd.DataFrame) -> bool:
    """Whether these are the cells of a study with several experiments."""
    return set(frame) >= set(OWN_COLUMNS) and frame["experiment"].nunique() > 1


def _with_given_columns(frame: pd.DataFrame, names: Sequence[str], path: Path | str) -> pd.DataFrame:
    """The table with the columns that are asked for under these names, or below a sweep service's prefix."""
    known = [str(name) for name in frame]
    nested = {name: nested_name(name, known) for name in names}
    for name, column in nested.items():
        if column not in known:
            shown = ", ".join(known[:20]) + ", ..." * (len(known) > 20)
            hint = f'rename the column "{LOG10}{name}"' if LOG10 + name in known else nearest(name, known)
            raise InputError(f'there is no column "{name}"', where=path, allowed=shown, hint=hint)
        if is_compound(frame[column]):
            raise InputError(
                f'the column "{column}" holds lists or records', where=path, allowed="one value in each row"
            )
    return frame.rename(columns={column: name for name, column in nested.items()})


def _set_response(frame: pd.DataFrame, response: str, path: Path | str, leave_out: bool) -> None:
    column = column_of(response)
    hint = MISSING if frame[column].isna().any() else "choose a column of numbers"
    set_number(frame, column, path, needed=not leave_out, hint=hint)
    if frame[column].isna().all():
        raise InputError(f'the column "{column}" holds no number', where=path, hint="choose another --of")
    refuse(
        frame[column],
        frame[column].abs() > LARGEST,
        TOO_LARGE,
        path,
        hint=f"leave the row out, or --of {LOG10}{column}",
    )
    if response.startswith(LOG10):
        refuse(frame[column], frame[column] <= 0, NO_LOGARITHM, path, hint=f"--of {column}, without the logarithm")


def _check_with(frame: pd.DataFrame, with_: str, base: str, path: Path | str) -> None:
    """Raise where the column of the interactions lacks the base, or has no other level."""
    levels = sorted(level_texts(frame[with_]).dropna().unique())
    if base not in levels:
        what, hint = f'the column "{with_}" has no level "{base}"', nearest(base, levels) or "--base names another"
        raise InputError(what, where=path, allowed=", ".join(levels[:20]), hint=hint)
    if len(levels) < 2:
        raise InputError(f'the column "{with_}" has no other level than {base}', where=path, hint="leave --with out")


def _check_roles(names: Sequence[str], question: Question, path: Path | str) -> None:
    """Raise where there is no factor, or a column has two roles."""
    if not names:
        what = "no column varies that looks like a hyperparameter"
        raise InputError(what, where=path, hint="name the factors with --factors")
    roles: dict[str, str] = {}
    for role, columns in (("--of", question.responses), ("--by", question.by), ("--factors", names)):
        for column in dict.fromkeys(map(column_of, columns)):
            if column in roles:
                raise InputError(f'the column "{column}" is in {roles[column]} and in {role}', where=path)
            roles[column] = role
    spelled = [column_of(name) for name in names]
    if twice := [name for name in spelled if spelled.count(name) > 1]:
        raise InputError(f'the factor "{twice[0]}" is named twice', where=path)


def _of(given: Mapping[str, str], name: str) -> str:
    return given.get(name, given.get(column_of(name), ""))


def _some(names: Sequence[str], most: int = 8) -> str:
    return ", ".join(names[:most]) + f" and {len(names) - most} more" * (len(names) > most)
