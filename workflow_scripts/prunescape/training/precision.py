"""How exactly matrix products and convolutions are computed: fp32, tf32 or bf16 (space/recipe.py)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

from prunescape.errors import InputError

TF32_SINCE = (8, 0)  # compute capability of the first NVIDIA GPUs with TF32 and bf16 (Ampere)


def offered_by(device: torch.device) -> tuple[str, ...]:
    """What `device` computes in, the most exact first."""
    if device.type == "cpu":
        return "fp32", "bf16"
    nvidia = torch.version.hip is None  # AMD's GPUs are called cuda as well
    return ("fp32", "tf32", "bf16") if nvidia and torch.cuda.get_device_capability(device) >= TF32_SINCE else ("fp32",)


def check_tf32(precision: str, device: torch.device) -> None:
    """Raise InputError for tf32 where there is none: torch would silently compute in fp32."""
    if precision == "tf32" and "tf32" not in offered_by(device):
        allowed = ", ".join(offered_by(device))
        hint = "take another precision, or an NVIDIA GPU of compute capability 8.0 or more"
        raise InputError(f"{device} has no tf32", where="recipe.precision", allowed=allowed, hint=hint)


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
    """The outputs in fp32 of a pass whose products are in bf16, by torch's autocast, where that is asked for.

    The float32 products of a pass and of its gradients are as `computed_in` says.
    """
    with torch.autocast(inputs.device.type, torch.bfloat16, enabled=precision == "bf16"):
        return network(inputs).float()
