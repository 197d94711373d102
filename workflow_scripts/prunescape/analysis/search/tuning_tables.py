"""The tables of searches that were really trained: every trial on every rung, the rungs, and what was found."""

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from prunescape.analysis.axes import GROUP, KEY_COLUMNS
from prunescape.analysis.search.budgets import budget_at, passes_of, whole_training
from prunescape.analysis.search.objectives import (
    UNKNOWN,
    Configured,
    Costs,
    Observed,
    configuration_text,
    floor_of,
    price_of,
    rank_key,
    ratio_of,
)
from prunescape.space.cells import Cell
from prunescape.space.settings import Setting, hyperparameter_columns
from prunescape.store.records import DIVERGED
from prunescape.store.stages import TUNING
from prunescape.store.tables import Columns

Terms = Mapping[str, Mapping[str, Any]]  # by experiment, as Study.tuning_terms gives them
CUT = ("epochs", "data_share")
PLACE = ["experiment", "bracket", "rung"]
PLACE_COLUMNS: Columns = {
    **{name: KEY_COLUMNS[name] for name in GROUP},
    "bracket": ("int64", "from 0; each halves trials of its own"),
    "rung": ("int64", "of its bracket, from 0"),
}
CUT_COLUMNS: Columns = {
    "epochs": ("int64", "of the training on this rung; of a rung the most"),
    "data_share": ("float64", "share of the training examples that it takes"),
    "passes": ("float64", "epochs x data_share: passes of all training data"),
}
RUNG_COLUMNS: Columns = {
    **PLACE_COLUMNS,
    **CUT_COLUMNS,
    "trials": ("int64", "on this rung"),
    "promoted": ("int64", "of them to the next rung"),
    "diverged": ("int64", "of them"),
    "best": ("float64", "highest validation accuracy, percent"),
    "median": ("float64", "median of the validation accuracy, percent"),
    "spent": ("float64", "passes of all training data by the trials of this rung, less what earlier rungs trained"),
}
TUNING_COLUMNS: Columns = {
    **{name: KEY_COLUMNS[name] for name in GROUP},
    "sampler": ("string", "tpe, random or grid"),
    "objective": ("string", "cheapest, accuracy, ratio_time or ratio_energy"),
    "strategy": ("string", "onefold, hierarchical, tune_v1, tune_v2 or constrained"),
    "target": ("string", "where the winner is measured"),
    "trials": ("int64", "variants and settings that were tried, in all brackets"),
    "cells": ("int64", "trainings of them on all rungs"),
    "spent": ("float64", "passes of all training data by all of them"),
    "whole": ("float64", "passes that as many whole trainings would take"),
    "variant": ("string", "of the winner; null without one"),
    "setting": ("string", "of the winner, as NAME VALUE"),
    "configuration": ("string", "system parameters of the winner, as NAME VALUE; empty without any"),
    "trial": ("int64", "number of the winner in its bracket"),
    "bracket": ("int64", "of the winner"),
    "val_top1": ("float64", "validation accuracy of the winner, percent: too high by the choice"),
    "top1": ("float64", "test accuracy of the winner, percent"),
    "reason": ("string", "why there is no winner, and what came nearest; empty with one"),
}


@dataclass(frozen=True)
class Placed:
    """A trial on a rung, the round that asked for it, and its cell."""

    round: int
    bracket: int
    rung: int
    trial: int
    cell: Cell
    configuration: Configured = ()


@dataclass(frozen=True)
class Ended:
    """How searches ended: the cells that they chose, why others have none, and what variants cost, by experiment."""

    winners: Sequence[Cell] = ()
    reasons: Mapping[str, str] = field(default_factory=dict)
    costs: Mapping[str, Costs] = field(default_factory=dict)


def trial_columns(terms: Terms) -> Columns:
    """The columns of `tuning_trials`."""
    return {
        **PLACE_COLUMNS,
        "trial": ("int64", "number in its bracket, from 0; the same on every rung"),
        "round": ("int64", "that asked for it: of its bracket, or after all of these a decision of the search"),
        "variant": KEY_COLUMNS["variant"],
        **hyperparameter_columns(_names(terms)),
        **CUT_COLUMNS,
        "continued_from": ("int64", "epoch of an earlier rung from which its training went on; 0 where it began anew"),
        "spent": ("float64", "(epochs - continued_from) x data_share: passes its training took; 0 where listed before"),
        "status": ("string", "ok, or diverged"),
        "val_top1": ("float64", "validation accuracy, percent: what trials are ranked by"),
        "top1": ("float64", "test accuracy, percent: decides nothing"),
        "seconds_per_image": ("float64", "of its variant untrained on the target; null where no search asks for it"),
        "configuration": ("string", "system parameters of a trial of tune_v2, as NAME VALUE; empty without any"),
        "ratio": ("float64", "(training + inference) / share that is right, s or J; null where no objective asks"),
        "place": ("int64", "on its rung, from 1 for the best"),
        "promoted": ("bool", "to the next rung"),
        "winner": ("bool", "this training is what is deployed"),
    }


def tuning_trials(cells: pd.DataFrame, placed: Iterable[Placed], terms: Terms, ended: Ended) -> pd.DataFrame:
    """One row with `trial_columns` per trial and rung whose training is finished.

    `cells` are those of cells.parquet.
    """
    columns = trial_columns(terms)
    finished = {_key_of_row(row, terms): row for row in _of_searches(cells, terms)}
    placed = list(placed)
    beginnings = {(each.cell.whole, each.cell.setting.stop) for each in placed}
    rows = [(each, finished.get(_key_of_cell(each.cell, terms))) for each in placed]
    known = [_row(each, row, beginnings, terms, ended) for each, row in rows if row is not None]
    for rung in _by_rung(known):
        searched = terms[rung[0]["experiment"]]
        whole = all(row.items() >= whole_training(searched["budget"], row["variant"]).items() for row in rung)
        floor = floor_of(searched, [row["observed"] for row in rung], whole=whole)
        for row in rung:
            row["order"] = rank_key(row["observed"], row["cost"], floor, row["price"])
    if not known:
        return pd.DataFrame(columns=list(columns))
    frame = pd.DataFrame(known).sort_values([*PLACE, "trial"], ignore_index=True)
    frame.loc[frame["cell"].duplicated(), "spent"] = 0.0  # one training, whole on an earlier rung or of two brackets
    frame["place"] = frame.groupby(PLACE)["order"].rank(method="first").astype("int64")
    above = set(zip(frame["experiment"], frame["bracket"], frame["rung"], frame["trial"], strict=True))
    frame["promoted"] = [(row.experiment, row.bracket, row.rung + 1, row.trial) in above for row in frame.itertuples()]
    frame["winner"] &= ~frame["promoted"]  # what is whole on an earlier rung is the same training on all later ones
    return frame.reindex(columns=list(columns))


def _by_rung(rows: Iterable[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """The rows of each rung of each bracket."""
    found: dict[tuple, list[dict[str, Any]]] = {}
    for row in rows:
        found.setdefault(tuple(row[name] for name in PLACE), []).append(row)
    return list(found.values())


def _names(terms: Terms) -> list[str]:
    """The hyperparameters that some search varies."""
    spaces = [each["space"] for each in terms.values()]
    return sorted({name for space in spaces for name in (*space["levels"], *space["bounds"])})


def _of_searches(cells: pd.DataFrame, terms: Terms) -> list[dict[str, Any]]:
    """The rows of cells that searches trained, as plain values without what is missing."""
    own = cells[(cells["stage"] == TUNING) & cells["experiment"].isin(list(terms))]
    return [{name: value for name, value in row.items() if not _missing(value)} for row in own.to_dict("records")]


def _missing(value: Any) -> bool:
    return value is None or (not isinstance(value, bytes) and bool(pd.isna(value)))


def _key_of_row(row: Mapping[str, Any], terms: Terms) -> tuple:
    """What tells a cell from all others: its experiment, variant, seed and setting, its budget spelled out."""
    space = terms[row["experiment"]]["space"]
    varied = {name: row[name] for name in (*space["levels"], *space["bounds"]) if name in row}
    cut = budget_at(terms[row["experiment"]]["budget"], row["variant"], row)
    return row["experiment"], row["variant"], int(row["seed"]), Setting.of(varied | cut).texts


def _key_of_cell(cell: Cell, terms: Terms) -> tuple:
    cut = budget_at(terms[cell.experiment]["budget"], cell.variant.name, cell.setting.values)
    return cell.experiment, cell.variant.name, cell.seed, cell.setting.whole.changed(Setting.of(cut)).texts


def _row(
    each: Placed, row: Mapping[str, Any], beginnings: Container[tuple[Cell, int]], terms: Terms, ended: Ended
) -> dict[str, Any]:
    """A trial on a rung, with what it is ranked by; `beginnings` are the whole trainings of the search and their stops.

    What it went on from is none where the search has changed since, and counts no more among its trials.
    """
    observed = Observed(row["status"] == DIVERGED, int(row.get("val_correct", 0)), int(row.get("val_tested", 1)))
    budget = terms[row["experiment"]]["budget"]
    cut = budget_at(budget, row["variant"], row)
    before = int(row.get("continued_from", 0))
    before = before if (each.cell.whole, before) in beginnings else 0
    cost = ended.costs.get(row["experiment"], {}).get(row["variant"], UNKNOWN)
    price = price_of(terms[row["experiment"]], row["variant"], cost, row, each.configuration)
    return {
        **row,
        **cut,
        "passes": passes_of(budget, row["variant"], row),
        "continued_from": before,
        "spent": (float(cut["epochs"]) - before) * float(cut["data_share"]),
        "bracket": each.bracket,
        "rung": each.rung,
        "trial": each.trial,
        "cell": each.cell,
        "round": each.round,
        "observed": observed,
        "cost": cost,
        "price": price,
        "seconds_per_image": cost.seconds,
        "configuration": configuration_text(each.configuration),
        "ratio": None if price is None else ratio_of(observed, price),
        "winner": each.cell in ended.winners,
    }


def tuning_rungs(trials: pd.DataFrame) -> pd.DataFrame:
    """One row with RUNG_COLUMNS per bracket and rung of `tuning_trials`."""
    rows = [
        {
            **dict(zip([*GROUP, "bracket", "rung"], key, strict=True)),
            **{name: rung[name].max() for name in CUT_COLUMNS},
            "trials": len(rung),
            "promoted": int(rung["promoted"].sum()),
            "diverged": int((rung["status"] == DIVERGED).sum()),
            "best": rung["val_top1"].max(),
            "median": rung["val_top1"].median(),
            "spent": rung["spent"].sum(),
        }
        for key, rung in trials.groupby([*GROUP, "bracket", "rung"], sort=True)
    ]
    return pd.DataFrame(rows, columns=list(RUNG_COLUMNS))


def tuning(trials: pd.DataFrame, terms: Terms, ended: Ended) -> pd.DataFrame:
    """One row with TUNING_COLUMNS per search of `tuning_trials`."""
    searches = trials.groupby("experiment", sort=True)
    rows = [_found(own, terms[name]) | {"reason": ended.reasons.get(name, "")} for name, own in searches]
    return pd.DataFrame(rows, columns=list(TUNING_COLUMNS))


def _found(trials: pd.DataFrame, terms: Mapping[str, Any]) -> dict[str, Any]:
    """What one search cost, and what it found."""
    first = trials[trials["rung"] == 0]
    cells = trials.drop_duplicates(["variant", *_names({"": terms}), *CUT])
    known = {name: trials[name].iloc[0] for name in GROUP}
    known |= {name: terms[name] for name in ("sampler", "objective", "strategy", "target")}
    known |= {"trials": len(first), "cells": len(cells), "spent": trials["spent"].sum()}
    known["whole"] = sum(passes_of(terms["budget"], variant) for variant in first["variant"])
    won = trials[trials["winner"]].sort_values("place")
    if won.empty:
        return known
    row = won.iloc[0]
    values = {name: row[name] for name in _names({"": terms}) if not _missing(row[name])}
    return known | {
        "setting": str(Setting.of(values)),
        **{name: row[name] for name in ("variant", "configuration", "trial", "bracket", "val_top1", "top1")},
    }
