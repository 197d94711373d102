"""These configs give these tables: tiny studies of each kind, run and held against a record of what they gave.

Where values are to change, make the record anew, in minutes: `python tests/golden/record.py tests/golden/expected`.
Then look at its difference in Git: only what was meant to change may have changed.
"""

import base64
import json
import math
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from comparison import differences
from record import record, this_host
from recorded import HOST, pack, read_record
from studies import STUDIES

from prunescape.analysis.analyse import analyse_study
from prunescape.config.study import load_study
from prunescape.present.tables.folder import write_tables

EXPECTED = Path(__file__).parent / "expected"
NAMES = [study["study"] for study in STUDIES]
TABLES = read_record(EXPECTED)
# what a cell is, whatever it scored; `rounds` holds the points that a screening kept, as cells
IDENTITY = {
    "cells": (
        *("experiment", "model", "dataset", "variant", "method", "ratio", "log10_lr", "log10_wd", "seed", "stage"),
        *("round", "select_on", "precision", "classes", "tested", "val_tested"),
    ),
    "rounds": ("path", "stage", "round"),
    "trained": ("path",),
}
# what an optimiser found: to the last bit on the same host only
OPTIMISED = {"membership": {"probability"}, "surface_checks": {"covered", "explained"}}
INFERRED = ("inferred_roi", "inferred_ellipses", "inferred_risk")
UNKNOWN_TO_CELLS = {"batch_size", "momentum", "ratio_median", "ratio_low", "ratio_high"}  # they are of the recipe
ARROW = {"string": pa.string(), "double": pa.float64(), "int64": pa.int64(), "binary": pa.binary()}


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    """Every table that the studies give now, by study and name."""
    out = tmp_path_factory.mktemp("golden") / "record"
    record(out)
    return read_record(out)


def only(table: dict, columns: tuple[str, ...]) -> dict:
    """A table reduced to the `columns`, which name its rows."""
    places = [list(table["columns"]).index(name) for name in columns]
    kinds = {name: table["columns"][name] for name in columns}
    rows = [[row[place] for place in places] for row in table["rows"]]
    return {"columns": kinds, "keys": list(columns), "rows": rows}


@pytest.mark.long
def test_the_same_tables_with_the_same_columns(tables):
    assert {name: table["columns"] for name, table in tables.items()} == {
        name: table["columns"] for name, table in TABLES.items()
    }


@pytest.mark.long
@pytest.mark.parametrize("name", IDENTITY)
@pytest.mark.parametrize("study", NAMES)
def test_the_same_cells_in_the_same_stages_and_rounds(study, name, tables):
    before, now = TABLES[f"{study}/{name}"], tables[f"{study}/{name}"]
    if before["rows"] or now["rows"]:
        assert differences(only(before, IDENTITY[name]), only(now, IDENTITY[name])) == []


@pytest.mark.long
@pytest.mark.parametrize("name", TABLES)
def test_the_same_values_to_the_last_bit(name, tables):
    """Another processor or version rounds otherwise, and training makes a small difference a large one."""
    made_on, here = json.loads((EXPECTED / HOST).read_text()), this_host()
    if made_on != here:
        other = ", ".join(f"{part} {made_on[part]}" for part in made_on if made_on[part] != here[part])
        pytest.skip(f"scores depend on processor and versions; the record was made with {other}")
    assert differences(TABLES[name], tables[name]) == []


@pytest.mark.parametrize("study", STUDIES, ids=NAMES)
def test_the_recorded_cells_give_the_recorded_analysis(study, tmp_path):
    """On any host: here nothing is trained."""
    cells, checked = tmp_path / "cells.parquet", load_study(study)
    write_cells(TABLES[f"{study['study']}/cells"], cells)
    written = analyse_study(cells, checked.analysis_terms(), tmp_path)
    given = {name: written[f"{name}.parquet"] for name in ("ellipses", "risk")}
    written |= write_tables(checked.summary(), cells=cells, **given, out=tmp_path / "tables")
    found = {path.relative_to(tmp_path).with_suffix("").as_posix(): path for path in written.values()}
    assert len(found) == 22
    del found["efficiency"]  # rests on seconds, which a record leaves out
    for name, path in found.items():
        again, expected = pack(name, pq.read_table(path.with_suffix(".parquet"))), TABLES[f"{study['study']}/{name}"]
        assert again["columns"] == expected["columns"]
        if name in INFERRED:
            keys = tuple(expected["keys"])
            again, expected = only(again, keys), only(expected, keys)
        assert far_apart(again, expected, OPTIMISED.get(name, set())) == [], name


def write_cells(table: dict, path: Path) -> None:
    """The recorded cells as the Parquet table that an analysis reads."""
    arrays = {}
    for place, (name, kind) in enumerate(table["columns"].items()):
        values = [row[place] for row in table["rows"]]
        if kind == "binary":
            values = [value and base64.b64decode(value) for value in values]
        arrays[name] = pa.array(values, ARROW[kind])
    pq.write_table(pa.table(arrays), path)


def far_apart(again: dict, expected: dict, optimised: set[str]) -> list[tuple]:
    """The values that differ by more than 1e-9 of themselves: row, column, both. Those `optimised` are left out."""
    assert len(again["rows"]) == len(expected["rows"])
    return [
        (place, name, first, second)
        for place, rows in enumerate(zip(again["rows"], expected["rows"], strict=True))
        for name, first, second in zip(expected["columns"], *rows, strict=True)
        if name not in UNKNOWN_TO_CELLS | optimised and not near(first, second)
    ]


def near(first, second) -> bool:
    """Equal, or numbers that differ by rounding at most; a null is like a value that is not a number."""
    first, second = (math.nan if value is None else value for value in (first, second))
    if not isinstance(first, float) or not isinstance(second, float):
        return first == second
    both_missing = math.isnan(first) and math.isnan(second)
    return both_missing or math.isclose(first, second, rel_tol=1e-9, abs_tol=1e-12)
