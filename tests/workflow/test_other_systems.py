"""A run where the system has no /proc, no warm process, no affinities, and starts workers anew, as macOS does."""

from pathlib import Path

import pytest

from prunescape.running.warm import NO_WARM
from prunescape.store.files import read_json
from support.image_folders import write_tree
from support.project import Project, experiment

pytestmark = pytest.mark.long
# Python runs a module of this name first. psutil has other ways on macOS, so that it may read /proc here.
SITE = """
import builtins, io, multiprocessing, os, sys

multiprocessing.set_start_method("spawn")
del os.sched_getaffinity, os.sched_setaffinity


def refused(path):
    hidden = isinstance(path, (str, os.PathLike)) and str(path).startswith(("/proc/", "/sys/"))
    frame = sys._getframe(2)
    while hidden and frame is not None:
        if "psutil" in frame.f_code.co_filename:
            return False
        frame = frame.f_back
    if hidden:
        with open(os.environ["REFUSED"], "a") as file:
            print(path, file=file)
    return hidden


def guarded(function):
    def call(path, *arguments, **named):
        if refused(path):
            raise FileNotFoundError(2, "No such file or directory", str(path))
        return function(path, *arguments, **named)

    return call


builtins.open = io.open = guarded(io.open)
os.stat = guarded(os.stat)
os.scandir, os.listdir = guarded(os.scandir), guarded(os.listdir)
"""
FLOWERS = {"format": "image-folder", "folder": "images", "size": 8, "workers": 1}
OWN = {"recipe": {"epochs": 1, "batch_size": 8}, "variants": {"uniform": [0.5]}}
STUDY = {
    "study": "flowers",
    "datasets": {"flowers": FLOWERS},
    "experiments": {"small": experiment(dataset="flowers", **OWN)},
    "targets": {"here": {"repeats": 3, "chunk_seconds": 0.01}},
}


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A study of a folder of images whose processes all start with SITE."""
    site, project = tmp_path / "site", Project(tmp_path, STUDY, runner=("--cores", "2"))
    site.mkdir()
    (site / "sitecustomize.py").write_text(SITE)
    write_tree(project.work / "images", classes=("rose", "tulip"), train=12, val=12, suffixes=("jpg",), sides=(10, 13))
    monkeypatch.setenv(NO_WARM, "1")
    monkeypatch.setenv("REFUSED", str(tmp_path / "refused.txt"))
    process = project.process

    def on_another_system(*arguments, **named):
        known = process(*arguments, **named)
        known["env"]["PYTHONPATH"] = f"{site}:{known['env']['PYTHONPATH']}"
        return known

    monkeypatch.setattr(project, "process", on_another_system)
    return project


def test_a_study_is_trained_measured_and_reported(project, tmp_path):
    project.run()
    results = project.work / "results/flowers"
    assert (results / "report.html").stat().st_size > 10_000
    records = [read_json(path) for path in results.rglob("record.json")]
    assert {record["status"] for record in records} == {"ok"}
    assert {record["peak_memory_bytes"] for record in records} == {None}
    assert "/proc/cpuinfo" in (tmp_path / "refused.txt").read_text()  # it was really away


def test_an_emulated_target_is_refused_before_anything_is_trained(project):
    project.configure(STUDY | {"targets": {"small-board": {"kind": "emulated", "cpus": 1}}})
    done = project.snakemake()
    assert done.returncode != 0
    assert (
        "error: targets.small-board: an emulated target needs Linux; hint: take a target of kind local" in done.stdout
    )
    assert not Path(project.work, "results").exists()
