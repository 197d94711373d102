"""Tables as Parquet files that notice a changed byte, and results as CSV too.

Parquet has optional checksums of its pages and none of its footer. The seal is a SHA-256 over all other bytes of the
file; it stands before the footer, where every reader passes over it, and a table that somebody derives does not get it.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from prunescape.errors import InputError
from prunescape.store.files import AGAIN, whole_file

if TYPE_CHECKING:
    import pandas as pd

Columns = dict[str, tuple[str, str]]  # name -> (arrow type, meaning with unit)
MARK = b"\nprunescape seal, sha256: "
DIGEST_BYTES = 32
TAIL_BYTES = 8  # the footer's length and Parquet's own mark


def write_result(frame: pd.DataFrame, columns: Columns, *, parquet: Path, csv: Path) -> None:
    """Write the `columns` of `frame`, unrounded, to both files; a type that does not fit raises pyarrow's error.

    Lists are in the Parquet file only: CSV has none.
    """
    from pyarrow.csv import write_csv

    table = pa.Table.from_pandas(frame[list(columns)], schema=arrow_schema(columns), preserve_index=False)
    table = table.replace_schema_metadata(None)
    write_table(table, parquet)
    with whole_file(csv) as temporary:
        plain = [name for name, (kind, _) in columns.items() if not kind.startswith("list")]
        write_csv(table.select(plain), temporary)


def read_result(path: Path | str, columns: Columns) -> pd.DataFrame:
    """A table that `write_result` wrote; raises InputError when it is missing, damaged or lacks a column."""
    frame = read_table(path).to_pandas()
    missing = [name for name in columns if name not in frame]
    if missing:
        raise InputError(f'the column "{missing[0]}" is missing', where=path, hint=AGAIN)
    return frame


def write_table(table: pa.Table, path: Path | str) -> None:
    """Write `table` to `path`, sealed; equal tables give equal bytes."""
    written = pa.BufferOutputStream()
    pq.write_table(table, written, compression="zstd", write_page_checksum=True)
    content = memoryview(written.getvalue())
    footer = len(content) - TAIL_BYTES - int.from_bytes(content[-TAIL_BYTES : 4 - TAIL_BYTES], "little")
    with whole_file(path) as temporary, open(temporary, "wb") as file:
        for part in (content[:footer], MARK, _digest(content[:footer], content[footer:]), content[footer:]):
            file.write(part)


def arrow_schema(columns: Columns):
    """The pyarrow schema of a table; the meanings travel as field metadata."""
    types = {name: pa.type_for_alias(kind) for name, (kind, _) in columns.items() if kind != "list<float64>"}
    lists = {name: pa.list_(pa.float64()) for name, (kind, _) in columns.items() if kind == "list<float64>"}
    return pa.schema(
        [pa.field(name, (types | lists)[name], metadata={"meaning": meaning}) for name, (_, meaning) in columns.items()]
    )


def read_table(path: Path | str) -> pa.Table:
    """The table in `path`, of ours or anybody's; one that bears a seal must fit it.

    Raises InputError when the file is missing, damaged or no Parquet file.
    """
    try:
        content = Path(path).read_bytes()
    except FileNotFoundError:
        raise InputError("the file is missing", where=path) from None
    except OSError as error:
        raise InputError(f"the file cannot be opened ({error.strerror})", where=path) from None
    place = content.rfind(MARK)
    if place >= 0:
        after = place + len(MARK) + DIGEST_BYTES
        view = memoryview(content)
        if content[place + len(MARK) : after] != _digest(view[:place], view[after:]):
            what = "the Parquet file is damaged: its content is not that of its checksum"
            raise InputError(what, where=path, hint=AGAIN)
    try:
        return pq.ParquetFile(pa.BufferReader(content), page_checksum_verification=True).read()
    except (pa.ArrowException, OSError) as error:
        raise InputError(f"the Parquet file is damaged ({error})", where=path, hint="make or get it again") from None


def _digest(*parts: memoryview) -> bytes:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part)
    return digest.digest()
