"""On a host with several GPUs each training takes one that no other has: Snakemake counts them but names none.

torch must not have initialised a GPU yet.
"""

import fcntl
import os
import sys
from importlib import import_module
from typing import IO

import torch

from prunescape.store.files import private_folder

VISIBLE = "CUDA_VISIBLE_DEVICES"
# What torch's exporter to ONNX imports when it is first used, a second of work in every child otherwise.
EXPORTER = ("torch._dynamo", "onnxscript", "torch.export._trace", "onnxscript.function_libs.torch_lib.ops")
_claimed: list[IO[str]] = []


def claim_gpu() -> str | None:
    """Make one GPU of those visible the only one, for as long as this process lives; its name in `VISIBLE`.

    None without a GPU; and, with all of them still visible, where other trainings of this user hold every one: more
    were started at once than there are (`--resources gpu=N`), or a cluster calls the GPU of each job by the same name.
    """
    if _claimed:
        return os.environ[VISIBLE]
    names = visible_gpus()
    for name in names:
        lock = open(private_folder() / f"gpu-{name}.lock", "a")  # noqa: SIM115 (held until the process ends)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            continue
        _claimed.append(lock)
        os.environ[VISIBLE] = name
        return name
    if names:
        print("every visible GPU trains already: sharing the first", file=sys.stderr, flush=True)
    return None


def has_claimed() -> bool:
    """Whether this process holds a GPU that no other training of this user has."""
    return bool(_claimed)


def visible_gpus() -> list[str]:
    """The GPUs that this process may use, as `VISIBLE` names them: a cluster's choice, or the numbers of all."""
    names = os.environ.get(VISIBLE)
    if names is not None:
        return [name.strip() for name in names.split(",") if name.strip()]
    return [str(number) for number in range(torch.cuda.device_count())]


def import_for_children(*modules: str) -> None:
    """Import them in a process that will fork, but not on a host with GPUs.

    torch's compiler, which exporting and tracing import, may initialise the GPUs; then no child could use them.
    """
    for module in () if visible_gpus() else modules:
        import_module(module)
