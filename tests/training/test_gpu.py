"""Which GPU a training takes; the GPUs are numbers here, the locks and processes are real."""

import os
import subprocess
import sys

import pytest
import torch

from prunescape.errors import InputError
from prunescape.training.device import reproducible_device
from support.project import SCRIPTS

CLAIM = """
import sys, torch
torch.cuda.device_count = lambda: 3
from prunescape.training.gpu import claim_gpu
print(claim_gpu(), claim_gpu(), flush=True)
sys.stdin.read()
"""


@pytest.fixture
def claim(tmp_path):
    """Starts a process that claims a GPU and holds it until told to end; gives what it got."""
    started = []

    def start(visible: str | None = None) -> str:
        known = {"PATH": os.environ["PATH"], "PYTHONPATH": str(SCRIPTS), "TMPDIR": str(tmp_path)}
        known |= {} if visible is None else {"CUDA_VISIBLE_DEVICES": visible}
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        started.append(subprocess.Popen([sys.executable, "-c", CLAIM], env=known, **pipes))
        return started[-1].stdout.readline().strip()

    start.started = started
    yield start
    for process in started:
        process.communicate("")


def test_each_training_gets_one_of_its_own(claim):
    assert [claim() for _ in range(4)] == ["0 0", "1 1", "2 2", "None None"]
    claim.started[1].kill()
    claim.started[1].wait()
    assert claim() == "1 1", "a GPU is free again, whatever way its training ended"


def test_only_what_a_cluster_gave_is_taken(claim):
    assert [claim("2,5"), claim("2,5"), claim("GPU-4f,5"), claim("5")] == ["2 2", "5 5", "GPU-4f GPU-4f", "None None"]


def test_without_a_gpu_it_says_so(monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(InputError, match="no GPU is visible to torch"):
        reproducible_device("cuda")
