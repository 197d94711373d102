"""Targets of several kinds in the workflow, as a plan: which rule drives them, and what an edit measures again."""

import pytest

from prunescape.config.targets import KINDS, REACHED_BY, Adb, Ssh
from prunescape.running.code_digest import _reached
from support.project import Project, small_study

TARGETS = {
    "here": {"repeats": 3, "chunk_seconds": 0.01},
    "pi": {"kind": "ssh", "host": "pi"},
    "node": {"kind": "slurm", "partition": "long", "constraint": "a100", "gpu": 1, "threads": [4]},
}


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    return Project(tmp_path_factory.mktemp("project"), small_study(targets=TARGETS))


def test_each_kind_is_driven_from_where_it_can_be(project):
    """A connection from the host that runs Snakemake, alone with no core; a node with what Slurm is asked for."""
    text = project.run("--dry-run", "--until", "benchmark_target", "benchmark_remote_target")
    jobs = {
        block.split("target=")[1].split(".json")[0]: block
        for block in text.split("\n[")
        if "benchmark" in block and "jobid" in block
    }
    assert set(jobs) == set(TARGETS)
    assert "rule benchmark_remote_target:" in jobs["pi"] and "threads:" not in jobs["pi"]
    assert "rule benchmark_target:" in jobs["here"] and "slurm_partition" not in jobs["here"]
    assert all("slurm_extra=--exclusive" in jobs[name] for name in ("here", "node")), "alone, wherever it is measured"
    assert "slurm" not in jobs["pi"]
    for asked in ("slurm_partition=long", "constraint=a100", "gpu=1", "slurm_extra=--exclusive"):
        assert asked in jobs["node"]


def test_how_a_target_is_reached_is_no_setting_that_is_measured():
    """A rename in one of the kinds would let it trigger again."""
    known = {name for kind in (Ssh, Adb) for name in kind.model_fields}
    assert set(REACHED_BY) <= known and {"host", "serial", "threads", "provider"} & set(REACHED_BY) == set()


def test_only_the_module_of_a_targets_own_kind_decides_whether_it_is_measured_again():
    for kind in KINDS:
        reached = _reached(("benchmark_target", "prunescape.measure.agent", f"prunescape.measure.{kind}"))
        others = {f"prunescape.measure.{other}" for other in KINDS if other not in (kind, "local")}
        assert f"prunescape.measure.{kind}" in reached and not others & reached
