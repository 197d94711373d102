"""Damage in a finished study, found by a real run, which names file and way out; that way leads back to the results."""

from __future__ import annotations

import json
import os
import re
import time
from pathlib import Path

import pandas as pd
import pytest

from prunescape.space.settings import Setting
from support.project import Project

pytestmark = pytest.mark.long
PRUNED = "experiment=small/variant=nonuniform-0.5"
CELL = f"{PRUNED}/log10_lr=-1.0/log10_wd=-3.0/seed=0"
AGAIN = "delete it and run again"
# what a training takes, and what is measured, differs between two runs of the same
MEASURED = (
    *("seconds", "images_per_second", "peak_memory_bytes", "finished"),
    *("epoch_seconds", "epoch_cpu_seconds", "others_cpu", "epoch_joules", "watts"),
)
DECLARED = ("data/digits.json", "experiment=small/shared.json", f"{PRUNED}/widths.json", f"{PRUNED}/onnx/export.json")


def flip(path: Path) -> None:
    """One bit near the middle of the file, which is now the newest: in text it turns a digit into another."""
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    later = rb"(?<=[0-9])[0-9]"  # of a number: "10" would be none as "00"
    digit = re.search(later, content[middle:]) if path.suffix == ".json" else None
    content[middle + (digit.start() if digit else 0)] ^= 1
    path.write_bytes(content)
    os.utime(path, (time.time() + 5,) * 2)


def science(folder: Path) -> pd.DataFrame:
    """The table of cells without what differs between two runs."""
    return pd.read_parquet(folder / "results/tiny/cells.parquet").drop(columns=list(MEASURED))


def refused(project: Project, name: str) -> str:
    """The output of a run that fails and says that the file `name` is damaged, without a traceback."""
    done = project.snakemake()
    assert done.returncode != 0
    (line, *_) = [line for line in done.stdout.splitlines() if "is damaged" in line and name in line]
    assert "Traceback" not in done.stdout
    return line


def files(folder: Path, pattern: str) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.glob(f"results/tiny/**/{pattern}")}


@pytest.mark.parametrize("name", DECLARED)
def test_what_all_cells_hang_on_is_refused_before_anything_is_deleted(copied, finished, name):
    flip(copied.work / "results/tiny" / name)
    assert AGAIN in refused(copied, name)
    for kind in ("record.json", "weights.safetensors", "target=here.json"):
        assert files(copied.work, kind) == files(finished.work, kind)
    (copied.work / "results/tiny" / name).unlink()
    assert not {job for job in copied.made() if job.startswith(("train_cell", "benchmark_target"))}
    assert files(copied.work, Path(name).name) == files(finished.work, Path(name).name)
    assert copied.planned() == set()


def test_a_damaged_record_costs_its_cell(copied, finished):
    record = copied.work / "results/tiny" / CELL / "record.json"
    flip(record)
    line = refused(copied, f"{CELL}/record.json")
    assert "delete it and run again" in line
    record.unlink()
    trained = {job for job in copied.made() if job.startswith("train_cell")}
    assert len(trained) == 1
    pd.testing.assert_frame_equal(science(copied.work), science(finished.work))
    assert copied.planned() == set()


def test_damaged_weights_are_not_exported(copied, finished):
    best = json.loads((copied.work / f"results/tiny/{PRUNED}/onnx/export.json").read_text())["models"][0]["cell"]
    cell = f"{PRUNED}/{Setting.of(best['setting']).path}/seed=0"
    weights = copied.work / "results/tiny" / cell / "weights.safetensors"
    flip(weights)
    (copied.work / f"results/tiny/{PRUNED}/onnx/export.json").unlink()
    assert "delete it and run again" in refused(copied, f"{cell}/weights.safetensors")
    weights.unlink()
    copied.run()
    for kind in ("weights.safetensors", "rank-1.onnx"):
        assert files(copied.work, kind) == files(finished.work, kind)


def test_a_damaged_model_is_not_measured(copied, finished):
    model = copied.work / f"results/tiny/{PRUNED}/onnx/rank-1.onnx"
    flip(model)
    (copied.work / "results/tiny/experiment=small/target=here.json").unlink()
    assert "export.json" in refused(copied, f"{PRUNED}/onnx/rank-1.onnx")
    (model.parent / "export.json").unlink()
    assert "export_onnx experiment=small, variant=nonuniform-0.5" in copied.made()
    assert files(copied.work, "rank-1.onnx") == files(finished.work, "rank-1.onnx")
    assert copied.planned() == set()


def test_damaged_images_are_not_trained_on(copied, finished):
    data = copied.work / "results/tiny/data/digits.npz"
    flip(data)
    (copied.work / "results/tiny" / CELL / "record.json").unlink()
    done = copied.snakemake()
    assert done.returncode != 0 and "digits.npz" in done.stdout and AGAIN in done.stdout
    data.unlink()
    jobs = copied.made()
    assert "prepare_data dataset=digits" in jobs and len([job for job in jobs if job.startswith("train_cell")]) == 1
    pd.testing.assert_frame_equal(science(copied.work), science(finished.work))


@pytest.mark.parametrize(
    ("name", "remade"), [("cells.parquet", "risk.parquet"), ("figures/plotly.min.js", "report.html")]
)
def test_damaged_tables_and_drawings_are_not_used(copied, finished, name, remade):
    place = copied.work / "results/tiny" / name
    flip(place)
    (copied.work / "results/tiny" / remade).unlink()
    line = refused(copied, name)
    (place if "delete it and" in line else place.parent / "figures.json").unlink()
    copied.run()
    assert place.read_bytes() == (finished.work / "results/tiny" / name).read_bytes()
    assert copied.planned() == set()


def test_a_killed_cell_is_named_and_the_others_go_on(copied):
    """A job that the kernel or a cluster ends has no last word."""
    before = "    train_jobs([open_job(cell,"
    where = '    if cell["setting"]["log10_wd"] == "-3.0" and cell["variant"] != "base":\n'
    killed = where + '        __import__("os").kill(__import__("os").getpid(), 9)\n'
    copied.edit("workflow_scripts/train_cell.py", before, killed + before)
    done = copied.snakemake()
    assert done.returncode != 0
    assert "failed jobs: 1; missing cells: 1 of 5" in done.stdout
    assert "train_cell: ended from outside (killed), most often for want of memory or time" in done.stdout
    assert "ended from outside (killed)" in (copied.work / "results/tiny/partial/report.html").read_text()
    assert len(list(copied.work.glob("results/tiny/**/record.json"))) == 4
