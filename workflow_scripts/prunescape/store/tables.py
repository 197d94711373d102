"""Writes a result table as Parquet with a strict, documented schema, and the same as CSV. Needs pandas and pyarrow."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from prunescape.errors import InputError
from prunescape.store.files import AGAIN, whole_file
from prunescape.store.parquet import arrow_schema, read_table, write_table

if TYPE_CHECKING:
    import pandas as pd


def write_result(frame: pd.DataFrame, columns: dict[str, tuple[str, str]], *, parquet: Path, csv: Path) -> None:
    """Write the `columns` of `frame`, unrounded, to both files; a type that does not fit raises pyarrow's error."""
    import pyarrow as pa
    from pyarrow.csv import write_csv

    table = pa.Table.from_pandas(frame[list(columns)], schema=arrow_schema(columns), preserve_index=False)
    table = table.replace_schema_metadata(None)
    write_table(table, parquet)
    with whole_file(csv) as temporary:
        write_csv(table, temporary)


def read_result(path: Path | str, columns: dict[str, tuple[str, str]]) -> pd.DataFrame:
    """A table that `write_result` wrote; raises InputError when it is missing, damaged or lacks a column."""
    frame = read_table(path).to_pandas()
    missing = [name for name in columns if name not in frame]
    if missing:
        raise InputError(f'the column "{missing[0]}" is missing', where=path, hint=AGAIN)
    return frame
