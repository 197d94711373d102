"""Follows every channel of a network through one forward pass: which layers write it, read it, or hold it in place.

Any operation it does not know holds the channels that enter it: unknown code is refused, never cut wrong.
torch-pruning cuts each layer (surgery.py), but its graph (1.6.1) divides by zero on GoogLeNet and takes very long on
networks that concatenate a lot; where it does work, a test compares our cuts with it.
"""

import numpy as np
import torch
from torch import nn
from torch.overrides import TorchFunctionMode
from torch.utils.weak import WeakTensorKeyDictionary

from prunescape.models.build import width_names
from prunescape.models.counting import evaluating, example_input
from prunescape.pruning.channels import OPAQUE, RULES, Channels, tensors_in

PRODUCERS = ("linear", "conv1d", "conv2d", "conv3d")
FOLLOWERS = ("batch_norm", "layer_norm", "group_norm", "instance_norm", "prelu")


def is_depthwise(module: nn.Module) -> bool:
    """A convolution with one filter per channel: it follows its producer."""
    return (
        isinstance(module, nn.modules.conv._ConvNd) and module.groups == module.in_channels == module.out_channels > 1
    )


class ChannelTrace(TorchFunctionMode):
    """One forward pass, followed channel by channel.

    `known` maps tensors to their channels; `owner[c]` is the layer that produces channel c, `first[layer]` its first
    channel, `parent` ties channels that go together, `ends` are the sides (layer, axis, ids) that change with them,
    `heads[layer]` the width of a head of attention whose queries, keys and values the layer produces, and the FLOPs of
    the products between them, `held` the reasons why layers must keep their channels, `sites` the kinds of modules in
    whose forward two activations are added.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.layers = dict(network.named_modules())
        self.running: list[str] = []
        self.known: WeakTensorKeyDictionary = WeakTensorKeyDictionary()
        self.owner: list[str] = []
        self.parent: list[int] = []
        self.first: dict[str, int] = {}
        self.ends: list[tuple[str, str, np.ndarray]] = []
        self.heads: dict[str, tuple[int, int]] = {}
        self.held: dict[str, str] = {}
        self.sites: set[type] = set()

    def __torch_function__(self, function, types, args=(), kwargs=None):
        kwargs = dict(kwargs or {})
        result = function(*args, **kwargs)
        if not args and "input" in kwargs:
            args = (kwargs.pop("input"),)
        name = getattr(function, "__name__", "").strip("_")
        outputs, inputs = tensors_in(result), tensors_in(args, kwargs)
        if outputs and self.running:
            self.follow(name, args, kwargs, inputs, outputs)
        return result

    def follow(self, name, args, kwargs, inputs, outputs) -> None:
        """Carry the channels of `inputs` over to `outputs`, or hold them."""
        known = [tensor for tensor in inputs if tensor in self.known]
        if name in (*PRODUCERS, *FOLLOWERS):
            self.follow_layer(name in PRODUCERS, inputs[0], known, outputs[0])
        elif name in ("add", "iadd"):
            self.follow_addition(inputs, known, outputs[0])
        elif known:
            rule = RULES.get(name)
            channels = rule(self, args, kwargs, outputs[0]) if rule else None
            self.carry(channels, outputs[0], known, f"its channels pass {name}")

    def carry(self, channels: Channels | None, output: torch.Tensor, known, reason: str) -> None:
        """`output` gets `channels`, or the inputs' channels are held for `reason`."""
        fits = channels is not None and channels.dim < output.dim() and output.shape[channels.dim] == len(channels.ids)
        if fits:
            self.known[output] = channels
        else:
            self.hold(known, reason)
            self.known.pop(output, None)

    def hold(self, tensors, reason: str) -> None:
        """The producers of these tensors keep all their channels."""
        for tensor in tensors:
            for channel in self.known[tensor].ids if tensor in self.known else ():
                if channel != OPAQUE:
                    self.held.setdefault(self.owner[channel], reason)

    def follow_layer(self, produces: bool, entering, known, output) -> None:
        """A layer that can be resized reads, passes on or produces channels; any other use of weights holds them."""
        name = self.running[-1]
        module = self.layers[name]
        axis = output.dim() - 1 if isinstance(module, nn.Linear | nn.LayerNorm) else 1
        channels = self.known.get(entering)
        foreign = not width_names(module) or any(tensor is not entering for tensor in known)
        if foreign or (channels is not None and channels.dim != axis):
            self.hold(known, "a layer that cannot be resized reads its channels")
            self.known.pop(output, None)
            return
        if is_depthwise(module) or not produces:
            if channels is not None:
                self.known[output] = channels
                if getattr(module, "num_parameters", 0) != 1:  # a PReLU with one slope has no channels
                    self.ends.append((name, "out", channels.ids))
            return
        if channels is not None:
            self.ends.append((name, "in", channels.ids))
        self.known[output] = Channels(axis, self.new_channels(name, output.shape[axis]))

    def new_channels(self, layer: str, count: int) -> np.ndarray:
        """Numbers for the channels that `layer` produces; a layer that runs again keeps its first ones."""
        if layer not in self.first:
            self.first[layer] = len(self.owner)
            self.parent += range(len(self.owner), len(self.owner) + count)
            self.owner += [layer] * count
            ids = np.arange(self.first[layer], len(self.owner))
            self.ends.append((layer, "out", ids))
            return ids
        return np.arange(self.first[layer], self.first[layer] + count)

    def follow_addition(self, inputs, known, output) -> None:
        """Adding a number changes nothing; adding an activation makes a skip connection."""
        terms = [tensor for tensor in inputs[:2] if tensor.numel() > 1]
        activations = [term.shape for term in terms if term.dim() > 1 and not isinstance(term, nn.Parameter)]
        if len(activations) == 2 and activations[0] == activations[1]:
            self.sites.add(type(self.layers[self.running[-1]]))
        channels = self.known.get(terms[0]) if len(terms) == 1 else None
        self.carry(channels, output, known, "its channels are added to those of another layer")

    def tie(self, ones: np.ndarray, others: np.ndarray) -> None:
        """Channels at the same places of the two go together from now on."""
        for one, other in zip(ones, others, strict=True):
            first, second = sorted((self.root(one), self.root(other)))
            self.parent[second] = first

    def root(self, channel: int) -> int:
        """The channel that stands for all those tied to `channel`: the one produced first."""
        while self.parent[channel] != channel:
            channel = self.parent[channel]
        return channel


def trace_channels(network: nn.Module, input_shape) -> ChannelTrace:
    """Run `network` once on an example of `input_shape` (counting.example_input) and follow its channels."""
    trace = ChannelTrace(network)
    handles = []
    for name, module in network.named_modules():
        handles.append(module.register_forward_pre_hook(lambda *_, name=name: trace.running.append(name)))
        handles.append(module.register_forward_hook(lambda *_: trace.running.__delitem__(-1)))
    try:
        with evaluating(network), trace:
            output = network(example_input(network, input_shape))
    finally:
        for handle in handles:
            handle.remove()
    trace.hold(tensors_in(output), "it is the classifier")
    return trace
