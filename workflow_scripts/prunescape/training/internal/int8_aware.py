"""Quantisation-aware training: every pass computes with numbers of int8 (see int8.py), in training and in tests.

Weights are kept and updated in floating point; gradients go straight through the rounding (Jacob et al. 2018, 3). The
range of a layer's inputs is a moving average of its batches' smallest and largest while it trains, and rests in tests.
"""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from prunescape.errors import InputError
from prunescape.training.internal import Internal
from prunescape.training.internal.int8 import Range, ends, quantise_inputs, quantised_layers, quantised_weights

KEPT_AS = "parametrizations.weight.original"  # what torch calls weights that others are computed from
SHARE = 0.01  # of a new batch in a moving average, as in torch's observers


class MovingRange(Range):
    """A Range that in training first follows its inputs: the first batch's own, then by SHARE towards each one's."""

    batches: Tensor

    def __init__(self, device: torch.device) -> None:
        super().__init__(device)
        self.register_buffer("batches", torch.zeros((), dtype=torch.int64, device=device))

    def forward(self, inputs: Tensor) -> Tensor:
        if self.training:
            share = torch.where(self.batches == 0, 1.0, SHARE)
            for mean, end in zip((self.low, self.high), ends(inputs), strict=True):
                mean.lerp_(end, share)
            self.batches += 1
        return super().forward(inputs)


class QuantisedWeights(nn.Module):
    """What stands between a layer's weights and its computation."""

    def forward(self, weights: Tensor) -> Tensor:
        return quantised_weights(weights)


class QuantisationAware(Internal):
    """An Internal whose network has a MovingRange and QuantisedWeights in each layer."""

    capturable = False  # torch looks at zero points on the processor

    def prepare(self, network: nn.Module) -> None:
        recurrent = [type(layer).__name__ for layer in network.modules() if isinstance(layer, nn.RNNBase)]
        if recurrent:
            hint = "take int8_after, which quantises its weights"
            what = f"{recurrent[0]} layers cannot be trained with int8_aware"
            raise InputError(what, where="recipe.internal", allowed="none, compiled, int8_after", hint=hint)
        self.unchanged = copy.deepcopy(network)
        for layer in list(quantised_layers(network)):
            layer.input_range = MovingRange(layer.weight.device)
            layer.register_forward_pre_hook(quantise_inputs)
            parametrize.register_parametrization(layer, "weight", QuantisedWeights())

    def plain(self, network: nn.Module) -> nn.Module:
        """The network as it was before `prepare`, with the weights that `network` has now."""
        trained = {name.replace(KEPT_AS, "weight"): tensor for name, tensor in network.state_dict().items()}
        self.unchanged.load_state_dict({name: trained[name] for name in self.unchanged.state_dict()})
        return self.unchanged


def build() -> QuantisationAware:
    """The internal optimisation."""
    return QuantisationAware()
