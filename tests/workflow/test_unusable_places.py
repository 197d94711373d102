"""Where results or jobs cannot go, one line says so before anything runs."""

import os
import subprocess
import sys

import pytest

from prunescape.errors import InputError
from prunescape.running.jobs import require_slurm
from prunescape.running.run_lock import require_writable
from prunescape.store.files import write_json
from support.project import ROOT


@pytest.mark.parametrize(("kind", "said"), [("file", "this is no folder"), ("link", "this is a link to nothing")])
def test_results_that_are_no_folder_are_refused(tmp_path, kind, said):
    results = tmp_path / "results"
    results.write_text("") if kind == "file" else results.symlink_to(tmp_path / "nothing")
    words = [sys.executable, "-m", "snakemake", "--cores", "1", "--snakefile", str(ROOT / "Snakefile")]
    done = subprocess.run([*words, "--directory", str(tmp_path)], capture_output=True, text=True)
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert done.returncode == 1 and f"{results}: {said}" in line and "Traceback" not in done.stderr


def test_a_folder_without_permission_is_refused(tmp_path, monkeypatch):
    """Root may write anywhere, so access(2) answers here as it does to other users."""
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(InputError, match="cannot be written to; hint: --directory"):
        require_writable(tmp_path / "results/study")


def test_without_slurm_its_profile_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InputError, match=r"sbatch is not here; hint: run on a submit node .* without --profile slurm"):
        require_slurm()
    for command in ("sbatch", "squeue", "scancel", "sinfo"):
        (tmp_path / command).write_text("#!/bin/sh\necho unreachable >&2; exit 1\n")
        (tmp_path / command).chmod(0o755)
    with pytest.raises(InputError, match="Slurm: sinfo: unreachable; hint: run on a submit node"):
        require_slurm()


@pytest.mark.parametrize("umask", [0o022, 0o077, 0o002])
def test_files_are_written_with_the_users_umask(tmp_path, umask):
    import torch

    from prunescape.models.sealed_tensors import write_tensors

    before = os.umask(umask)
    try:
        write_tensors(tmp_path / "weights.safetensors", {"a": torch.zeros(3)})
        write_json(tmp_path / "record.json", {"a": 1})
    finally:
        os.umask(before)
    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o666 & ~umask}
