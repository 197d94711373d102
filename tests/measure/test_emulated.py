"""This host held to less by control groups that it really has, and how far an emulation is from the real target."""

import os
import subprocess
import sys
from contextlib import ExitStack

import numpy as np
import pytest

from prunescape.analysis.cost.property_tables import emulation_errors, percent_error
from prunescape.errors import InputError
from prunescape.measure import emulated
from prunescape.measure.benchmark import measure_on
from prunescape.measure.emulated import Limits, held_to, mounted_groups, on_cpus
from support.measurements import with_costs
from support.onnx_files import spec_of, write_product

TARGET = {"name": "small", "kind": "emulated", "cpus": 1, "cpu_quota": None, "memory_mb": None}
BURN = (
    "import time; t, c = time.perf_counter(), time.process_time()\n"
    "while time.perf_counter() - t < 1.5: pass\n"
    "print((time.process_time() - c) / (time.perf_counter() - t))"
)


def can_be_held():
    try:
        with held_to(Limits(0.5, 64 * 2**20), "here"):
            return True
    except InputError:
        return False


needs_limits = pytest.mark.skipif(not can_be_held(), reason="neither systemd nor control groups can be used here")


def test_the_agent_runs_on_as_many_cpus_as_given(tmp_path):
    """As the agent's own environment tells; this process has all of its CPUs again afterwards."""
    before = os.sched_getaffinity(0)
    path = write_product(tmp_path / "one", np.ones((2, 2), np.float32))
    result = measure_on(TARGET, spec_of(path))
    assert result["environment"]["cpus_usable"] == 1 and result["latency"]
    assert os.sched_getaffinity(0) == before


@needs_limits
def test_a_quota_holds_cpu_time_to_its_share():
    """A loop that never waits gets 0.3 CPUs and a little, by the process's own CPU clock."""
    with held_to(Limits(0.3, None), "here") as held:
        done = subprocess.run([*held, sys.executable, "-c", BURN], capture_output=True, text=True, check=True)
    assert float(done.stdout) < 0.3 * 1.3


@needs_limits
def test_an_agent_that_outgrows_its_memory_is_killed_and_named(tmp_path):
    """16 MiB hold no Python with numpy and onnxruntime."""
    path = write_product(tmp_path / "one", np.ones((2, 2), np.float32))
    with pytest.raises(InputError, match="most often there was too little memory"):
        measure_on(TARGET | {"memory_mb": 16}, spec_of(path))
    assert measure_on(TARGET | {"memory_mb": 1024, "cpu_quota": 2.0}, spec_of(path))["latency"]
    leftovers = [path for _, _, own in mounted_groups() for path in own.glob("prunescape-*")]
    assert leftovers == []


@pytest.fixture
def version_2(tmp_path, monkeypatch):
    """A host with control groups of version 2 only, as files: a kernel with one cannot be had in a test."""
    own = tmp_path / "cgroup" / "user.slice" / "shell.scope"
    own.mkdir(parents=True)
    (tmp_path / "mounts").write_text(f"31 23 0:28 / {tmp_path}/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n")
    (tmp_path / "own").write_text("0::/user.slice/shell.scope\n")
    monkeypatch.setattr(emulated, "MOUNTS", tmp_path / "mounts")
    monkeypatch.setattr(emulated, "OWN_GROUPS", tmp_path / "own")
    monkeypatch.setattr(emulated, "systemd_command", lambda limits: [])
    return own


def test_a_group_of_version_2_gets_the_kernels_files(version_2, monkeypatch):
    """cpu.max is "quota period" in microseconds, memory.max bytes (the kernel's cgroup-v2 documentation).

    The own group has no controllers, for processes are in it; the one above has.
    """
    real = emulated.Path.mkdir

    def mkdir(path, *arguments, **options):
        real(path, *arguments, **options)
        if path.parent == version_2.parent:
            for name in ("cpu.max", "memory.max", "memory.swap.max", "cgroup.procs"):
                (path / name).touch()

    monkeypatch.setattr(emulated.Path, "mkdir", mkdir)
    assert [(kind, own) for kind, _, own in mounted_groups()] == [("cgroup2", version_2)]
    with held_to(Limits(0.5, 512 * 2**20), "here") as held:
        (group,) = version_2.parent.glob("prunescape-*")
        assert held[-2:] == [str(group / "cgroup.procs"), "--"]
        files = {name: (group / name).read_text() for name in ("cpu.max", "memory.max", "memory.swap.max")}
        assert files == {"cpu.max": "5000 10000", "memory.max": "536870912", "memory.swap.max": "0"}
        subprocess.run([*held, "true"], check=True)
        assert (group / "cgroup.procs").read_text().strip().isdigit()
        for name in (*files, "cgroup.procs"):  # a real group has no files to delete
            (group / name).unlink()
    assert not group.exists() and list(version_2.iterdir()) == []


def test_a_host_that_cannot_be_held_says_so_in_one_line(version_2):
    with pytest.raises(InputError, match=r"targets\.small: this host can be held to no CPU quota or memory") as caught:
        measure_on(TARGET | {"cpu_quota": 0.5}, {})
    assert "\n" not in str(caught.value) and list(version_2.parent.iterdir()) == [version_2]
    with pytest.raises(InputError, match=r"targets\.small\.cpus: 60000 CPUs cannot be had here; allowed: at most"):
        measure_on(TARGET | {"cpus": 60_000}, {})
    with ExitStack() as stack, on_cpus(None, ""):
        assert emulated.separate_groups(Limits(0.5, None), stack) == []


def row(target, latency, **changes):
    return with_costs("base", 1e3 * latency, target=target, **changes)


def test_percent_errors_by_hand():
    """|8 - 10| / 8 = 25 %; |1000 - 1500| / 1000 = 50 %; what either lacks has none; other settings do not pair."""
    rows = [row("pi", 8.0), row("small", 10.0, peak_memory_bytes=1500), row("small", 10.0, batch=8), row("other", 1.0)]
    (error,) = emulation_errors(rows, {"small": "pi", "lonely": "pi"})
    assert (error["target"], error["emulates"], error["batch"]) == ("small", "pi", 1)
    assert (error["latency_median_s"], error["peak_memory_bytes"], error["top1"]) == (25.0, 50.0, 0.0)
    assert error["energy_j"] is None and error["latency_dataset_s"] is None
    assert percent_error(4.0, 2.0) == 50.0 and percent_error(0.0, 2.0) is None
