"""The tables of `prunescape factors`: F tests, effects, importance, fit, interactions of every response and group."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from prunescape.analysis.cost.comparisons import holm
from prunescape.analysis.factors.choice import VARIANT
from prunescape.analysis.factors.columns import TABLES
from prunescape.analysis.factors.design import Design
from prunescape.analysis.factors.factor import level_text
from prunescape.analysis.factors.importance import EVALUATOR, forest_importance
from prunescape.analysis.factors.interactions import interactions
from prunescape.analysis.factors.linear_model import LinearModel, effects, fold_triangles, joined_triangle, unseen_r2
from prunescape.analysis.factors.question import Question, Runs, read_runs
from prunescape.errors import InputError
from prunescape.store.tables import write_result

CONSTANT = 1e-12  # a spread below this share of the largest value is rounding
Rows = dict[str, list[dict[str, Any]]]


@dataclass(frozen=True)
class FactorAnalysis:
    """The `runs` that were analysed, the tables of `columns.TABLES`, and `notes` on what was found or left out."""

    runs: Runs
    tables: dict[str, pd.DataFrame]
    notes: tuple[str, ...]


def analyse_factors(path: Path | str, question: Question) -> FactorAnalysis:
    """Read a table and make all tables of it. Raises InputError as `read_runs` does, and for designs that tell nothing.

    These have factors that are perfectly confounded, or no more rows than coefficients, in some group of rows.
    """
    return tables_of(read_runs(path, question))


def tables_of(runs: Runs) -> FactorAnalysis:
    """All tables of these runs; raises InputError as `analyse_factors` does."""
    rows: Rows = {name: [] for name in TABLES}
    notes = list(runs.notes)
    for label, places in groups(runs.frame, runs.question.by):
        for response in runs.question.responses:
            known = places[~np.isnan(runs.response(response)[places])]
            left = len(places) - len(known)
            if left:
                notes.append(f"{response}{_in(label)}: {left} of {len(places)} rows without a value are left out")
            notes += _add_group(rows, runs, {"by": label, "response": response}, known)
    tables = {name: pd.DataFrame(found).reindex(columns=list(TABLES[name])) for name, found in rows.items()}
    for name, found, more in _interaction_tables(runs):
        tables[name], notes = found, [*notes, *more]
    return FactorAnalysis(runs, tables, tuple(dict.fromkeys(notes)))


def write_factors(analysis: FactorAnalysis, out: Path | str) -> list[str]:
    """Write every table that has rows into the folder `out` as Parquet and CSV; gives their names."""
    out, names = Path(out), [name for name, table in analysis.tables.items() if len(table)]
    try:
        for name in names:
            parquet, csv = out / f"{name}.parquet", out / f"{name}.csv"
            write_result(analysis.tables[name], TABLES[name], parquet=parquet, csv=csv)
    except OSError as error:
        raise InputError(f"the results cannot be written ({error.strerror})", where=out) from None
    return names


def groups(frame: pd.DataFrame, by: tuple[str, ...] | list[str]) -> Iterator[tuple[str, np.ndarray]]:
    """The name, as `variant=base`, and the places of the rows of each combination of the columns `by`."""
    if not by:
        yield "", np.arange(len(frame))
        return
    for values, rows in frame.groupby(list(by), dropna=False, sort=True).indices.items():
        texts = values if isinstance(values, tuple) else (values,)
        named = zip(by, texts, strict=True)
        yield ", ".join(f"{name}={'' if pd.isna(value) else level_text(value)}" for name, value in named), rows


def _in(label: str) -> str:
    return f", {label}" if label else ""


def _where(runs: Runs, key: dict[str, str]) -> str:
    return f"{runs.path}{_in(key['by'])}"


def _add_group(rows: Rows, runs: Runs, key: dict[str, str], places: np.ndarray) -> list[str]:
    """Add the rows of one response in one group to all tables; gives notes on what was left out."""
    frame, response = runs.frame.iloc[places], runs.response(key["response"])[places]
    if len(frame) < 2 or np.ptp(response) <= CONSTANT * np.abs(response).max():
        rows["fit"].append(key | {"n": len(frame)})
        return [f"{key['response']}{_in(key['by'])}: it is the same in all rows, so no factor changes it"]
    design, notes = _design(frame, runs, key)
    if not design.factors:
        rows["fit"].append(key | {"n": len(frame)})
        return [*notes, f"{key['response']}{_in(key['by'])}: no factor varies in these rows"]
    design.check(_where(runs, key))
    settings = setting_numbers(frame, design, runs.question.with_ or VARIANT)
    folds = fold_triangles(design.matrix, response, settings)
    model = LinearModel.of_triangle(joined_triangle(folds), len(response))
    importance = forest_importance(frame, design, response, settings)
    rows["factors"] += [key | row for row in _factor_rows(model, design)]
    rows["effects"] += [key | row for row in _effect_rows(model, design)]
    for (first, *second), *values in zip(
        importance.members, importance.share, importance.low, importance.high, strict=True
    ):
        found = dict(zip(("share", "low", "high"), values, strict=True))
        other = second[0] if second else None
        rows["importance"].append(key | {"factor": first, "other": other, **found, "evaluator": EVALUATOR})
    counts = {"n": len(frame), "settings": int(settings.max()) + 1, "coefficients": design.matrix.shape[1]}
    rows["fit"].append(key | counts | {"r2": model.r2, "r2_cv": unseen_r2(folds), "r2_forest": importance.r2})
    return notes


def _design(frame: pd.DataFrame, runs: Runs, key: dict[str, str]) -> tuple[Design, list[str]]:
    """The design of the factors that vary in these rows, and notes on the others."""
    there = {factor.name: factor.within(frame) for factor in runs.factors}
    constant = [name for name, factor in there.items() if factor is None]
    notes = [f"{name}{_in(key['by'])}: it is constant in these rows and left out" for name in constant]
    design = Design.of(frame, [factor for factor in there.values() if factor is not None])
    silent = [factor for factor in design.factors if not design.columns_of(factor)]
    if silent:
        what = "it has one level wherever it acts, and is left out"
        notes += [f"{factor.name}{_in(key['by'])}: {what}" for factor in silent]
        design = Design.of(frame, [factor for factor in design.factors if factor not in silent])
    return design, notes


def setting_numbers(frame: pd.DataFrame, design: Design, with_: str) -> np.ndarray:
    """The number of each row's setting (n,): its factors but the column `with_`, as variants share settings."""
    columns = [factor.column for factor in design.factors]
    own = [name for name in columns if name != with_] or columns
    return frame.groupby(own, dropna=False, sort=False).ngroup().to_numpy()


def _factor_rows(model: LinearModel, design: Design) -> list[dict[str, Any]]:
    tests = [(factor, model.test(design.columns_of(factor))) for factor in design.factors]
    corrected = holm([test.p for _, test in tests])
    return [
        {"factor": factor.name, "kind": factor.kind, "df": test.df, "f": test.f, "p": test.p, "p_holm": p}
        | {"partial_eta2": test.partial_eta2}
        for (factor, test), p in zip(tests, corrected, strict=True)
    ]


def _effect_rows(model: LinearModel, design: Design) -> Iterator[dict[str, Any]]:
    for factor in design.factors:
        columns = design.columns_of(factor)
        for column, *found in zip(columns, *effects(model, design, factor), strict=True):
            level, reference = design.level_and_reference(column)
            key = {"factor": factor.name, "level": level, "reference": reference}
            yield key | dict(zip(("estimate", "low", "high"), found, strict=True))


def _interaction_tables(runs: Runs) -> Iterator[tuple[str, pd.DataFrame, list[str]]]:
    """The two tables of interactions, with notes on groups that do not tell them."""
    with_ = runs.question.with_ or VARIANT
    if with_ not in runs.frame or runs.frame[with_].nunique() < 2:
        return
    found: dict[str, list[pd.DataFrame]] = {"interactions": [], "interaction_effects": []}
    notes = []
    for label, places in groups(runs.frame, [name for name in runs.question.by if name != with_]):
        for response in runs.question.responses:
            key = {"by": label, "response": response}
            try:
                pair = _group_interactions(runs, key, places, with_, notes)
            except InputError as error:  # there is no base
                if runs.question.with_:
                    raise
                notes.append(f"no interactions with {with_}: {error}")
                continue
            for name, table in zip(found, pair, strict=True):
                found[name].append(table.assign(**key))
    for name, tables in found.items():
        table = pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=list(TABLES[name]))
        yield name, table, notes


def _group_interactions(
    runs: Runs, key: dict[str, str], places: np.ndarray, with_: str, notes: list[str]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    response = runs.response(key["response"])[places]
    known = places[~np.isnan(response)]
    frame, question = runs.frame.iloc[known].reset_index(drop=True), runs.question
    terms = {"base": question.base, "margin": question.margin, "name": key["response"], "where": _where(runs, key)}
    terms["skipped"] = None if question.with_ else notes
    return interactions(frame, response[~np.isnan(response)], runs.factors, with_, **terms)
