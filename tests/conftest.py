"""Fixtures that several folders of tests share."""

from __future__ import annotations

import shutil
import sys
import time

import pytest

from support.project import TINY_STUDY, Project


def pytest_collection_modifyitems(items):
    """The tests on Slurm take longest. They come first, so that one of two processes does them beside all others."""
    items.sort(key=lambda item: item.path.name != "test_slurm.py")


@pytest.fixture(scope="session", autouse=True)
def one_thread():
    """In this process torch has one thread, as a job has: another number of them would round otherwise."""
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)


@pytest.fixture(scope="session")
def finished(tmp_path_factory) -> Project:
    """The tiny study, run to its report once; a test that changes it puts it back."""
    project, started = Project(tmp_path_factory.mktemp("finished"), TINY_STUDY), time.monotonic()
    project.run()
    project.seconds = time.monotonic() - started
    return project


@pytest.fixture
def copied(finished, tmp_path) -> Project:
    """A copy of the finished study that a test may damage."""
    project = Project(tmp_path, TINY_STUDY)
    shutil.rmtree(project.work)
    shutil.copytree(finished.work, project.work, symlinks=True)
    return project
