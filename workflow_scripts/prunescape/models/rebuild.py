"""Resizes a full network's layers to recorded shapes, so that training needs no pruning library."""

import torch
from torch import nn

from prunescape.errors import InputError

# which attributes hold a layer's widths; the parameters' shapes follow from them
WIDTHS: dict[type, tuple[str, ...]] = {
    nn.modules.conv._ConvNd: ("in_channels", "out_channels", "groups"),
    nn.Linear: ("in_features", "out_features"),
    nn.modules.batchnorm._NormBase: ("num_features",),
    nn.LayerNorm: ("normalized_shape",),
    nn.GroupNorm: ("num_channels",),
    nn.PReLU: ("num_parameters",),
}


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
            raise InputError(
                f'the network has no layer "{name}" with {", ".join(widths)}',
                hint="these widths belong to another model: plan the variant again",
            )
        resize(layers[name], widths)
    return network
