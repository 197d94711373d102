"""Where and with what a cell was trained: versions, host, device, memory."""

from __future__ import annotations

import platform
import socket
import time
from importlib.metadata import version
from pathlib import Path

import numpy
import torch

from prunescape.errors import InputError
from prunescape.training.gpu import claim_gpu


def reproducible_device(name: str) -> torch.device:
    """The device called cpu or cuda, set so that the same seed gives the same result in full float32.

    One thread on the CPU; on a GPU, one that no other training has, deterministic convolutions, and no TF32
    but where a recipe asks for less than fp32 (precision.py).
    Raises InputError when there is no GPU.
    """
    if name == "cuda":
        claim_gpu()
    if name == "cuda" and not torch.cuda.is_available():
        raise InputError("no GPU is visible to torch", where="device", allowed="cpu here", hint="set device: cpu")
    torch.set_num_threads(1)
    torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark = True, False
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = False
    return torch.device(name)


def device_name(device: torch.device) -> str:
    """`cpu`, or what the GPU calls itself."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu"


def processor() -> str:
    """The processor's model as Linux names it, else its architecture: other processors round differently."""
    listing = Path("/proc/cpuinfo")
    lines = listing.read_text().splitlines() if listing.exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def peak_memory_bytes(device: torch.device) -> int | None:
    """The GPU's peak allocation, or this process' peak resident memory; None where the system does not report it.

    `ru_maxrss` would inherit the peak of the process that started this one.
    """
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    status = Path("/proc/self/status")
    lines = status.read_text().splitlines() if status.exists() else []
    peaks = [int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:")]
    return peaks[0] if peaks else None


def environment(device: torch.device) -> dict:
    """Versions, host and device of this process: only what is named here, never the environment's variables."""
    return {
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": numpy.__version__,
        "pillow": version("pillow"),
        "platform": platform.platform(),
        "host": socket.gethostname(),
        "device": device_name(device),
        "cpu": processor(),
        "threads": torch.get_num_threads(),
        "finished": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }
