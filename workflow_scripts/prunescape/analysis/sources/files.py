"""Reads a table from a Parquet or CSV file; what the bytes are decides, not the name."""

from collections import Counter
from pathlib import Path

import pandas as pd
import pyarrow as pa
from pyarrow import csv

from prunescape.errors import InputError
from prunescape.store.tables import read_table

FORMATS = "a Parquet file, or CSV in UTF-8 with a header line"
# the first bytes of other files that hold tables, and what to do about them
OTHER_FORMATS = {
    b"PK\x03\x04": "save the sheet of the workbook as CSV UTF-8",
    b"\xff\xfe": "it is UTF-16: save the sheet as CSV UTF-8",
    b"\x1f\x8b": "unpack it with gunzip",
    b"{": "it looks like JSON: pandas.read_json(FILE, lines=True).to_csv makes a CSV",
    b"[": "it looks like JSON: pandas.read_json(FILE).to_csv makes a CSV",
}
SEPARATORS = b",;\t"
BLOCK, LARGEST_BLOCK = 2**20, 2**31 - 1  # bytes that pyarrow reads at once


def read_source(path: Path | str, as_text: tuple[str, ...]) -> pd.DataFrame:
    """The table in `path`; CSV columns named in `as_text` stay text, so that a later check can quote what stood there.

    Raises InputError when the file is missing, empty, damaged, neither Parquet nor CSV, or has a column twice.
    """
    path = Path(path)
    try:
        with open(path, "rb") as file:
            head = file.read(65536)
    except FileNotFoundError:
        raise InputError("the file is missing", where=path, allowed=FORMATS) from None
    except OSError as error:
        raise InputError(f"the file cannot be opened ({error.strerror})", where=path, allowed=FORMATS) from None
    if not head.strip():
        raise InputError("the file is empty", where=path, allowed=FORMATS)
    table = read_table(path) if head.startswith(b"PAR1") else _read_csv(path, head, as_text)
    named = table.rename_columns([name.strip() for name in table.column_names])
    table = named.select([place for place, name in enumerate(named.column_names) if name])  # a sheet's empty columns
    twice = [name for name, count in Counter(table.column_names).items() if count > 1]
    if twice:
        raise InputError(f'two columns are called "{twice[0]}"', where=path)
    nested = [field.name for field in table.schema if field.name in as_text and pa.types.is_nested(field.type)]
    if nested:
        what, allowed = f'the column "{nested[0]}" holds lists or records', "one value in each row"
        raise InputError(what, where=path, allowed=allowed)
    whole = [
        field.with_type(pa.float64()) if pa.types.is_decimal(field.type) else field for field in table.schema
    ]  # decimals of a database are numbers as others
    table = table.cast(pa.schema(whole))
    frame = table.to_pandas(ignore_metadata=True)  # what pandas would make an index stays a column
    return frame.dropna(how="all")  # a sheet's empty rows; the others keep their numbers


def _read_csv(path: Path, head: bytes, as_text: tuple[str, ...]):
    hint = next((hint for start, hint in OTHER_FORMATS.items() if head.startswith(start)), "")
    if b"\0" in head or hint:
        what = "it holds binary data" if b"\0" in head else "its start is that of another format"
        raise InputError(f"the file is neither Parquet nor CSV: {what}", where=path, allowed=FORMATS, hint=hint)
    header = head.splitlines()[0]
    separator = chr(max(SEPARATORS, key=header.count))
    convert = csv.ConvertOptions(column_types=dict.fromkeys(as_text, pa.string()), strings_can_be_null=True)
    parse = csv.ParseOptions(delimiter=separator, newlines_in_values=True)
    try:
        try:
            table = csv.read_csv(path, parse_options=parse, convert_options=convert)
        except pa.ArrowInvalid:
            # a cell may be longer than a block, or a type other than the first block shows: one block has all
            whole = csv.ReadOptions(block_size=min(max(path.stat().st_size, BLOCK), LARGEST_BLOCK))
            table = csv.read_csv(path, read_options=whole, parse_options=parse, convert_options=convert)
        names = table.column_names
    except (pa.ArrowException, UnicodeDecodeError) as error:
        raise InputError(f"the file cannot be read as CSV ({error})", where=path, allowed=FORMATS) from None
    other = [name for name, kind in zip(names, table.schema.types, strict=True) if pa.types.is_binary(kind)]
    if other:
        raise InputError(f'the column "{other[0]}" holds text that is no UTF-8', where=path, allowed=FORMATS)
    return table
