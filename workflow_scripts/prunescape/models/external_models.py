"""Models of the user's own code, named `package.module:factory`: importable from the working folder, or installed."""

import importlib
import inspect
import sys
from pathlib import Path

from torch import nn

from prunescape.errors import InputError, nearest
from prunescape.models.build import he_normal_convolutions, normal_bare_parameters


def find_factory(model: str):
    """The callable that `package.module:factory` names; raises InputError when there is none."""
    module_name, _, name = model.partition(":")
    folder = str(Path.cwd())
    if folder not in sys.path:
        sys.path.insert(0, folder)
    try:
        module = importlib.import_module(module_name)
    except (Exception, SystemExit) as error:  # whatever the user's code raises while it is imported
        what = f'"{module_name}" cannot be imported ({type(error).__name__}: {error})'
        raise InputError(what, where=model, hint="run from the folder that holds it, or install it") from None
    if not callable(getattr(module, name, None)):
        callables = [known for known, value in vars(module).items() if callable(value)]
        raise InputError(f'"{module_name}" has no callable "{name}"', where=model, hint=nearest(name, callables))
    return getattr(module, name)


def build(model: str, in_channels: int, classes: int | None) -> nn.Module:
    """What the factory returns. It gets `in_channels` and `classes` if it has parameters of these names.

    Raises InputError when it fails or returns something other than a torch module.
    """
    factory = find_factory(model)
    try:
        known = inspect.signature(factory).parameters
        offered = {"in_channels": in_channels, "classes": classes}
        network = factory(**{name: value for name, value in offered.items() if name in known and value is not None})
    except (Exception, SystemExit) as error:  # whatever the user's code raises
        raise InputError(f"the factory fails ({type(error).__name__}: {error})", where=model) from None
    if not isinstance(network, nn.Module):
        raise InputError(f"the factory returns {type(network).__name__}", where=model, allowed="a torch.nn.Module")
    return network


def he_initialise(network: nn.Module) -> None:
    """He normal, fan-in, for convolutions; linear layers keep torch's default; bare parameters get std 0.02."""
    he_normal_convolutions(network, "fan_in")
    normal_bare_parameters(network)
