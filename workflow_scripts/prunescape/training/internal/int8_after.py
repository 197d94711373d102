"""Quantised after training: a cell is trained as ever, and its scores are those of its network in int8 (see int8.py).

Static quantisation: each layer's range of inputs is that of up to 256 training examples, as exported models have it.
Of recurrent layers the weights alone are quantised; embeddings and all others stay as they are.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from prunescape.training.internal import Internal
from prunescape.training.internal.int8 import Range, ends, quantise_inputs, quantised_layers, quantised_weights

if TYPE_CHECKING:
    from prunescape.training.loop import Training

CALIBRATION_EXAMPLES = 256


class AfterTraining(Internal):
    """An Internal that changes no training."""

    def scored(self, training: Training) -> nn.Module:
        examples, _ = training.splits.train.evenly_spread(CALIBRATION_EXAMPLES)
        return quantised(training.network, training.task.inputs(examples))


@torch.no_grad()
def quantised(network: nn.Module, inputs: Tensor) -> nn.Module:
    """A copy of `network` in int8, whose ranges are those of what `inputs` (n, ...) bring to each layer."""
    copied = copy.deepcopy(network).eval()
    hooks = [layer.register_forward_pre_hook(_observe) for layer in quantised_layers(copied)]
    copied(inputs)
    for hook in hooks:
        hook.remove()
    for layer in quantised_layers(copied):
        layer.weight.copy_(quantised_weights(layer.weight))
        if hasattr(layer, "input_range"):  # not of one whose weights another layer computes with
            layer.register_forward_pre_hook(quantise_inputs)
    for layer in copied.modules():
        for name, weights in layer.named_parameters(recurse=False) if isinstance(layer, nn.RNNBase) else ():
            if name.startswith("weight"):
                weights.copy_(quantised_weights(weights))
    return copied


def _observe(layer: nn.Module, inputs: tuple[Tensor, ...]) -> None:
    """Widen the layer's range by its inputs; a layer may compute several times in one pass."""
    low, high = ends(inputs[0])
    if not hasattr(layer, "input_range"):
        layer.input_range = Range(low.device)
    found = layer.input_range
    found.low, found.high = torch.minimum(found.low, low), torch.maximum(found.high, high)


def build() -> AfterTraining:
    """The internal optimisation."""
    return AfterTraining()
