"""The parts of weight initialisation that architectures share."""

import torch
from torch import nn

CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)


def reset(network: nn.Module) -> None:
    """Reset every layer to its default; batch norm gets weight 1, bias 0, mean 0, variance 1."""
    for module in network.modules():
        reset_layer = getattr(module, "reset_parameters", None) or getattr(module, "_reset_parameters", None)
        if callable(reset_layer):
            reset_layer()


def he_normal_convolutions(network: nn.Module, mode: str) -> None:
    """He normal weights for all convolutions: std sqrt(2 / fan), biases 0.

    `mode` fan_in: fan = k k in / groups; fan_out: fan = k k out (torch leaves groups out, as MobileNetV2's source).
    """
    for module in network.modules():
        if isinstance(module, CONVOLUTIONS):
            nn.init.kaiming_normal_(module.weight, mode=mode, nonlinearity="relu")
            if module.bias is not None:
                nn.init.zeros_(module.bias)


def normal_bare_parameters(network: nn.Module) -> None:
    """Truncated normal with std 0.02 for parameters that no layer resets: position embeddings, bias tables.

    Those that a constructor fills with one value (class token, layer scale) keep it.
    """
    for module in network.modules():
        if hasattr(module, "reset_parameters") or hasattr(module, "_reset_parameters"):
            continue
        for parameter in module.parameters(recurse=False):
            if not torch.all(parameter == parameter.flatten()[0]):
                nn.init.trunc_normal_(parameter, std=0.02)
