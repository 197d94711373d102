"""Clocks that jump, results that are copied elsewhere: nothing runs again, for content decides. Needs Snakemake."""

import os
import random
import shutil
import time

import pytest

from support.project import TINY_STUDY, Project

YEAR = 365.25 * 24 * 3600


@pytest.fixture
def copied(finished, tmp_path) -> Project:
    """The finished study as `cp -r` leaves it: new times, another absolute path, its .snakemake with it."""
    project = Project(tmp_path, TINY_STUDY)
    shutil.rmtree(project.work)
    shutil.copytree(finished.work, project.work, symlinks=True, copy_function=shutil.copyfile)
    return project


def test_a_copy_elsewhere_runs_nothing(copied):
    assert copied.planned() == set()


@pytest.mark.parametrize("seed", [0, 1])
def test_times_decades_off_run_nothing(copied, seed):
    """As after a clock that jumped, or on a network file system whose server has another."""
    draw = random.Random(seed)
    for path in copied.work.glob("results/**/*"):
        when = time.time() + draw.uniform(-30, 30) * YEAR
        os.utime(path, (when, when))
    assert copied.planned() == set()


def test_the_profile_compares_large_tables_by_content_too(copied):
    """Snakemake's own limit is 1 MB; a table above it would be judged by its age."""
    assert "max-checksum-file-size: 100MB" in (copied.code / "profiles/default/config.yaml").read_text()
