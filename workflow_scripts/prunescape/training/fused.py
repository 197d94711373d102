"""One training step of several networks of one shape as one: one network's kernels are too small to fill a GPU.

The networks are stacked: every convolution becomes a grouped one, every batch norm one over all their channels. On a
GPU the whole step is captured once per batch size as a CUDA graph and replayed, since starting its kernels one by one
takes longer than they run (docs/performance.md). Needs torch.
"""

from __future__ import annotations

import copy
import gc
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor, nn
from torch.func import functional_call, vmap
from torch.nn import functional

from prunescape.tasks.images.splits import Normaliser
from prunescape.training.loop import Batch, Epoch
from prunescape.training.precision import computed_in, forward
from prunescape.training.sgd import SGD


class Trained(Protocol):
    """What a step changes of a training."""

    network: nn.Module
    optimiser: SGD
    epoch: Epoch


@dataclass
class Throwaway:
    """The same of a copy that nobody keeps: for measuring steps."""

    network: nn.Module
    optimiser: SGD
    epoch: Epoch

    @classmethod
    def copy_of(cls, network: nn.Module, device: torch.device, *, momentum: float, weight_decay: float) -> Throwaway:
        """`network` lies on `device` already."""
        copied = copy.deepcopy(network).train()
        settings = {"momentum": momentum, "weight_decay": weight_decay, "fused": device.type == "cuda"}
        return cls(copied, SGD(copied.parameters(), **settings), Epoch.first(torch.Generator(), device))


class StackedNorm(torch.autograd.Function):
    """Batch norm in training mode of one network; `vmap` does that of all at once, as one over all their channels.

    vmap's own rule multiplies and adds weight and bias separately, in float32: three passes over the images.
    """

    generate_vmap_rule = False

    @staticmethod
    def forward(*arguments):
        raise NotImplementedError("only called by vmap")

    @staticmethod
    def setup_context(context, arguments, output):
        raise NotImplementedError("only called by vmap")

    @staticmethod
    def vmap(info, dims, images, mean, var, weight, bias, momentum, epsilon):
        """Images (b, channels, ...) of each network; statistics and weights are stacked along their first dimension."""
        joined = images.movedim(dims[0], 1).flatten(1, 2)
        statistics = mean.view(-1), var.view(-1)  # updated in place
        out = functional.batch_norm(joined, *statistics, weight.flatten(), bias.flatten(), True, momentum, epsilon)
        return out.unflatten(1, (info.batch_size, -1)), 1


class Stack:
    """Networks of one shape as one: images (b, k, channels, height, width) to logits (k, b, classes).

    Their parameters and buffers become views of what is stacked here, so each network stays what it was.
    """

    def __init__(self, networks: Sequence[nn.Module]) -> None:
        self.template = copy.deepcopy(networks[0]).train()  # its own weights are nobody's
        for norm in self.template.modules():
            if isinstance(norm, nn.modules.batchnorm._BatchNorm) and _usual(norm):
                norm.forward = _joint_norm.__get__(norm)
        named = [dict(network.named_parameters()) for network in networks]
        self.stacked = {name: _stack([each[name] for each in named]) for name in named[0]}
        for name, parameter in named[0].items():
            self.stacked[name].requires_grad_(parameter.requires_grad)
        named = [dict(network.named_buffers()) for network in networks]
        self.statistics = {name: _stack([each[name] for each in named]) for name in named[0]}

    def __call__(self, images: Tensor) -> Tensor:
        one = vmap(self._one, in_dims=(0, 0, 1), randomness="error")
        return one(self.stacked, self.statistics, images)

    def _one(self, parameters: dict[str, Tensor], buffers: dict[str, Tensor], images: Tensor) -> Tensor:
        return functional_call(self.template, (parameters, buffers), (images,))

    def hand_out_gradients(self, networks: Sequence[nn.Module]) -> None:
        """Give each network its part of the gradients, and drop the whole."""
        for place, network in enumerate(networks):
            for name, parameter in network.named_parameters():
                whole = self.stacked[name].grad
                parameter.grad = None if whole is None else whole[place]
        for stacked in self.stacked.values():
            stacked.grad = None


def _usual(norm: nn.modules.batchnorm._BatchNorm) -> bool:
    return norm.track_running_stats and norm.affine and norm.momentum is not None


def _joint_norm(norm: nn.modules.batchnorm._BatchNorm, images: Tensor) -> Tensor:
    norm.num_batches_tracked.add_(1)
    statistics = norm.running_mean, norm.running_var
    return StackedNorm.apply(images, *statistics, norm.weight, norm.bias, norm.momentum, norm.eps)


def _stack(tensors: list[Tensor]) -> Tensor:
    """Tensors of one shape as one with a first dimension more, each in its own memory format and from now on a view."""
    first = tensors[0]
    strides = (first.numel(), *first.stride())
    whole = torch.empty_strided((len(tensors), *first.shape), strides, dtype=first.dtype, device=first.device)
    for place, tensor in enumerate(tensors):
        whole[place].copy_(tensor.detach())
        tensor.data = whole[place]
    return whole


@contextmanager
def side_stream(device: torch.device) -> Iterator[None]:
    """On a GPU all within runs on a stream of its own, as a capture has to; at the end nothing of it still runs."""
    if device.type != "cuda":
        yield
        return
    stream = torch.cuda.Stream(device)
    stream.wait_stream(torch.cuda.current_stream(device))
    with torch.cuda.stream(stream):
        yield
    stream.synchronize()


@contextmanager
def _no_collection() -> Iterator[None]:
    """Within, no garbage is collected: an older graph that went would spoil the one that is captured."""
    gc.collect()
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


@dataclass
class Inputs:
    """Where batches of one size lie for a captured step: images (b, height, width, k, channels), labels (k, b)."""

    images: Tensor
    labels: Tensor
    tried: bool = False
    graph: torch.cuda.CUDAGraph | None = None


class FusedStep:
    """Trains every one of `trained` on a batch of its own: `step(batches)`, within `side_stream` from the second on.

    `precision` as in the recipe.
    """

    def __init__(self, trained: Sequence[Trained], normalise: Normaliser, precision: str, device: torch.device) -> None:
        self.normalise, self.precision, self.device = normalise, precision, device
        self.networks = [one.network for one in trained]
        self.optimisers, self.epochs = [one.optimiser for one in trained], [one.epoch for one in trained]
        for optimiser in self.optimisers:
            optimiser.allocate()
        self.stack = Stack(self.networks) if len(trained) > 1 else None
        self.rates, self.given = torch.zeros(len(trained), device=device), [0.0] * len(trained)
        self.inputs: dict[int, Inputs] = {}
        self.pool = torch.cuda.graph_pool_handle() if device.type == "cuda" else None

    def __call__(self, batches: Sequence[Batch | None]) -> None:
        """One step of each; batches have one size, and where there is None nothing of use happens."""
        inputs = self._inputs(next(batch for batch in batches if batch))
        for place, batch in enumerate(batches):
            if batch:
                inputs.images[:, :, :, place].copy_(batch.images)
                inputs.labels[place].copy_(batch.labels)
        rates = [batch.rate if batch else 0.0 for batch in batches]
        if rates != self.given:
            self.rates.copy_(torch.tensor(rates))
            self.given = rates
        if inputs.graph is None and inputs.tried and self.pool:
            inputs.graph = torch.cuda.CUDAGraph()
            here = {"stream": torch.cuda.current_stream(self.device), "capture_error_mode": "thread_local"}
            with _no_collection(), torch.cuda.graph(inputs.graph, pool=self.pool, **here):
                self._compute(inputs)
        if inputs.graph:
            inputs.graph.replay()
        else:  # the first time libraries set things up, which cannot be captured
            self._compute(inputs)
            inputs.tried = True

    def _inputs(self, batch: Batch) -> Inputs:
        size, *shape, channels = batch.images.shape
        if size not in self.inputs:
            count = len(self.networks)
            images = batch.images.new_zeros(size, *shape, count, channels)
            self.inputs[size] = Inputs(images, batch.labels.new_zeros(count, size))
        return self.inputs[size]

    def _compute(self, inputs: Inputs) -> None:
        count, size = inputs.labels.shape
        images = self.normalise.scaled(inputs.images).permute(0, 3, 4, 1, 2)
        with computed_in(self.precision):
            if self.stack:
                logits = forward(self.stack, images, self.precision)
            else:
                logits = forward(self.networks[0], images[:, 0], self.precision)[None]
            each = functional.cross_entropy(logits.flatten(0, 1), inputs.labels.flatten(), reduction="none")
            losses = each.view(count, size).mean(1)
            losses.sum().backward()
        if self.stack:
            self.stack.hand_out_gradients(self.networks)
        for place in range(count):
            self.optimisers[place].step(self.rates[place])
            self.epochs[place].add(logits[place], inputs.labels[place], losses[place])
