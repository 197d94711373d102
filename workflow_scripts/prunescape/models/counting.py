"""Counts the FLOPs and the parameters of a network."""

import warnings
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from prunescape.errors import InputError

aten = torch.ops.aten
WEIGHT_ARGUMENT = {aten.convolution: 1, aten.mm: 1, aten.addmm: 2}
WITHOUT_WEIGHT = ""


class LayerFlops(TorchDispatchMode):
    """While active, adds up 2 x multiply-accumulates per weight, and how often each weight is used.

    It looks at the operators that really run, and counts each as torch.utils.flop_counter does. What belongs to no
    weight, such as attention scores and convolutions whose weight is computed first, counts under WITHOUT_WEIGHT.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.owner = {p.untyped_storage().data_ptr(): name for name, p in network.named_parameters() if p.dim() > 1}
        self.flops: Counter[str] = Counter()
        self.uses: Counter[str] = Counter()

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        result = function(*args, **(kwargs or {}))
        operator = function.overloadpacket
        if operator in flop_registry:
            name = self._owner_of(operator, args)
            self.flops[name] += flop_registry[operator](*args, **(kwargs or {}), out_val=result)
            self.uses[name] += 1
        return result

    def _owner_of(self, operator, args) -> str:
        """The name of the parameter that `operator` multiplies by."""
        if operator not in WEIGHT_ARGUMENT:
            return WITHOUT_WEIGHT
        weight = args[WEIGHT_ARGUMENT[operator]]
        return self.owner.get(weight.untyped_storage().data_ptr(), WITHOUT_WEIGHT)


@contextmanager
def evaluating(network: nn.Module) -> Iterator[None]:
    """Evaluation mode without gradients inside; afterwards every module is in the mode that it had before.

    No fused operator hides products: attention and recurrent layers run as the products that they consist of.
    """
    modes = {module: module.training for module in network.modules()}
    fast_path = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)  # one fused operator would hide the linear layers
    try:
        with torch.no_grad(), sdpa_kernel(SDPBackend.MATH), _unfused_recurrence(network):
            yield network.eval()
    finally:
        torch.backends.mha.set_fastpath_enabled(fast_path)
        for module, mode in modes.items():
            module.training = mode


def takes_tokens(network: nn.Module) -> bool:
    """Whether the network takes numbers of tokens, below its `vocabulary`."""
    return isinstance(getattr(network, "vocabulary", None), int)


def example_input(network: nn.Module, input_shape) -> torch.Tensor:
    """One fixed example on the network's device: an image (1, C, H, W) of standard normal pixels in its precision.

    Of a network for texts, whose shape is (vocabulary, length), a row (1, length) of random tokens, int64.
    """
    generator = torch.Generator().manual_seed(0)
    first = next((parameter for parameter in network.parameters() if parameter.is_floating_point()), torch.zeros(0))
    if takes_tokens(network):
        tokens = torch.randint(0, network.vocabulary, (1, *input_shape[1:]), generator=generator)
        return tokens.to(first.device)
    return torch.randn(1, *input_shape, generator=generator).to(first)


@contextmanager
def _unfused_recurrence(network: nn.Module) -> Iterator[None]:
    """On a CPU, recurrent layers without oneDNN's operator, which is no product that could be counted."""
    if not any(isinstance(module, nn.RNNBase) for module in network.modules()):
        yield
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that setting looks for GPUs of Intel, too
        with torch.backends.mkldnn.flags(enabled=False):
            yield


def layer_flops(network: nn.Module, input_shape) -> LayerFlops:
    """FLOPs and uses per weight for one example, by first use; raises InputError where the shape does not fit."""
    example = example_input(network, input_shape)
    try:
        with evaluating(network), LayerFlops(network) as counted:
            network(example)
    except (RuntimeError, ValueError, IndexError, TypeError, AssertionError) as error:
        kind, hint = ("texts", "length") if takes_tokens(network) else ("images", "channels, height and width")
        what = f"the network does not take {kind} of shape {tuple(input_shape)} ({first_line(error)})"
        raise InputError(what, hint=f"check {hint}") from None
    return counted


def require_outputs(network: nn.Module, input_shape, classes: int, model: str) -> None:
    """Raise InputError unless the network turns an example of this shape into logits (1, `classes`)."""
    with evaluating(network):
        outputs = network(example_input(network, input_shape))
    shape = tuple(outputs.shape) if isinstance(outputs, torch.Tensor) else type(outputs).__name__
    if shape != (1, classes):
        what = f"for {classes} classes the network's output is {shape}, where (1, {classes}) was expected"
        hint = "a factory gets the number of classes as its parameter classes or num_classes"
        raise InputError(what, where=model, hint=hint)


def first_line(error: BaseException) -> str:
    """The first line of an error's message, or its type where it has none."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def count_flops(network: nn.Module, input_shape) -> int:
    """F = 2 x multiply-accumulates of all convolutions and products for one example of `input_shape`.

    That is (C, H, W), or (vocabulary, length) of texts. Batch norm, activations and biases count nothing
    (matthiesen2023, Table 3.2), nor do the look-ups of an embedding. Raises InputError as `layer_flops`.
    """
    return sum(layer_flops(network, input_shape).flops.values())


def count_parameters(network: nn.Module) -> int:
    """Number of trainable parameters."""
    return sum(parameter.numel() for parameter in network.parameters() if parameter.requires_grad)
