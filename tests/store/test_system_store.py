"""The store of system parameters: many writers at once, damage, other versions."""

import multiprocessing

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from prunescape.errors import InputError
from prunescape.store.system_store import MARK, STORE_COLUMNS, append_observations, read_observations
from prunescape.store.tables import arrow_schema, write_table


def row(number: int) -> dict:
    texts = dict.fromkeys(("host", "key", "about", "configuration", "finished"), str(number))
    return texts | {"seconds": float(number), "joules": None, "profile": None}


def append_some(path, first: int) -> None:
    for number in range(first, first + 5):
        append_observations(path, [row(number)])


def test_concurrent_writers_lose_nothing(tmp_path):
    path = tmp_path / "deep" / "s.parquet"
    context = multiprocessing.get_context("fork")
    writers = [context.Process(target=append_some, args=(path, 5 * number)) for number in range(6)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert sorted(found["seconds"] for found in read_observations(path)) == [float(number) for number in range(30)]
    assert {file.name for file in path.parent.iterdir()} == {"s.parquet", "s.parquet.lock"}


def test_there_is_nothing_where_there_is_no_file(tmp_path):
    assert read_observations(tmp_path / "s.parquet") == []


@pytest.mark.parametrize("damage", ["cut", "flipped", "other", "version", "nothing"])
def test_a_store_that_cannot_be_used_is_named_and_stays_as_it_is(tmp_path, damage):
    path = tmp_path / "s.parquet"
    append_observations(path, [row(1)])
    content = path.read_bytes()
    if damage == "cut":
        path.write_bytes(content[: len(content) // 2])
    elif damage == "flipped":
        path.write_bytes(content.replace(b"host", b"hosT", 1))
    elif damage == "nothing":
        path.write_bytes(b"")
    elif damage == "other":
        pq.write_table(pa.table({"a": [1]}), path)
    else:
        schema = arrow_schema(STORE_COLUMNS).with_metadata({MARK: b"2"})
        write_table(pa.Table.from_pylist([row(1)], schema=schema), path)
    before = path.read_bytes()
    for use in (lambda: read_observations(path), lambda: append_observations(path, [row(2)])):
        with pytest.raises(InputError, match=r"s\.parquet: .*left aside") as caught:
            use()
        assert "\n" not in str(caught.value)
    assert path.read_bytes() == before
    if damage == "version":
        assert "the store is of version 2; allowed: 1" in str(caught.value)


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match=r"file/s\.parquet\.lock: cannot be written"):
        append_observations(tmp_path / "file" / "s.parquet", [row(1)])
