"""What this host lacks is said before anything is trained on it."""

import re
import subprocess
from types import SimpleNamespace

import pytest

from prunescape.config.study import load_study
from prunescape.config.system import System
from prunescape.errors import InputError
from prunescape.running import early_checks
from prunescape.running.early_checks import check_compiler, check_gpu, check_providers, shows_gpu
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


@pytest.mark.parametrize(
    ("device", "module", "told"),
    [
        ("cpu", "shutil.which", "torch compiles with g++, a C++ compiler that is not here"),
        ("cuda", "find_spec", "torch compiles for a GPU with the package triton, which is not here"),
    ],
)
def test_what_compiles_networks_is_looked_for(device, module, told, monkeypatch):
    monkeypatch.setattr(early_checks.sys, "platform", "linux")
    monkeypatch.delenv("CXX", raising=False)
    monkeypatch.setattr(f"{early_checks.__name__}.{module}", lambda name: "there")
    if device == "cuda":
        check_compiler(device)
    monkeypatch.setattr(f"{early_checks.__name__}.{module}", lambda name: None)
    with pytest.raises(InputError, match=re.escape(f"internal: compiled: {told}; hint: install it")):
        check_compiler(device)


def test_a_compiler_needs_pythons_header_files(tmp_path, monkeypatch):
    monkeypatch.setattr(early_checks.shutil, "which", lambda name: "there")
    monkeypatch.setattr(early_checks.sysconfig, "get_paths", lambda: {"include": str(tmp_path)})
    with pytest.raises(InputError, match="Python's header files, which are not here"):
        check_compiler("cpu")
    (tmp_path / "Python.h").touch()
    check_compiler("cpu")


def test_a_dry_run_refuses_to_compile_without_a_compiler(tmp_path, monkeypatch):
    monkeypatch.setenv("CXX", "no-such-compiler")
    study = small_study({"recipe": {"epochs": 1, "batch_size": 50, "internal": "compiled"}})
    done = Project(tmp_path, study).snakemake("--dry-run")
    assert done.returncode != 0 and "Traceback" not in done.stdout
    assert "error: internal: compiled: torch compiles with no-such-compiler, a C++ compiler" in done.stdout


def test_a_dry_run_of_measurements_without_a_target_is_refused(tmp_path):
    done = Project(tmp_path, small_study(targets={})).snakemake("--dry-run", "architectures")
    assert done.returncode != 0 and "Traceback" not in done.stdout
    assert "targets: there is none to measure on; hint: add one (docs/targets.md)" in done.stdout


def test_a_store_that_is_a_folder_is_named_with_its_key(tmp_path):
    system = System(parameters={"threads": [1, 2]}, store=str(tmp_path))
    with pytest.raises(InputError) as caught:
        early_checks.check_system({"e": system}, "cpu")
    assert str(caught.value).startswith(f"experiments.e.system.store: {tmp_path}: this is a folder; allowed: ")
