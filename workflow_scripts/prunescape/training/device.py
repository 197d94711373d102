"""The device that a cell is trained on: its precision (space/recipe.py), versions and memory."""

import platform
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

import numpy
import torch
from torch import Tensor, nn

from prunescape.errors import InputError
from prunescape.training.gpu import claim_gpu

HALVES = {"bf16": torch.bfloat16, "fp16": torch.float16}
TF32_SINCE = (8, 0)  # compute capability of the first NVIDIA GPUs with TF32 and bf16 (Ampere)


def reproducible_device(name: str) -> torch.device:
    """The device called cpu or cuda, set so that the same seed gives the same result in full float32.

    One thread on the CPU; on a GPU, one that no other training has, deterministic convolutions, and TF32 only within
    `computed_in`. Raises InputError when there is no GPU.
    """
    if name == "cuda":
        claim_gpu()
    if name == "cuda" and not torch.cuda.is_available():
        raise InputError("no GPU is visible to torch", where="device", allowed="cpu here", hint="set device: cpu")
    torch.set_num_threads(1)
    torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark = True, False
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = False
    return torch.device(name)


def offered_by(device: torch.device) -> tuple[str, ...]:
    """Of the precisions that auto chooses among those that `device` computes in, the most exact first."""
    if device.type == "cpu":
        return "fp32", "bf16"
    nvidia = torch.version.hip is None  # AMD's GPUs are called cuda as well
    return ("fp32", "tf32", "bf16") if nvidia and torch.cuda.get_device_capability(device) >= TF32_SINCE else ("fp32",)


def check_precision(precision: str, device: torch.device) -> None:
    """Raise InputError for one that the device does not have: torch would silently compute in another."""
    if precision == "tf32" and "tf32" not in offered_by(device):
        offered = ("fp32", "bf16", "fp16", "fp64")
        hint = "take another precision, or an NVIDIA GPU of compute capability 8.0 or more"
        what, allowed = f"{device} has no {precision}", ", ".join(offered)
        raise InputError(what, where="recipe.precision", allowed=allowed, hint=hint)


@contextmanager
def computed_in(precision: str) -> Iterator[None]:
    """Within, a GPU multiplies float32 numbers in full for fp32, and as TF32 (10 bits of mantissa) for the others."""
    settings = torch.backends.cudnn, torch.backends.cuda.matmul
    before = [setting.allow_tf32 for setting in settings]
    for setting in settings:
        setting.allow_tf32 = precision != "fp32"
    try:
        yield
    finally:
        for setting, value in zip(settings, before, strict=True):
            setting.allow_tf32 = value


def forward(network: Callable[[Tensor], Tensor], inputs: Tensor, precision: str) -> Tensor:
    """The outputs of a pass under `computed_in`, whose products are in bf16 or fp16 where that is asked for.

    Outputs are in fp32, of a network in fp64 in fp64.
    """
    with torch.autocast(inputs.device.type, HALVES.get(precision), enabled=precision in HALVES):
        outputs = network(inputs)
        return outputs if outputs.dtype == torch.float64 else outputs.float()


def to_precision(network: nn.Module, precision: str) -> nn.Module:
    """`network`, whose weights and sums are in fp32; in fp64 for fp64, and then it takes its inputs to fp64, too."""
    if precision == "fp64":
        network.double().register_forward_pre_hook(_inputs_to_fp64)
    return network


def _inputs_to_fp64(network: nn.Module, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    return tuple(tensor.double() if tensor.is_floating_point() else tensor for tensor in inputs)


def processor() -> str:
    """The processor's model as Linux names it, else its architecture: other processors round differently."""
    listing = Path("/proc/cpuinfo")
    lines = listing.read_text().splitlines() if listing.exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def peak_memory_bytes(device: torch.device) -> int | None:
    """The GPU's peak allocation, or this process' peak resident memory; None where the system does not report it."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    status = Path("/proc/self/status")  # ru_maxrss would inherit the peak of the process that started this one
    lines = status.read_text().splitlines() if status.exists() else []
    peaks = [int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:")]
    return peaks[0] if peaks else None


def gpu_uuid(device: torch.device) -> str | None:
    """What NVIDIA's library calls this GPU, however many are visible; None for a CPU."""
    if device.type != "cuda":
        return None
    return str(getattr(torch.cuda.get_device_properties(device), "uuid", "unknown"))


def environment(device: torch.device) -> dict:
    """Versions, host and device of this process: only what is named here, never the environment's variables."""
    return {
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": numpy.__version__,
        "pillow": version("pillow"),
        "platform": platform.platform(),
        "host": socket.gethostname(),
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu",
        "cpu": processor(),
        "threads": torch.get_num_threads(),
        "finished": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }
