"""A disk that fills up, and a file that may not grow, while each kind of result is written: no half file, one line."""

from __future__ import annotations

import errno
import os
import resource
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch

from prunescape.commands.cli import main
from prunescape.config.datasets import resolve_options
from prunescape.deploy.export import export_model
from prunescape.deploy.precisions import export_precision
from prunescape.errors import InputError
from prunescape.models.build import build_model, initialise
from prunescape.models.weights import save_weights
from prunescape.present.report.page import write_report
from prunescape.store.files import read_json, whole_file, write_json
from prunescape.store.tables import write_table
from prunescape.tasks.images.preparing import write_prepared
from prunescape.tasks.images.readers import read_digits

PAGE = 4096  # bytes: what a file in memory grows by
SHARES = (0.0, 0.6, 0.97)  # of the room that a writer needs
REASONS = ("No space left", "File too large", "disk is full", "disk I/O error")  # SQLite's word for a limit is the last
MOMENTS = {"mean": [0.3], "std": [0.4]}


@contextmanager
def small_disk(folder: Path, size: int) -> Iterator[Path]:
    """A file system of its own in memory, of `size` bytes or one page less."""
    folder.mkdir()
    options = f"size={max(size // PAGE, 1) * PAGE}"
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "none", str(folder)], capture_output=True)
    if done.returncode != 0:
        pytest.skip("mounting is not permitted here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


@contextmanager
def small_files(folder: Path, size: int) -> Iterator[Path]:
    """No file of this process may grow over `size` bytes."""
    folder.mkdir()
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield folder
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def network() -> torch.nn.Module:
    return initialise(build_model("resnet_cifar", "resnet8", in_channels=1, classes=10), 0)


def images() -> np.ndarray:
    return np.random.default_rng(0).normal(size=(8, 1, 8, 8)).astype(np.float32)


def write_onnx(out: Path, results: Path) -> None:
    export_model(network(), images(), out / "rank-1.onnx", **MOMENTS)


def write_int8(out: Path, results: Path) -> None:
    source = next(results.glob("experiment=small/variant=base/onnx/rank-1.onnx"))
    given = {"inputs": images(), "calibration": images(), "out": out / "rank-1.int8.onnx"}
    export_precision("int8", network(), source, **given, **MOMENTS)


def write_page(out: Path, results: Path) -> None:
    study = {"study": "s", "experiments": {}}
    write_report(study, results, figures=results / "figures", missing=[], unmeasured=[], out=out / "report.html")


def command(*arguments: str) -> Callable[[Path, Path], None]:
    """The writer that is a command of ours: its one line is raised here."""

    def write(out: Path, results: Path) -> None:
        places = {"CELLS": str(results / "cells.parquet"), "OUT": str(out), "DB": str(out / "cells.db")}
        if main([places.get(argument, argument) for argument in arguments]) != 0:
            raise InputError("the command failed")

    return write


PRUNE = ("prune", "resnet8", "--input-shape", "1,8,8", "--ratio", "0.5", "--method", "uniform", "--out", "OUT")
WRITERS: dict[str, Callable[[Path, Path], None]] = {
    "json": lambda out, results: write_json(out / "record.json", {"history": list(range(9000))}),
    "weights": lambda out, results: save_weights(network(), out / "weights.safetensors"),
    "table": lambda out, results: write_table(pq.read_table(results / "cells.parquet"), out / "cells.parquet"),
    "images": lambda out, results: write_prepared(
        read_digits(resolve_options("digits", {})), dataset="digits", data=out / "d.npz", identity=out / "d.json"
    ),
    "onnx": write_onnx,
    "int8": write_int8,
    "report": write_page,
    "analyse": command("analyse", "CELLS", "--out", "OUT", "--figures"),
    "prune": command(*PRUNE),
    "optuna sqlite": command("export-optuna", "CELLS", "--out", "DB"),
    "optuna journal": command("export-optuna", "CELLS", "--out", "DB", "--storage", "journal"),
}


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def complete(finished, tmp_path_factory) -> Callable[[str], dict[str, bytes]]:
    """What each writer leaves where there is room, made once."""
    known: dict[str, dict[str, bytes]] = {}

    def made(kind: str) -> dict[str, bytes]:
        if kind not in known:
            folder = tmp_path_factory.mktemp(kind)
            WRITERS[kind](folder, finished.work / "results/tiny")
            known[kind] = contents(folder)
        return known[kind]

    return made


@pytest.mark.parametrize("kind", WRITERS)
@pytest.mark.parametrize("limited", [small_disk, small_files])
def test_no_half_file_and_one_line(finished, complete, tmp_path, capsys, limited, kind):
    if kind == "int8" and limited is small_files:
        pytest.skip("onnxruntime's own temporary files would meet the limit first")
    whole = complete(kind)
    room = (sum if limited is small_disk else max)(map(len, whole.values()))
    for number, share in enumerate(SHARES):
        with limited(tmp_path / str(number), int(share * room)) as out:
            capsys.readouterr()
            with pytest.raises(InputError) as caught:
                WRITERS[kind](out, finished.work / "results/tiny")
            said = capsys.readouterr().err or str(caught.value)
            left = contents(out)
        assert any(words in said for words in REASONS), said
        assert str(out) in said and "\n" not in said.strip(), said
        half = [name for name, content in left.items() if content != whole.get(name)]
        assert not half, f"{share}: {half}"


def test_a_rename_or_a_synchronisation_that_fails_leaves_the_old_file_only(tmp_path, monkeypatch):
    write_json(tmp_path / "record.json", {"top1": 1})
    (tmp_path / "folder.json").mkdir()
    with pytest.raises(OSError):
        write_json(tmp_path / "folder.json", {"top1": 2})

    def fails(descriptor: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "fsync", fails)
    with pytest.raises(OSError, match=os.strerror(errno.EIO)):
        write_json(tmp_path / "record.json", {"top1": 2})
    assert read_json(tmp_path / "record.json") == {"top1": 1}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["folder.json", "record.json"]


def test_two_writers_of_one_file_do_not_meet(tmp_path):
    """Two hosts of one file system may have the same process number: here, one process stands for both."""
    with whole_file(tmp_path / "a") as first, whole_file(tmp_path / "a") as second:
        first.write_text("first")
        second.write_text("second")
    assert (tmp_path / "a").read_text() == "first"
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
