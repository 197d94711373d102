"""The table of system parameters, and its place in the report, against a record written by hand."""

import json

import pandas as pd
import pytest

from prunescape.analysis.efficiency.system import SYSTEM_COLUMNS, has_system, system_table
from prunescape.analysis.results import Analysis
from prunescape.present.report.system_tables import system_tables

CELL = {"experiment": "e", "model": "m", "dataset": "d", "variant": "base", "host": "h", "log10_lr": -1.0}


def configuration(workers: int) -> dict:
    return {"workers": workers, "prefetch": 2, "affinity": "free"}


def noted(source: str = "probed", problem: str | None = None, gain: float | None = 2.5) -> str:
    """Two epochs without workers, the first one profiled; one with one worker; two with two, which are kept."""
    told = [("first", 0, 9.0), ("probe", 0, 5.0), ("probe", 1, 3.0), ("probe", 2, 2.0), ("settled", 2, 4.0)]
    epochs = [
        {"epoch": place + 1, "use": use, "configuration": configuration(workers), "seconds": seconds, "joules": None}
        for place, (use, workers, seconds) in enumerate(told)
    ]
    known = {"source": source, "configuration": configuration(2), "gain": gain, "cores": 3, "goal": "epoch_seconds"}
    return json.dumps(known | {"epochs": epochs, "problem": problem})


def cells(*texts: str | None) -> pd.DataFrame:
    return pd.DataFrame([CELL | {"seed": seed, "system": text} for seed, text in enumerate(texts)])


def test_a_row_is_a_configuration_of_a_cell_with_its_medians():
    table = system_table(cells(noted(), None))
    assert list(table) == list(SYSTEM_COLUMNS)
    assert table[["workers", "epochs", "compared", "seconds", "kept"]].to_numpy().tolist() == [
        [0, 2, 1, 5.0, False],
        [1, 1, 1, 3.0, False],
        [2, 2, 2, 3.0, True],
    ]
    assert table["gain"].isna().tolist() == [True, True, False] and table["gain"].iloc[2] == 2.5
    assert set(table["seed"]) == {0} and set(table["source"]) == {"probed"}


@pytest.mark.parametrize("found", [cells(None), cells(None).drop(columns="system")])
def test_without_such_cells_the_table_is_empty(found):
    assert not has_system(found)
    analysis = Analysis({"cells": found})
    assert not analysis.applies("system") and not analysis.applies("trial_system")


def test_the_report_sums_up_what_was_tried_and_kept():
    rows = system_table(cells(noted(), noted("remembered", "s.parquet: damaged", gain=1.5)))
    (table,) = system_tables(rows)
    assert table.heads[:5] == ["workers", "prefetch", "affinity", "cells that had it", "cells that kept it"]
    assert [row[:1] + row[3:] for row in table.rows] == [
        ["0", "2", "0", "5.000", "1.67"],
        ["1", "2", "0", "3.000", "1.00"],
        ["2", "2", "2", "3.000", "1.00"],
    ]
    text = " ".join(table.notes)
    assert "One cell tried all configurations; one cell took what the store knew of the same training." in text
    assert (
        "2.00 times as fast with the kept configuration as with the first one: median of 2 cells, 1.50 to 2.50" in text
    )
    assert "That is somewhat too high by luck" in text and text.endswith("s.parquet: damaged.")
    assert system_tables(rows.iloc[:0]) == []
