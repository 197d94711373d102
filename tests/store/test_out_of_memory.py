"""A training that gets no memory ends in one line that says what to change; one that was killed is told from it."""

import resource
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
import torch

from prunescape.running.failures import Failure, reason_in
from prunescape.running.run_end import Expected, failed_lines
from prunescape.store.exhaustion import exhausted, out_of_memory
from prunescape.store.files import write_json
from support.project import SCRIPTS

# what a job does, after its network was given the chance to fail
JOB = """
    import resource, sys
    from pathlib import Path
    import torch
    import prunescape.models.build as build, prunescape.training.cell_record, prunescape.training.loop
    import prunescape.pruning.retraining as retraining
    from prunescape.space.cells import Cell
    from prunescape.space.settings import Setting
    from prunescape.space.variants import BASE
    from prunescape.running.job_log import job_log
    from train_cell import train_cell

    torch.set_num_threads(1)
    results, out = Path(sys.argv[1]), Path(sys.argv[2])
    small = results / "experiment=small"

    {before}
    with job_log(out / "train.log"):
        files = dict(
            shared=small / "shared.json", identity=results / "data/digits.json",
            widths=small / "variant=base/widths.json", data=results / "data/digits.npz",
            record=out / "record.json", weights=out / "weights.safetensors", checkpoint=out / "checkpoint.safetensors",
        )
        setting = Setting.of({"log10_lr": -1, "log10_wd": -4})
        train_cell(Cell("small", BASE, setting).content, files, device="cpu")
"""
# five megabytes more than the process has: enough to begin, not for a batch
NO_MEMORY = """
    status = Path("/proc/self/status").read_text()
    kilobytes = int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmSize")))
    resource.setrlimit(resource.RLIMIT_AS, (1024 * kilobytes + 5_000_000, resource.RLIM_INFINITY))
"""
NO_GPU_MEMORY = """
    class Full(torch.nn.Linear):
        def forward(self, images):
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB. GPU 0 has 79.1 GiB")

    build.planned_network = lambda plan: Full(1, 1)
    retraining.initialise = lambda network, seed: network
"""
KILLED = "import os, signal; print('epoch=1 loss=2.3', flush=True); os.kill(os.getpid(), signal.SIGKILL)"


def run_job(finished, out: Path, before: str) -> subprocess.CompletedProcess[str]:
    job = textwrap.dedent(JOB).replace("{before}", textwrap.dedent(before))
    command = [sys.executable, "-c", job, str(finished.work / "results/tiny"), str(out)]
    return subprocess.run(command, env={"PYTHONPATH": str(SCRIPTS), "PATH": ""}, capture_output=True, text=True)


@pytest.mark.parametrize(
    ("before", "said"),
    [
        (NO_MEMORY, ("error: out of memory (", "batch_size", "memory_mb", "--cores")),
        (NO_GPU_MEMORY, ("error: out of GPU memory (CUDA out of memory. Tried to allocate", "batch_size")),
    ],
    ids=["cpu", "cuda"],
)
def test_a_job_without_memory_says_so_and_leaves_nothing(finished, tmp_path, before, said):
    done = run_job(finished, tmp_path, before)
    assert done.returncode == 1
    assert done.stdout + done.stderr == "", "the terminal of a run is no place for a traceback"
    reason = reason_in(str(tmp_path / "train.log"))
    assert all(words in reason for words in said), reason
    assert [path.name for path in tmp_path.iterdir()] == ["train.log"]


def test_a_killed_job_is_told_from_one_that_failed(finished, tmp_path):
    done = run_job(finished, tmp_path, f"""
    with job_log(out / "train.log"):
        {KILLED}
    """)  # fmt: skip
    assert done.returncode == -9
    reason = reason_in(str(tmp_path / "train.log"))
    assert reason.startswith("ended from outside (killed), most often for want of memory or time; its last line: epoch")
    assert reason_in(str(tmp_path / "none.log")).endswith("its log is empty")


def test_real_exceptions_of_want_are_known_and_others_are_not():
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (10**11, hard))  # far above what a process uses
    try:
        for ask in (lambda: bytearray(10**12), lambda: torch.empty(10**12)):
            with pytest.raises((MemoryError, RuntimeError)) as caught:
                ask()
            assert out_of_memory(caught.value), caught.value
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
    assert exhausted(ValueError("shapes (3,) and (4,) do not match")) is None
    assert exhausted(RuntimeError("DataLoader worker (pid 7) is killed by signal: Killed.")) is not None


def test_the_end_lists_every_failed_job(tmp_path):
    failures = []
    for number in range(25):
        log = tmp_path / f"seed={number}" / "train.log"
        log.parent.mkdir()
        log.write_text(f"error: reason {number}\n")
        failures.append(Failure("train_cell", {}, str(log)))
    records = [str(tmp_path / f"seed={number}" / "record.json") for number in range(25)]
    write_json(records[0], {})
    study = {"study": "s", "experiments": {}, "objectives": {}, "targets": {}}
    lines = failed_lines(tmp_path, study, Expected({}, records, [], [], []), terms={}, failures=failures)
    assert lines[0] == "failed jobs: 25; missing cells: 25 of 25"
    for number in range(25):
        assert any(line.startswith(f"  train_cell: error: reason {number}\n") for line in lines)
        assert any(line.endswith(str(tmp_path / f"seed={number}/train.log")) for line in lines)
