"""cells.parquet and benchmarks.parquet: every record and measurement of a study in two tables. Needs pyarrow."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from prunescape.bench.table import BENCHMARK_COLUMNS, benchmark_rows
from prunescape.cell_columns import CELL_COLUMNS, record_row
from prunescape.errors import InputError
from prunescape.files import AGAIN, file_digest, read_json
from prunescape.records import GRID, TEST
from prunescape.rounds import Places
from prunescape.sealed_tables import arrow_schema, write_table


def write_cells(records: Iterable[Path | str], out: Path | str, *, places: Places) -> None:
    """Write one row per record (JSON, as train_cell writes it) in the schema of `cell_columns.CELL_COLUMNS`.

    `places` tells each cell's stage and round. Raises InputError that names a record which is missing, damaged or lacks
    a field.
    """
    _write(cell_rows(records, places), CELL_COLUMNS, out)


def cell_rows(records: Iterable[Path | str], places: Places) -> list[dict[str, Any]]:
    """The rows of `write_cells`; raises as it does."""
    return [_parsed(path, lambda record: record_row(record, places.of(record))) for path in records]


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
        _parsed(record, lambda content: record_row(content, anywhere))
    except InputError:
        return False
    return True


def write_benchmarks(benchmarks: Iterable[Path | str], out: Path | str) -> None:
    """Write one row per variant, target and setting in the schema of `bench.table.BENCHMARK_COLUMNS`; may be none."""
    rows = [row for path in benchmarks for row in _parsed(path, benchmark_rows)]
    _write(rows, BENCHMARK_COLUMNS, out)


def _parsed(path: Path | str, function) -> Any:
    try:
        return function(read_json(path))
    except KeyError as error:
        what = f"the record has no field {error}"
        raise InputError(what, where=path, hint=f"it is of another version: {AGAIN}") from None
    except (TypeError, ValueError) as error:
        what = f"the record is damaged ({error})"
        raise InputError(what, where=path, hint=AGAIN) from None


def _write(rows: list[dict[str, Any]], columns: dict[str, tuple[str, str]], out: Path | str) -> None:
    import pyarrow as pa

    write_table(pa.Table.from_pylist(rows, schema=arrow_schema(columns)), out)
