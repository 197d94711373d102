"""The report's table of system parameters that were found while training."""

import pandas as pd

from prunescape.present.numbers import number
from prunescape.present.report.table import Columns, Table, make_table
from prunescape.space.system_parameters import NEUTRAL

TITLE = "System parameters found while training"
COUNTED = ("one cell", "{} cells")
SOURCES = {
    "probed": "tried all configurations",
    "remembered": "took what the store knew of the same training",
    "similar": "took what was best for a similar training",
    "unfinished": "ended before all were tried",
    "not measured": "could not tell which is better",
    "one value": "had one configuration to try",
}


def system_tables(rows: pd.DataFrame) -> list[Table]:
    """What configurations the cells of one experiment had, which they kept, and what that gained."""
    if rows.empty:
        return []
    rows = rows.assign(best=rows.groupby([*_cell(rows)])["seconds"].transform("min"))
    shown = [_summary(values, own) for values, own in rows.groupby(list(NEUTRAL), sort=True)]
    columns: Columns = {
        **{name: name for name in NEUTRAL},
        "cells that had it": "cells",
        "cells that kept it": "kept",
        "s per epoch, median": ("seconds", 3),
        "times the best of the cell": ("ratio", 2),
    }
    return [make_table(TITLE, pd.DataFrame(shown).itertuples(), columns, system_notes(rows))]


def system_notes(rows: pd.DataFrame) -> list[str]:
    """Where the kept configurations come from, what they gained, and what went wrong."""
    cells = rows.drop_duplicates(_cell(rows))
    sources = [f"{_count(count)} {SOURCES[name]}" for name, count in cells["source"].value_counts().items()]
    notes = [
        "They change no bit of a result, and are no part of a cell's identity. Epochs that were profiled or "
        "interrupted are left out of the times.",
        f"{sources[0][:1].upper()}{'; '.join(sources)[1:]}.",
    ]
    gains = rows.loc[rows["kept"], "gain"].dropna()
    if len(gains):
        low, middle, high = (number(value, 2) for value in (gains.min(), gains.median(), gains.max()))
        notes.append(
            f"An epoch was {middle} times as fast with the kept configuration as with the first one: median of "
            f"{_count(len(gains))}, {low} to {high}."
            if set(rows["goal"]) == {"epoch_seconds"}
            else f"The first configuration took {middle} times the energy of the kept one ({low} to {high})."
        )
        notes.append("That is somewhat too high by luck: what is kept was the best of single, noisy epochs.")
    return [*notes, *(f"{problem}." for problem in cells["problem"].dropna().unique())]


def _summary(values: tuple, rows: pd.DataFrame) -> dict:
    """One configuration over all cells."""
    kept, ratios = int(rows["kept"].sum()), rows["seconds"] / rows["best"]
    known = {"cells": len(rows), "kept": kept, "seconds": rows["seconds"].median(), "ratio": ratios.median()}
    return dict(zip(NEUTRAL, values, strict=True)) | known


def _cell(rows: pd.DataFrame) -> list[str]:
    return [name for name in ("experiment", "variant", "setting", "seed") if name in rows]


def _count(count: int) -> str:
    return COUNTED[0] if count == 1 else COUNTED[1].format(count)
