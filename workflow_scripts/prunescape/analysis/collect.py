"""cells.parquet and benchmarks.parquet: every record and measurement of a study in two tables."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from prunescape.analysis.cell_columns import Columns, cell_columns, record_row
from prunescape.errors import InputError
from prunescape.measure.table import benchmark_columns, benchmark_rows
from prunescape.space.recipe import PARAMETERS
from prunescape.store.files import AGAIN, file_digest, read_json
from prunescape.store.parquet import arrow_schema, write_table
from prunescape.store.records import GRID, TEST

if TYPE_CHECKING:
    import pandas as pd


class Places(Protocol):
    """What tells each cell's stage and round: designs/rounds.py has it."""

    def of(self, record: Mapping[str, Any]) -> dict[str, Any]:
        """stage, round and select_on of the cell that `record` describes."""


def write_cells(records: Iterable[Path | str], out: Path | str, *, places: Places) -> list[str]:
    """Write one row per record (JSON, as train_cell writes it) with the columns of `cell_columns`.

    `places` tells each cell's stage and round. Gives the names of the hyperparameters that the settings have. Raises
    InputError that names a record which is missing, damaged or lacks a field.
    """
    rows, columns = cell_rows(records, places)
    _write(rows, columns, out)
    return [name for name in columns if name in PARAMETERS]


def cell_rows(records: Iterable[Path | str], places: Places) -> tuple[list[dict[str, Any]], Columns]:
    """The rows of `write_cells` and their columns: with every hyperparameter that some setting has."""
    read = [(path, _parsed(path, lambda record: (record, record["setting"]))) for path in records]
    columns = cell_columns({name for _, (_, setting) in read for name in setting})
    return [_row(path, record, places, columns) for path, (record, _) in read], columns


def cells_frame(records: Iterable[Path | str], places: Places) -> pd.DataFrame:
    """The rows of `write_cells` as a table in memory."""
    import pandas as pd

    return pd.DataFrame(cell_rows(records, places)[0])


def _row(path: Path | str, record: dict[str, Any], places: Places, columns: Columns) -> dict[str, Any]:
    return _checked(path, record, lambda content: record_row(content, places.of(content), columns))


def check_records(records: Iterable[Path | str], experiments: dict[str, dict[str, Any]]) -> None:
    """Raise InputError for a record that was not trained by what its experiment declares now.

    `experiments` holds for each name `shared`, its declaration, and `widths`, the widths.json of each variant. After an
    interrupted run Snakemake may overlook cells behind the interrupted one; their old results must not stand beside
    new ones.
    """
    wanted = {name: _declared(**files) for name, files in experiments.items()}
    for path in records:
        record = read_json(path, "experiment", "variant", "recipe", "provenance")
        made, now = record["provenance"], wanted[record["experiment"]]
        found = {"recipe": record["recipe"], "code": made.get("code_digest"), "data": made.get("data_digest")}
        other = [name for name, value in found.items() if value != now[name]]
        other += ["widths"] if made.get("widths_digest") != now["widths"][record["variant"]] else []
        if other:
            what = f"the cell was trained with other {' and '.join(other)} than now"
            raise InputError(what, where=path, hint="run again; if it stays, delete the record")


def _declared(shared: Path | str, widths: dict[str, Path | str]) -> dict[str, Any]:
    for path in widths.values():
        read_json(path)  # damaged widths are to be named, not the records that they no longer fit
    digests = {variant: file_digest(path) for variant, path in widths.items()}
    return read_json(shared, "recipe", "code", "data") | {"widths": digests}


def is_readable(record: Path | str) -> bool:
    """Whether a record gives a row of the table."""
    anywhere = {"stage": GRID, "round": 0, "select_on": TEST}
    try:
        _parsed(record, lambda content: record_row(content, anywhere, cell_columns(content["setting"])))
    except InputError:
        return False
    return True


def write_benchmarks(benchmarks: Iterable[Path | str], out: Path | str, *, hyperparameters: Iterable[str]) -> None:
    """Write one row per model, target and way to run it with the columns of `benchmark_columns`; may be none."""
    rows = [row for path in benchmarks for row in _parsed(path, benchmark_rows)]
    columns = benchmark_columns(hyperparameters)
    _write([{name: row.get(name) for name in columns} for row in rows], columns, out)


def _parsed(path: Path | str, function: Callable[[dict[str, Any]], Any]) -> Any:
    return _checked(path, read_json(path), function)


def _checked(path: Path | str, content: dict[str, Any], function: Callable[[dict[str, Any]], Any]) -> Any:
    """What `function` makes of a file's content; a lacking field or wrong value is the file's fault."""
    try:
        return function(content)
    except KeyError as error:
        what = f"the record has no field {error}"
        raise InputError(what, where=path, hint=f"it is of another version: {AGAIN}") from None
    except (TypeError, ValueError, AttributeError) as error:
        what = f"the record is damaged ({error})"
        raise InputError(what, where=path, hint=AGAIN) from None


def _write(rows: list[dict[str, Any]], columns: Columns, out: Path | str) -> None:
    import pyarrow as pa

    write_table(pa.Table.from_pylist(rows, schema=arrow_schema(columns)), out)
