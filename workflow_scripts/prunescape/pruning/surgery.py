"""Cuts channels out of a network, weights included; torch-pruning cuts each layer."""

import copy

import numpy as np
from torch import nn
from torch_pruning.ops import OPTYPE, module2type
from torch_pruning.pruner.function import PrunerBox

from prunescape.models.build import width_names, widths_of
from prunescape.pruning.prunable import Prunable
from prunescape.pruning.tracing import is_depthwise


def side_width(module: nn.Module, axis: str) -> int:
    """Number of channels on one side of a layer."""
    names = width_names(module)
    if names[0] in ("in_channels", "in_features"):
        return getattr(module, names[1] if axis == "out" else names[0])
    width = getattr(module, names[0])
    return width[-1] if isinstance(width, tuple) else width


def gone_positions(prunable: list[Prunable], keep: dict[str, np.ndarray]) -> dict[str, dict[str, np.ndarray]]:
    """{layer: {axis: positions to cut}} for every side of a layer that changes, from the channels `keep` per producer.

    Several producers may meet in one layer, behind a concatenation: its positions are gathered before any is cut.
    """
    gone: dict[str, dict[str, np.ndarray]] = {}
    for group in prunable:
        channels = np.setdiff1d(np.arange(group.channels), keep[group.layer])
        for tie in group.ties if len(channels) else ():
            sides = gone.setdefault(tie.layer, {})
            sides[tie.axis] = np.union1d(sides.get(tie.axis, []), tie.positions[channels]).astype(int)
    return gone


def cut_side(module: nn.Module, axis: str, positions: np.ndarray) -> None:
    """Cut `positions` out of one side of a layer, in place, with torch-pruning's function for its kind."""
    pruner = PrunerBox[OPTYPE.DEPTHWISE_CONV if is_depthwise(module) else module2type(module)]
    prune = pruner.prune_out_channels if axis == "out" else pruner.prune_in_channels
    prune(module, positions.tolist())


def cut(network: nn.Module, prunable: list[Prunable], keep: dict[str, np.ndarray]) -> tuple[nn.Module, dict]:
    """A copy of `network` with only the channels `keep` of each producer, and the changed layers' new widths.

    `keep` maps every layer of `prunable` to sorted channel numbers. The widths are what `rebuild` takes.
    """
    smaller = copy.deepcopy(network)
    layers, gone = dict(smaller.named_modules()), gone_positions(prunable, keep)
    for name, sides in gone.items():
        for axis, positions in sides.items():
            cut_side(layers[name], axis, positions)
    return smaller, {name: widths_of(layers[name]) for name in gone}
