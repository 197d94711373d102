"""Fixtures that several folders of tests share."""

from __future__ import annotations

import fcntl
import os
import shutil
import sys
import time
from pathlib import Path

import pytest

from support.project import TINY_STUDY, Project

LONG_FOLDERS = ("workflow", "designs", "golden")  # most of their tests run whole studies


def pytest_collection_modifyitems(items):
    """The tests on Slurm take longest. They come first, so that one process does them beside all others.

    Those that run studies come next: so what is left at the end is short, and no process waits long for another.
    """
    items.sort(key=lambda item: (item.path.name != "test_slurm.py", item.path.parent.name not in LONG_FOLDERS))


@pytest.fixture(scope="session", autouse=True)
def one_thread():
    """In this process torch has one thread, as a job has: another number of them would round otherwise."""
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)


@pytest.fixture(scope="session")
def finished(tmp_path_factory) -> Project:
    """The tiny study, run to its report once; a test that changes it puts it back.

    Of several processes of pytest-xdist one runs it, and each has a copy.
    """
    folder = tmp_path_factory.mktemp("finished")
    if "PYTEST_XDIST_WORKER" not in os.environ:
        return run_tiny_study(folder)
    shared = tmp_path_factory.getbasetemp().parent / "finished"
    with open(shared.with_suffix(".lock"), "w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        if not (shared / "seconds").exists():
            shutil.rmtree(shared, ignore_errors=True)  # another process's run of it failed
            (shared / "seconds").write_text(str(run_tiny_study(shared).seconds))
    project = copy_of(shared / "work", folder)
    project.seconds = float((shared / "seconds").read_text())
    return project


def run_tiny_study(folder: Path) -> Project:
    project, started = Project(folder, TINY_STUDY), time.monotonic()
    project.run()
    project.seconds = time.monotonic() - started
    return project


def copy_of(work: Path, folder: Path) -> Project:
    """The tiny study in a `folder` of its own, with the results and Snakemake's files in `work`."""
    project = Project(folder, TINY_STUDY)
    shutil.rmtree(project.work)
    shutil.copytree(work, project.work, symlinks=True)
    return project


@pytest.fixture
def copied(finished, tmp_path) -> Project:
    """A copy of the finished study that a test may damage."""
    return copy_of(finished.work, tmp_path)
