"""Numbers as a network in int8 has them, by torch's own kernels, in floating point (Jacob et al. 2018, 2.1 and 3).

Of a convolution or linear layer the weights have 8 bits with a sign, symmetric, with one scale per output channel, and
the inputs 8 bits without, with one scale and zero point: as exported models in int8 do (deploy/int8.py). Folding batch
norm into a convolution only scales its channels, which changes none of these weights.
"""

from collections.abc import Iterator

import torch
from torch import Tensor, nn

LARGEST_WEIGHT, LARGEST_INPUT = 127, 255
LEAST_SCALE = torch.finfo(torch.float32).eps  # of what is 0 throughout
LAYERS = (nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.Linear)


def quantised_layers(network: nn.Module) -> Iterator[nn.Module]:
    """The layers whose weights and inputs are quantised."""
    return (layer for layer in network.modules() if isinstance(layer, LAYERS))


def quantised_weights(weights: Tensor) -> Tensor:
    """Weights (channels, ...) rounded to -127..127 times max |w| / 127 of their channel; the gradient goes through."""
    largest = weights.detach().abs().flatten(1).amax(1)
    scales = (largest / LARGEST_WEIGHT).clamp(min=LEAST_SCALE).float()
    zeros = torch.zeros_like(scales, dtype=torch.int32)
    return torch.fake_quantize_per_channel_affine(weights, scales, zeros, 0, -LARGEST_WEIGHT, LARGEST_WEIGHT)


class Range(nn.Module):
    """The range [`low`, `high`] of a layer's inputs, which holds 0, and inputs rounded to its 256 values."""

    low: Tensor
    high: Tensor

    def __init__(self, device: torch.device) -> None:
        super().__init__()
        self.register_buffer("low", torch.zeros((), device=device))
        self.register_buffer("high", torch.zeros((), device=device))

    def forward(self, inputs: Tensor) -> Tensor:
        """Inputs (n, ...) in their own type; the gradient goes through where they lie in the range, and is 0 outside.

        The scale is s = (high - low) / 255, the zero point z = round(-low / s), and x becomes
        s (clip(round(x / s) + z, 0, 255) - z).
        """
        scale = ((self.high - self.low) / LARGEST_INPUT).clamp(min=LEAST_SCALE)
        zero = (-self.low / scale).round().clamp(0, LARGEST_INPUT).int()
        exact = inputs if inputs.dtype == torch.float64 else inputs.float()
        return torch.fake_quantize_per_tensor_affine(exact, scale, zero, 0, LARGEST_INPUT).to(inputs.dtype)


def ends(inputs: Tensor) -> tuple[Tensor, Tensor]:
    """The smallest and largest of the inputs and of 0, in float32."""
    low, high = inputs.detach().float().aminmax()
    return low.clamp(max=0), high.clamp(min=0)


def quantise_inputs(layer: nn.Module, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    """A hook before the forward pass of a layer that has a Range as its `input_range`."""
    return layer.input_range(inputs[0]), *inputs[1:]
