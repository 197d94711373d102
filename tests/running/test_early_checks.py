"""What this host lacks is said before anything is trained on it."""

import subprocess
from types import SimpleNamespace

import pytest

from prunescape.config.study import load_study
from prunescape.errors import InputError
from prunescape.running import early_checks
from prunescape.running.early_checks import check_gpu, check_providers, shows_gpu
from support.good_config import GOOD
from support.project import Project, small_study

GPU = {"provider": "CUDAExecutionProvider"}


def targets_of(**targets):
    return load_study(GOOD | {"targets": targets}).targets


@pytest.mark.parametrize("kind", ["local", "emulated"])
def test_a_provider_that_is_not_here_is_refused(kind, monkeypatch):
    onnxruntime = pytest.importorskip("onnxruntime")
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: ["CPUExecutionProvider"])
    with pytest.raises(
        InputError, match=r"targets\.here\.provider: onnxruntime here has no CUDAExecutionProvider"
    ) as caught:
        check_providers(targets_of(plain={}, here={"kind": kind, **GPU}))
    assert "allowed: CPUExecutionProvider;" in str(caught.value)


def test_targets_elsewhere_are_not_asked_for_here():
    check_providers(targets_of(pi={"kind": "ssh", "host": "pi", **GPU}, node={"kind": "slurm", **GPU}, plain={}))


@pytest.mark.parametrize(("status", "refused"), [(3, True), (0, False), (1, False)])
def test_torch_tells_whether_there_is_a_gpu(status, refused, monkeypatch):
    """1: torch itself is not in the environment of Snakemake, only in that of its jobs."""
    monkeypatch.setattr(subprocess, "run", lambda *words, **more: SimpleNamespace(returncode=status))
    if not refused:
        return check_gpu()
    with pytest.raises(InputError, match="device: no GPU is visible to torch; allowed: cpu here"):
        check_gpu()


def test_the_system_lists_gpus(tmp_path, monkeypatch):
    monkeypatch.setattr(early_checks, "GPU_FILES", (str(tmp_path / "nvidia[0-9]*"),))
    assert not shows_gpu()
    (tmp_path / "nvidia0").touch()
    assert shows_gpu()


def test_a_dry_run_refuses_what_cannot_be_measured_here(tmp_path):
    project = Project(tmp_path, small_study(targets={"here": {"provider": "XnnpackExecutionProvider"}}))
    done = project.snakemake("--dry-run")
    assert done.returncode != 0 and "Traceback" not in done.stdout
    assert "error: targets.here.provider: onnxruntime here has no XnnpackExecutionProvider; allowed: " in done.stdout
