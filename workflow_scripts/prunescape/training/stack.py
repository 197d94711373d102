"""Several networks of one shape as one: every convolution a grouped one, every batch norm one over all channels."""

import copy
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.func import functional_call, vmap
from torch.nn import functional


class StackedNorm(torch.autograd.Function):
    """Batch norm in training mode of one network; `vmap` does that of all at once, as one over all their channels.

    vmap's rule multiplies and adds weight and bias separately, in float32: three passes over the activations.
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
        """Activations (b, channels, ...) of each network; statistics and weights are stacked along dimension 0."""
        joined = images.movedim(dims[0], 1).flatten(1, 2)
        statistics = mean.view(-1), var.view(-1)  # updated in place
        out = functional.batch_norm(joined, *statistics, weight.flatten(), bias.flatten(), True, momentum, epsilon)
        return out.unflatten(1, (info.batch_size, -1)), 1


@dataclass(frozen=True)
class Stack:
    """Networks of one shape as one: inputs (b, k, ...) to outputs (k, b, ...); `template` computes with the tensors."""

    template: nn.Module
    parameters: dict[str, Tensor]
    buffers: dict[str, Tensor]

    def __call__(self, inputs: Tensor) -> Tensor:
        one = vmap(self._one, in_dims=(0, 0, 1), randomness="error")
        return one(self.parameters, self.buffers, inputs)

    def _one(self, parameters: dict[str, Tensor], buffers: dict[str, Tensor], inputs: Tensor) -> Tensor:
        return functional_call(self.template, (parameters, buffers), (inputs,))

    def hand_out_gradients(self, networks: Sequence[nn.Module]) -> None:
        """Give each network its part of the gradients, and drop the stacked ones."""
        for place, network in enumerate(networks):
            for name, parameter in network.named_parameters():
                whole = self.parameters[name].grad
                parameter.grad = None if whole is None else whole[place]
        for stacked in self.parameters.values():
            stacked.grad = None


def stack_networks(networks: Sequence[nn.Module]) -> Stack:
    """The stack of `networks`, whose parameters and buffers become views of the stacked ones."""
    template = copy.deepcopy(networks[0]).train()
    for norm in template.modules():
        if isinstance(norm, nn.modules.batchnorm._BatchNorm) and _usual(norm):
            norm.forward = _joint_norm.__get__(norm)
    named = [dict(network.named_parameters()) for network in networks]
    parameters = {name: _stacked([each[name] for each in named]) for name in named[0]}
    for name, parameter in named[0].items():
        parameters[name].requires_grad_(parameter.requires_grad)
    named = [dict(network.named_buffers()) for network in networks]
    return Stack(template, parameters, {name: _stacked([each[name] for each in named]) for name in named[0]})


def _usual(norm: nn.modules.batchnorm._BatchNorm) -> bool:
    return norm.track_running_stats and norm.affine and norm.momentum is not None


def _joint_norm(norm: nn.modules.batchnorm._BatchNorm, images: Tensor) -> Tensor:
    norm.num_batches_tracked.add_(1)
    statistics = norm.running_mean, norm.running_var
    return StackedNorm.apply(images, *statistics, norm.weight, norm.bias, norm.momentum, norm.eps)


def _stacked(tensors: list[Tensor]) -> Tensor:
    """Tensors of one shape along a new dimension 0, each in its memory format and from now on a view of the whole."""
    first = tensors[0]
    strides = (first.numel(), *first.stride())
    whole = torch.empty_strided((len(tensors), *first.shape), strides, dtype=first.dtype, device=first.device)
    for place, tensor in enumerate(tensors):
        whole[place].copy_(tensor.detach())
        tensor.data = whole[place]
    return whole
