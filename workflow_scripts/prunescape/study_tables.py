"""cells.parquet and benchmarks.parquet: every record and measurement of a study in two tables. Needs pyarrow."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from prunescape.bench.table import BENCHMARK_COLUMNS, benchmark_rows
from prunescape.errors import InputError
from prunescape.files import read_json, whole_file
from prunescape.records import CELL_COLUMNS, arrow_schema, record_row


def write_cells(records: Iterable[Path | str], out: Path | str) -> None:
    """Write one row per record (JSON, as train_cell writes it) in the schema of `records.CELL_COLUMNS`.

    Raises InputError that names a record which is missing, damaged or lacks a field.
    """
    rows = [_parsed(path, record_row) for path in records]
    _write(rows, CELL_COLUMNS, out)


def write_benchmarks(benchmarks: Iterable[Path | str], out: Path | str) -> None:
    """Write one row per variant, target and setting in the schema of `bench.table.BENCHMARK_COLUMNS`; may be none."""
    rows = [row for path in benchmarks for row in _parsed(path, benchmark_rows)]
    _write(rows, BENCHMARK_COLUMNS, out)


def _parsed(path: Path | str, function) -> Any:
    try:
        return function(read_json(path))
    except KeyError as error:
        what = f"the record has no field {error}"
        raise InputError(what, where=path, hint="it is of another version: delete it and run again") from None
    except (TypeError, ValueError) as error:
        what = f"the record is damaged ({error})"
        raise InputError(what, where=path, hint="delete it and run again") from None


def _write(rows: list[dict[str, Any]], columns: dict[str, tuple[str, str]], out: Path | str) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.Table.from_pylist(rows, schema=arrow_schema(columns))
    with whole_file(out) as temporary:
        pq.write_table(table, temporary, compression="zstd")
