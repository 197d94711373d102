"""Applies the system parameters that change how sums are rounded: threads, memory format.

What cells have of them stands in their experiment's declaration. Only where it does is this file in their code digest.
"""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

CONTIGUOUS = "contiguous"


def apply_numerics(network: nn.Module, numerics: Mapping[str, Any]) -> None:
    """Let this process and `network` compute as declared from now on; what is not declared stays as it is."""
    if "threads" in numerics:
        torch.set_num_threads(numerics["threads"])
    if numerics.get("memory_format") == CONTIGUOUS:
        network.to(memory_format=torch.contiguous_format)
        network.register_forward_pre_hook(_make_contiguous)


def _make_contiguous(network: nn.Module, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    """A convolution takes channels_last where its input or its filters have it."""
    return tuple(tensor.contiguous() for tensor in inputs)
