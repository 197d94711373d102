"""Builds a network, resizes its layers to the widths of a plan, and gives it fresh weights.

The last functions are the parts of weight initialisation that architectures share.
"""

import importlib
import inspect
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import torch
from torch import nn

from prunescape.errors import InputError

CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
# which attributes hold a layer's widths; the parameters' shapes follow from them
WIDTHS: dict[type, tuple[str, ...]] = {
    nn.modules.conv._ConvNd: ("in_channels", "out_channels", "groups"),
    nn.Linear: ("in_features", "out_features"),
    nn.modules.batchnorm._NormBase: ("num_features",),
    nn.LayerNorm: ("normalized_shape",),
    nn.GroupNorm: ("num_channels",),
    nn.PReLU: ("num_parameters",),
}


def build_model(
    architecture: str,
    model: str,
    *,
    in_channels: int,
    classes: int | None,
    image_size: Sequence[int] | None = None,
    hyperparameters: Mapping[str, Any] = MappingProxyType({}),
) -> nn.Module:
    """The full network `model`, built by the module `architecture` (see config/models.py) with its `hyperparameters`.

    A network that fits images of one size only is built for `image_size` (height, width).

    Takes images (n, in_channels, height, width), gives logits (n, classes). Its weights are arbitrary until
    `initialise` or a file sets them, but the same on every call: construction draws from a fixed seed.
    Raises InputError when the architecture cannot be built so.
    """
    module = importlib.import_module(f"prunescape.models.{architecture}")
    sized = "image_size" in inspect.signature(module.build).parameters
    options = {"image_size": image_size} if sized else {}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = module.build(model, in_channels, classes, **options, **hyperparameters)
    network.architecture = architecture
    return network


def planned_network(plan: dict) -> nn.Module:
    """The network of a variant, as its widths.json describes it; like `build_model`'s, its weights are arbitrary."""
    shape = {name: plan[name] for name in ("in_channels", "classes")} | {"image_size": plan.get("input_shape", [])[1:]}
    network = build_model(plan["architecture"], plan["model"], **shape, hyperparameters=plan.get("network", {}))
    return rebuild(network, plan["modules"])


def initialise(network: nn.Module, seed: int) -> nn.Module:
    """Give every layer fresh weights: `reset_parameters()` everywhere, then the architecture's He normal.

    As in matthiesen2023, Table 3.3. The same seed and widths give the same weights, bit for bit. `network` comes from
    `build_model`, on the CPU in the default memory format (another format draws in another order). The global random
    state is left as it was. Returns `network`.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        reset(network)
        importlib.import_module(f"prunescape.models.{network.architecture}").he_initialise(network)
    return network


def width_names(module: nn.Module) -> tuple[str, ...]:
    """The attributes of `module` that hold its widths; empty for a kind of layer that cannot be resized."""
    return next((names for kind, names in WIDTHS.items() if isinstance(module, kind)), ())


def widths_of(module: nn.Module) -> dict[str, int | list[int]]:
    """The widths of one layer, as they stand in widths.json under "modules"."""
    values = {name: getattr(module, name) for name in width_names(module)}
    return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}


def parameter_shapes(module: nn.Module) -> dict[str, tuple[int, ...]]:
    """The shapes that a layer's parameters and running statistics have at its widths (batch norm's counter apart)."""
    if isinstance(module, nn.modules.conv._ConvNd):
        outer, inner = module.out_channels, module.in_channels
        first, second = (inner, outer) if module.transposed else (outer, inner)
        return {"weight": (first, second // module.groups, *module.kernel_size), "bias": (outer,)}
    if isinstance(module, nn.Linear):
        return {"weight": (module.out_features, module.in_features), "bias": (module.out_features,)}
    if isinstance(module, nn.LayerNorm):
        return dict.fromkeys(("weight", "bias"), tuple(module.normalized_shape))
    (width,) = (getattr(module, name) for name in width_names(module))
    return dict.fromkeys(("weight", "bias", "running_mean", "running_var"), (width,))


def resize(module: nn.Module, widths: dict[str, int | list[int]]) -> None:
    """Give one layer new widths; its parameters become zeros of the new shapes."""
    for name, value in widths.items():
        setattr(module, name, tuple(value) if isinstance(value, list) else value)
    for name, shape in parameter_shapes(module).items():
        old = getattr(module, name, None)
        if isinstance(old, nn.Parameter):
            setattr(module, name, nn.Parameter(old.new_zeros(shape), requires_grad=old.requires_grad))
        elif isinstance(old, torch.Tensor):
            setattr(module, name, old.new_zeros(shape))


def rebuild(network: nn.Module, modules: dict[str, dict]) -> nn.Module:
    """Resize a freshly built full network, in place, to the `modules` of widths.json.

    {layer: {in_channels, out_channels, groups} | {in_features, out_features} | {num_features} | ...}. The resized
    layers hold zeros until `initialise` or a file sets them. Returns `network`. Raises InputError when a layer is
    missing or of another kind.
    """
    layers = dict(network.named_modules())
    for name, widths in modules.items():
        if name not in layers or set(widths) != set(width_names(layers[name])):
            what = f'the network has no layer "{name}" with {", ".join(widths)}'
            raise InputError(what, hint="these widths belong to another model: plan the variant again")
        resize(layers[name], widths)
    return network


def reset(network: nn.Module) -> None:
    """Reset every layer to its default; batch norm gets weight 1, bias 0, mean 0, variance 1."""
    for module in network.modules():
        reset_layer = getattr(module, "reset_parameters", None) or getattr(module, "_reset_parameters", None)
        if callable(reset_layer):
            reset_layer()


def he_normal_convolutions(network: nn.Module, mode: str, activation: str = "relu") -> None:
    """He normal weights for all convolutions: std gain / sqrt(fan), biases 0.

    The gain is the `activation`'s as torch has it: sqrt(2) for relu (He et al. 2015a, Eq 10), 5/3 for tanh, 1 for
    sigmoid. `mode` fan_in: fan = k k in / groups; fan_out: fan = k k out (torch leaves groups out, as MobileNetV2's
    source).
    """
    for module in network.modules():
        if isinstance(module, CONVOLUTIONS):
            nn.init.kaiming_normal_(module.weight, mode=mode, nonlinearity=activation)
            if module.bias is not None:
                nn.init.zeros_(module.bias)


def normal_bare_parameters(network: nn.Module) -> None:
    """Truncated normal with std 0.02 for parameters that no layer resets: position embeddings, bias tables.

    Those that a constructor fills with one value (class token, layer scale) keep it.
    """
    for module in network.modules():
        if hasattr(module, "reset_parameters") or hasattr(module, "_reset_parameters"):
            continue
        for parameter in module.parameters(recurse=False):
            if not torch.all(parameter == parameter.flatten()[0]):
                nn.init.trunc_normal_(parameter, std=0.02)
