"""Flipped bytes and truncated files of every kind of ours: refused by name, or the content is still the truth."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import torch

from prunescape.errors import InputError
from prunescape.measure.benchmark import exported_models
from prunescape.models.sealed_tensors import read_tensors, write_tensors
from prunescape.store.files import damaged_files, file_digest, read_json, write_json
from prunescape.store.tables import read_table, write_table
from prunescape.tasks.images.prepared import data_digest, load_prepared
from support.code import calls_in
from support.project import SCRIPTS

FLIPS, CUTS = 400, 60
DRAW = np.random.default_rng(0)
TENSORS = {
    "weight": torch.randn(4, 3, generator=torch.Generator().manual_seed(0)),
    "half": torch.tensor([0.1, 2.0], dtype=torch.bfloat16),
    "steps": torch.tensor(7),
    "none": torch.zeros(0, 2),
    "state": torch.arange(64, dtype=torch.uint8),
    "mask": torch.tensor([True, False]),
}
RECORD = {"top1": 98.25, "correct": 589, "history": [{"epoch": 1, "loss": 0.1}], "val": None, "ok": True, "ö": "ß"}
LISTING = np.array(
    [(f"train/a/{n}.png".encode(), n % 2, 100 + n) for n in range(6)],
    dtype=[("path", "S20"), ("label", "<i8"), ("bytes", "<i8")],
)
MEMORY = {
    "train_images": DRAW.integers(0, 255, (6, 1, 4, 4), dtype=np.uint8),
    "train_labels": np.arange(6),
    "test_images": DRAW.integers(0, 255, (2, 1, 4, 4), dtype=np.uint8),
    "test_labels": np.arange(2),
}
FOLDER = {
    **{"train_listing": LISTING, "test_listing": LISTING[:2], "crop": np.array([8, 8])},
    "test_images": DRAW.integers(0, 255, (2, 3, 8, 8), dtype=np.uint8),
    "test_labels": np.array([0, 1]),
    "test_positions": np.array([0, 1]),
}


def json_file(folder: Path) -> tuple[Path, Callable[[Path], Any]]:
    write_json(folder / "record.json", RECORD)
    assert read_json(folder / "record.json") == RECORD
    return folder / "record.json", read_json


def weights_file(folder: Path) -> tuple[Path, Callable[[Path], Any]]:
    write_tensors(folder / "weights.safetensors", TENSORS, {"status": "ok"})

    def content(path: Path) -> tuple:
        tensors, metadata = read_tensors(path)
        assert all(tensor.shape == TENSORS[name].shape for name, tensor in tensors.items() if name in TENSORS)
        return {name: (str(tensor.dtype), tensor.tolist()) for name, tensor in tensors.items()}, metadata

    return folder / "weights.safetensors", content


def table_file(folder: Path) -> tuple[Path, Callable[[Path], Any]]:
    table = pa.table({"top1": DRAW.random(50), "variant": ["base", "uniform-0.5"] * 25, "bits": [b"\0\1"] * 50})
    write_table(table, folder / "cells.parquet")
    assert read_table(folder / "cells.parquet").equals(table)
    return folder / "cells.parquet", lambda path: (str(read_table(path).schema), read_table(path).to_pylist())


def data_file(folder: Path, arrays: dict) -> tuple[Path, Callable[[Path], Any]]:
    np.savez(folder / "data.npz", **arrays)
    identity = {"dataset": "d", "digest": data_digest(arrays), "shape": [1, 4, 4], "classes": 2}
    write_json(folder / "data.json", identity | {"train": 6, "test": 2, "mean": [0.0], "std": [1.0]})

    def content(path: Path) -> dict:
        found = asdict(load_prepared(path, folder / "data.json"))
        return {name: (str(value.dtype), value.tolist()) if hasattr(value, "dtype") else value
                for name, value in found.items()}  # fmt: skip

    return folder / "data.npz", content


def onnx_file(folder: Path) -> tuple[Path, Callable[[Path], Any]]:
    (folder / "rank-1.onnx").write_bytes(DRAW.bytes(2000))
    cell = {"experiment": "e", "variant": "base", "setting": {}}
    about = {"precision": "fp32", "rank": 1, "file": "rank-1.onnx", "cell": cell}
    write_json(folder / "export.json", {"models": [about | {"sha256": file_digest(folder / "rank-1.onnx")}]})

    def content(path: Path) -> bytes:
        path.replace(folder / "rank-1.onnx")
        (model,) = exported_models(folder, ["fp32"])
        return Path(model["path"]).read_bytes()

    return folder / "rank-1.onnx", content


KINDS = {
    "json": json_file,
    "weights": weights_file,
    "table": table_file,
    "data in memory": lambda folder: data_file(folder, MEMORY),
    "data of a folder": lambda folder: data_file(folder, FOLDER),
    "onnx": onnx_file,
}


def damaged(content: bytes) -> Iterator[bytes]:
    """Copies with one flipped bit, more often near either end, where headers lie; then copies cut short."""
    draw = random.Random(0)
    for number in range(FLIPS):
        near = min(150, len(content) - 1)
        place = (draw.randrange(len(content)), draw.randrange(near), len(content) - 1 - draw.randrange(near))[
            number % 3
        ]
        flipped = bytearray(content)
        flipped[place] ^= 1 << draw.randrange(8)
        yield bytes(flipped)
    for _ in range(CUTS):
        yield content[: draw.randrange(len(content))]


@pytest.mark.parametrize("kind", KINDS)
def test_damage_is_refused_by_name_or_changes_nothing(tmp_path, kind):
    path, read = KINDS[kind](tmp_path)
    copy = tmp_path / "copy"
    copy.write_bytes(path.read_bytes())
    content, truth, refused = path.read_bytes(), read(copy), 0
    for other in damaged(content):
        copy.write_bytes(other)
        try:
            assert read(copy) == truth
        except InputError as error:
            refused += 1
            assert str(tmp_path) in str(error) and "\n" not in str(error) and error.hint
    assert refused > FLIPS // 2 + CUTS - 1, "the damage did not reach the content"


def test_a_flipped_digit_is_named_and_others_still_read_the_json(tmp_path):
    path, _ = json_file(tmp_path)
    path.write_text(path.read_text().replace("589", "598"))
    with pytest.raises(InputError, match=r"record\.json: the file is damaged.*hint: delete it and run again"):
        read_json(path)
    (line,) = damaged_files([path, tmp_path / "missing.json"])
    assert str(path) in line and line.endswith("hint: delete it and run again")


def test_equal_content_gives_equal_bytes_whatever_the_order_of_keys(tmp_path):
    write_json(tmp_path / "a", {"a": {2: 1, 10: (1, 2)}, "b": 0.1})
    write_json(tmp_path / "b", {"b": 0.1, "a": {"10": [1, 2], "2": 1}})
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert read_json(tmp_path / "a") == {"a": {"2": 1, "10": [1, 2]}, "b": 0.1}


def test_a_table_derived_from_a_sealed_one_is_read_as_it_is(tmp_path):
    import pyarrow.parquet as pq

    path, _ = table_file(tmp_path)
    derived = pq.read_table(path).slice(0, 7)
    pq.write_table(derived, tmp_path / "mine.parquet")
    assert read_table(tmp_path / "mine.parquet").num_rows == 7


@pytest.mark.parametrize(
    ("calls", "rooms"),
    [
        ({"read_parquet", "ParquetFile", "to_parquet"}, {"prunescape/store/tables.py"}),
        ({"safe_open", "save_file", "load_file"}, {"prunescape/models/sealed_tensors.py"}),
        (
            {"load", "load_npz"},
            {
                *("prunescape/tasks/arrays.py", "prunescape/measure/agent.py", "prunescape/measure/ssh.py"),
                "prunescape/measure/architecture.py",  # what load_prepared has verified just before
                "prunescape/models/starting_weights.py",  # a file of the user's, of which torch reads tensors only
            },
        ),
    ],
)
def test_files_are_read_where_their_checksum_is_verified(calls, rooms):
    """By the name of what is called; `load` stands for numpy's, json's, yaml's, torch's and onnx's."""
    others = {"onnx", "yaml"}  # their files are verified before (export.json) or a person's own
    for path in SCRIPTS.rglob("*.py"):
        for owner, name, _ in calls_in(path):
            if name in calls and owner not in others:
                assert str(path.relative_to(SCRIPTS)) in rooms, f"{path}: {owner}.{name}"
