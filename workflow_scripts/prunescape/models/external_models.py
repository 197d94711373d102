"""Models of the user's own code, named `package.module:factory`: importable from the working folder, or installed."""

import importlib
import inspect
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from torch import nn
from torch.jit import ScriptModule
from torch.nn.parameter import is_lazy

from prunescape.errors import InputError, nearest
from prunescape.models.attention import with_heads_to_cut
from prunescape.models.build import he_normal_convolutions, normal_bare_parameters
from prunescape.tasks.images.torchvision_import import import_torchvision

# what a factory may call its parameters: as here, or as timm and torchvision do
PARAMETER_NAMES = {
    "in_channels": ("in_channels", "in_chans"),
    "classes": ("classes", "num_classes"),
    "image_size": ("image_size", "img_size"),
}


def find_factory(model: str):
    """The callable that `package.module:factory` names; raises InputError when there is none."""
    module_name, _, name = model.partition(":")
    folder = str(Path.cwd())
    if folder not in sys.path:
        sys.path.insert(0, folder)
    try:
        import_torchvision()  # their code may import it, too
        module = importlib.import_module(module_name)
    except (Exception, SystemExit) as error:  # whatever the user's code raises while it is imported
        what = f'"{module_name}" cannot be imported ({type(error).__name__}: {error})'
        raise InputError(what, where=model, hint="run from the folder that holds it, or install it") from None
    if not callable(getattr(module, name, None)):
        callables = [known for known, value in vars(module).items() if callable(value)]
        raise InputError(f'"{module_name}" has no callable "{name}"', where=model, hint=nearest(name, callables))
    return getattr(module, name)


def build(model: str, in_channels: int, classes: int | None, image_size=None) -> nn.Module:
    """What the factory returns. It gets those of the arguments that it has parameters for (PARAMETER_NAMES).

    The image size is the side of square images, else (height, width).

    Raises InputError when it fails or returns something other than a torch module whose weights can be read and cut.
    """
    factory = find_factory(model)
    try:
        known = inspect.signature(factory).parameters
        offered = {"in_channels": in_channels, "classes": classes, "image_size": _side(image_size)}
        network = factory(**_accepted(known, offered))
    except (Exception, SystemExit) as error:  # whatever the user's code raises
        raise InputError(f"the factory fails ({type(error).__name__}: {error})", where=model) from None
    if not isinstance(network, nn.Module):
        raise InputError(f"the factory returns {type(network).__name__}", where=model, allowed="a torch.nn.Module")
    _check_weights(network, model)
    return with_heads_to_cut(network)


def _side(image_size: Sequence[int] | None) -> int | tuple[int, ...] | None:
    if not image_size:
        return None
    return image_size[0] if len(set(image_size)) == 1 else tuple(image_size)


def _accepted(known: Mapping[str, object], offered: Mapping[str, object]) -> dict[str, object]:
    """What of `offered` has a value and a parameter among those `known`, by the parameter's name."""
    given = [(name, value) for quantity, value in offered.items() for name in PARAMETER_NAMES[quantity]]
    return {name: value for name, value in given if name in known and value is not None}


def _check_weights(network: nn.Module, model: str) -> None:
    """Raise InputError for a network whose layers cannot be seen, or whose weights have no values yet."""
    if any(isinstance(module, ScriptModule) for module in network.modules()):
        what, hint = "the factory returns a TorchScript module, whose layers cannot be cut", "return it unscripted"
        raise InputError(what, where=model, hint=hint)
    tensors = [*network.parameters(), *network.buffers()]
    if any(is_lazy(tensor) for tensor in tensors):
        hint = "call the network once on an image inside the factory"
        raise InputError("the factory returns lazy layers, whose sizes are not known yet", where=model, hint=hint)
    if any(tensor.is_meta for tensor in tensors):
        what, hint = "the factory returns weights on the meta device, which have no values", "make them on the cpu"
        raise InputError(what, where=model, hint=hint)


def he_initialise(network: nn.Module) -> None:
    """He normal, fan-in, for convolutions; linear layers keep torch's default; bare parameters get std 0.02."""
    he_normal_convolutions(network, "fan_in")
    normal_bare_parameters(network)
