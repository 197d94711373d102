"""Scores that rank filters: one function each, named in config/models.py. The filters with the smallest are cut."""

from collections.abc import Mapping

import numpy as np
from torch import nn

from prunescape.errors import InputError
from prunescape.pruning.prunable import Prunable, Structure


def l1(layers: Mapping[str, nn.Module], group: Prunable) -> np.ndarray:
    """The mean L1 norm of each unit's filters, ||F_ij||_1 (matthiesen2023, 2.2.1)."""
    norms = layers[group.layer].weight.detach().double().abs().flatten(1).sum(1).cpu().numpy()
    if not np.isfinite(norms).all():
        raise InputError(f"the weights of {group.layer} are not finite, so they cannot rank its filters")
    return norms.reshape(group.step, group.units).mean(axis=0)


def l1_layer(layers: Mapping[str, nn.Module], group: Prunable) -> np.ndarray:
    """The same over its mean in the layer."""
    units = l1(layers, group)
    mean = units.mean()
    return units / (mean if mean > 0 else 1.0)


SCORES = {"l1_layer": l1_layer, "l1": l1}


def unit_scores(network: nn.Module, structure: Structure, score: str) -> list[np.ndarray]:
    """The scores (units,) of each layer that may be cut. Raises InputError when weights are not finite."""
    layers = dict(network.named_modules())
    return [SCORES[score](layers, group) for group in structure.prunable]
