"""Cuts channels out of a network, weights and all. Needs torch."""

import copy

import numpy as np
import torch
from torch import nn

from prunescape.nets.prunable import Prunable
from prunescape.nets.rebuild import rebuild, width_names, widths_of
from prunescape.nets.tracing import is_depthwise


def side_width(module: nn.Module, axis: str) -> int:
    """Number of channels on one side of a layer."""
    names = width_names(module)
    if names[0] in ("in_channels", "in_features"):
        return getattr(module, names[1] if axis == "out" else names[0])
    width = getattr(module, names[0])
    return width[-1] if isinstance(width, tuple) else width


def kept_positions(network: nn.Module, prunable: list[Prunable], keep: dict[str, np.ndarray]) -> dict[str, dict]:
    """{layer: {axis: positions kept}} for every side of a layer that changes, from the channels `keep` per producer."""
    layers, kept = dict(network.named_modules()), {}
    for group in prunable:
        gone = np.setdiff1d(np.arange(group.channels), keep[group.layer])
        if not len(gone):
            continue
        for tie in group.ties:
            sides = kept.setdefault(tie.layer, {})
            before = sides.get(tie.axis, np.arange(side_width(layers[tie.layer], tie.axis)))
            sides[tie.axis] = np.setdiff1d(before, tie.positions[gone])
    return kept


def new_widths(module: nn.Module, sides: dict[str, np.ndarray]) -> dict[str, int | list[int]]:
    """The widths of one layer when only the positions in `sides` stay."""
    widths = widths_of(module)
    sizes = {axis: len(positions) for axis, positions in sides.items()}
    if is_depthwise(module):
        return dict.fromkeys(widths, sizes["out"])
    ends = {"out_channels": "out", "out_features": "out", "in_channels": "in", "in_features": "in"}
    for name in widths:
        axis = ends.get(name, "" if name == "groups" else "out")
        if axis in sizes:
            widths[name] = [sizes[axis]] if name == "normalized_shape" else sizes[axis]
    return widths


def slice_tensor(module: nn.Module, tensor: torch.Tensor, sides: dict[str, np.ndarray]) -> torch.Tensor:
    """The part of one parameter or statistic that stays; its first axis is "out", its second "in"."""
    if tensor.dim() and "out" in sides:
        tensor = tensor[torch.from_numpy(sides["out"])]
    if tensor.dim() > 1 and "in" in sides:
        # every group of a grouped convolution keeps the same places, so the first one shows them all
        kept = sides["in"][sides["in"] < tensor.shape[1]]
        tensor = tensor[:, torch.from_numpy(kept)]
    return tensor.clone()


def cut(network: nn.Module, prunable: list[Prunable], keep: dict[str, np.ndarray]) -> tuple[nn.Module, dict]:
    """A copy of `network` with only the channels `keep` of each producer, and the changed layers' new widths.

    `keep` maps every layer of `prunable` to sorted channel numbers. The widths are what `rebuild` takes.
    """
    layers, kept = dict(network.named_modules()), kept_positions(network, prunable, keep)
    modules = {name: new_widths(layers[name], sides) for name, sides in kept.items()}
    state = network.state_dict()
    for name, sides in kept.items():
        for key, _ in [*layers[name].named_parameters(recurse=False), *layers[name].named_buffers(recurse=False)]:
            state[f"{name}.{key}"] = slice_tensor(layers[name], state[f"{name}.{key}"], sides)
    smaller = rebuild(copy.deepcopy(network), modules)
    smaller.load_state_dict(state)
    return smaller, modules
