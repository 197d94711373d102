"""Decides which output channels may be cut: the rule of matthiesen2023, 3.2.5.

In a residual network: channels whose producer and all consumers lie inside one block. Elsewhere: channels that no
other producer is tied to. Never: channels of a skip connection, the first convolution, any classifier, and linear
layers outside residual blocks. The first layer of a network for texts is its embedding, which is never cut.
"""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from numbers import Integral

import numpy as np
from torch import nn

from prunescape.errors import InputError
from prunescape.models.counting import LayerFlops, layer_flops, takes_tokens
from prunescape.pruning.tracing import ChannelTrace, is_depthwise, trace_channels


@dataclass(frozen=True)
class Tie:
    """One side of a layer that goes with a producer: row c of `positions` are the channels there that belong to c.

    `axis` is "out" (also for layers with one width: depthwise convolutions, batch norm) or "in".
    """

    layer: str
    axis: str
    positions: np.ndarray

    @property
    def per_channel(self) -> int:
        return self.positions.shape[1]


@dataclass(frozen=True)
class Prunable:
    """A layer whose output channels may be cut, and the sides of layers that are cut with it, its output first.

    Channels leave in sets: grouped convolutions lose the same positions in each of their groups, so `step` channels
    (the number of groups) at a time; attention loses whole heads, `step` channels beside each other. `channels` is a
    multiple of `step`. Of a layer that produces queries, keys and values, a channel is one of each, and
    `attention_flops` are those of the products between them.
    """

    layer: str
    channels: int
    step: int
    ties: tuple[Tie, ...]
    attention_flops: int = 0

    @property
    def units(self) -> int:
        """How many sets of channels there are."""
        return self.channels // self.step

    @property
    def members(self) -> np.ndarray:
        """The channels (units, step) of each set: u, u + units, u + 2 units, ..., or those of a head."""
        channels = np.arange(self.channels)
        return channels.reshape(-1, self.step) if self.attention_flops else channels.reshape(self.step, -1).T


@dataclass
class Structure:
    """What may be cut in a network: `prunable` in the order of the forward pass, why the rest may not, and FLOPs."""

    counted: LayerFlops
    prunable: list[Prunable] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)

    def require_prunable(self) -> None:
        """Raises InputError that says why, when no layer may be cut."""
        if self.prunable:
            return
        reasons = Counter(self.refused.values()).most_common(3)
        listed = "; ".join(f"{reason} ({count} of {len(self.refused)} layers)" for reason, count in reasons)
        raise InputError(f"the network has no layer that may be cut: {listed or 'it has no convolution'}")


def group_count(module: nn.Module) -> int:
    """Number of channel groups that must stay of equal size; 1 for most layers."""
    return 1 if is_depthwise(module) else getattr(module, "groups", getattr(module, "num_groups", 1))


def innermost(name: str, blocks: list[str]) -> str | None:
    """The smallest of `blocks` that holds the layer `name`; None when none does."""
    return max((block for block in blocks if not block or name.startswith(f"{block}.")), key=len, default=None)


def residual_blocks(trace: ChannelTrace) -> list[str]:
    """Names of the residual blocks: modules of a kind in whose forward two activations are added.

    Blocks of that kind without a shortcut (where width or size changes) are among them; the network as a whole is one
    only if it has no others.
    """
    kinds = trace.sites - {type(trace.layers[""])} or trace.sites
    return [name for name, module in trace.layers.items() if type(module) in kinds]


def tied_sides(trace: ChannelTrace) -> dict[str, list[tuple[str, str, np.ndarray]]]:
    """Per producer: (layer, axis, (m, 2) pairs of channel and position) of every side that goes with it."""
    roots = np.array([trace.root(channel) for channel in range(len(trace.owner))], dtype=int)
    sides = defaultdict(list)
    for layer, axis, ids in trace.ends:
        positions = np.flatnonzero(ids >= 0)
        channels = roots[ids[positions]]
        owners = np.array([trace.owner[channel] for channel in channels])
        for owner in dict.fromkeys(owners.tolist()):
            mine = owners == owner
            sides[owner].append((layer, axis, np.stack([channels[mine] - trace.first[owner], positions[mine]], axis=1)))
    return sides


def as_ties(sides, channels: int) -> tuple[Tie, ...] | None:
    """The sides as ties; None when a channel has more places on some side than others."""
    ties = []
    for layer, axis, pairs in sides:
        per_channel, rest = divmod(len(pairs), channels)
        ordered = pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))]
        if rest or not np.array_equal(ordered[:, 0], np.repeat(np.arange(channels), per_channel)):
            return None
        ties.append(Tie(layer, axis, ordered[:, 1].reshape(channels, per_channel)))
    return tuple(ties)


def refusal(layer: str, ties: tuple[Tie, ...], trace: ChannelTrace, uses: Counter, blocks: list[str]) -> str:
    """The reason why this producer may not be cut; empty when it may."""
    producers = [tie.layer for tie in ties if tie.axis == "out" and tie.layer in trace.first]
    held = next((trace.held[producer] for producer in producers if producer in trace.held), "")
    if held or not any(tie.axis == "in" for tie in ties):
        return held or "nothing reads its channels"
    weighted = [tie.layer for tie in ties if tie.axis == "in" or tie.layer in trace.first]
    if any(uses[f"{tie.layer}.weight"] > 1 for tie in ties):
        return "it is tied to a layer that runs more than once"
    if not all(uses[f"{name}.weight"] for name in weighted):
        return "it is tied to a layer that does not use its weight as it is"
    if not blocks:
        linear = isinstance(trace.layers[layer], nn.Linear)
        tied = "another layer's channels are tied to it" if len(producers) > 1 else ""
        return "it is a linear layer outside residual blocks" if linear else tied
    block = innermost(layer, blocks)
    if block is None:
        return "it is outside any residual block"
    inside = all(innermost(tie.layer, blocks) == block for tie in ties)
    return "" if inside else "its channels are read outside its residual block"


def own_channels(layer: str, trace: ChannelTrace) -> int:
    """How many channels of a producer can go apart from each other."""
    first, count = trace.first[layer], trace.owner.count(layer)
    return len({trace.root(channel) for channel in range(first, first + count)})


def step_of(layer: str, ties: tuple[Tie, ...], trace: ChannelTrace) -> int:
    """How many channels leave together; 0 when grouped layers of one set disagree, or one head is all there is."""
    if layer in trace.heads:
        head_width, _ = trace.heads[layer]
        return head_width if len(ties[0].positions) > head_width else 0
    grouped = [tie for tie in ties if group_count(trace.layers[tie.layer]) > 1]
    counts = {group_count(trace.layers[tie.layer]) for tie in grouped} or {1}
    channels = len(ties[0].positions)
    whole = all(np.array_equal(tie.positions[:, 0], np.arange(channels)) for tie in grouped)
    step = counts.pop()
    fits = not counts and whole and channels % step == 0 and channels // step > 1
    return step if fits else 0


def find_prunable(network: nn.Module, input_shape) -> Structure:
    """What may be cut for examples of this shape, with every layer's FLOPs; raises InputError where they do not fit."""
    if not all(isinstance(size, Integral) and size > 0 for size in input_shape):
        raise InputError(f"the input shape is {tuple(input_shape)}", allowed="whole numbers above 0")
    structure = Structure(layer_flops(network, input_shape))
    trace = trace_channels(network, input_shape)
    blocks, sides = residual_blocks(trace), tied_sides(trace)
    for position, layer in enumerate(trace.first):
        if layer not in sides:
            continue  # its channels follow an earlier producer's
        channels = own_channels(layer, trace)
        ties = as_ties(sides[layer], channels)
        reason = "its channels do not stay apart" if ties is None else ""
        reason = reason or refusal(layer, ties, trace, structure.counted.uses, blocks)
        reason = "it is the first layer" if position == 0 and not takes_tokens(network) else reason
        step = 0 if reason else step_of(layer, ties, trace)
        _, attention_flops = trace.heads.get(layer, (0, 0))
        if step:
            structure.prunable.append(Prunable(layer, channels, step, ties, attention_flops))
        else:
            structure.refused[layer] = reason or "its groups or its one head leave no channel to cut"
    return structure
