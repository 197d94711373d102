"""Weights that a network starts from: published by torchvision or timm, or of a file.

Where the number of classes differs, the classifier stays as it is in the network, and everything else is loaded.
"""

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import nn

from prunescape.config.models import TIMM, TORCHVISION
from prunescape.config.starting_weights import PICKLED, PUBLISHED, check_weights
from prunescape.errors import InputError
from prunescape.models.attention import with_our_names
from prunescape.models.counting import first_line
from prunescape.models.sealed_tensors import read_tensors
from prunescape.models.weights import AUXILIARY_HEADS, COUNTER, check_state
from prunescape.tasks.images.torchvision_import import import_torchvision

State = dict[str, torch.Tensor]
SAVED = "torch.save(network.state_dict(), FILE)"


def load_starting_weights(
    network: nn.Module, weights: str, *, model: str, in_channels: int, classes: int | None, image_size
) -> list[str]:
    """Load the published weights of `model`, or those of a file, into its `network`; gives the layers left as they are.

    These are classifiers of another number of classes. Raises InputError where the weights cannot be had or read, or
    do not fit in other ways.
    """
    check_weights(model, weights)
    if weights == PUBLISHED and model.startswith(TIMM):
        from prunescape.models.timm_models import build  # timm may not be installed

        own = build(model, in_channels, classes, image_size, pretrained=True).state_dict()
        source, state = model, own
    elif weights == PUBLISHED:
        source, state = model, published_state(model)
    else:
        source, state = weights, read_state(weights)
    return load_state(network, state, classes, source)


def published_state(model: str) -> State:
    """The weights that torchvision publishes of `torchvision:NAME`: its newest, from torch's cache or downloaded."""
    models, name = import_torchvision().models, model.removeprefix(TORCHVISION)
    try:
        url = models.get_model_weights(name).DEFAULT.url
    except (AttributeError, ValueError):
        raise InputError("torchvision publishes no weights of it", where=model) from None
    try:
        return torch.hub.load_state_dict_from_url(url, map_location="cpu", progress=False, check_hash=True)
    except Exception as error:  # of a damaged file torch raises whatever its pickle leads to
        file = Path(torch.hub.get_dir()) / "checkpoints" / Path(url).name
        what = f"its published weights cannot be had ({_reason(error)})"
        raise InputError(what, where=model, hint=f"put {url} at {file}") from None


def read_state(file: str) -> State:
    """The tensors of a file of weights: safetensors, or a state dict that torch saved, as .pt or .pth.

    torch reads tensors only, and runs no code of the file. Raises InputError for a damaged file or another content.
    """
    if not file.endswith(PICKLED):
        return read_tensors(file, ours=False)[0]
    try:
        state = torch.load(file, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise InputError("the file is missing", where=file) from None
    except Exception as error:  # of a damaged file torch raises whatever its pickle leads to
        raise InputError(f"torch cannot read it as tensors ({_reason(error)})", where=file, hint=SAVED) from None
    if not isinstance(state, Mapping) or not all(
        isinstance(name, str) and isinstance(value, torch.Tensor) for name, value in state.items()
    ):
        allowed = "tensors by the names of the network's"
        raise InputError("it holds no state dict", where=file, allowed=allowed, hint=SAVED)
    return dict(state)


def _reason(error: Exception) -> str:
    """What torch says of a file, without its advice on how to run the code in it."""
    return f"{type(error).__name__}: {first_line(error).partition('. ')[0]}"


def load_state(network: nn.Module, state: State, classes: int | None, source: str) -> list[str]:
    """Load `state`, but for classifiers of another number of classes; raises InputError where it does not fit."""
    expected = network.state_dict()
    named = with_our_names(state, network)
    found = {name: tensor for name, tensor in named.items() if not name.startswith(AUXILIARY_HEADS)}
    _check_numbers(found, expected, source)
    kept = other_classifiers(found, expected, classes)
    own = {name: value for name, value in expected.items() if _layer(name) in kept or name.endswith(COUNTER)}
    fitting = own | {name: tensor for name, tensor in found.items() if _layer(name) not in kept}
    check_state(fitting, expected, source)
    network.load_state_dict(fitting)
    return kept


def _check_numbers(found: State, expected: State, source: str) -> None:
    """Raise InputError for the first tensor whose numbers cannot be weights: encoded, absent, or not finite."""
    for name, tensor in found.items():
        encoded = tensor.is_quantized or tensor.is_nested or tensor.is_meta or tensor.layout != torch.strided
        of_floats = name not in expected or not expected[name].is_floating_point() or tensor.is_floating_point()
        if encoded or not of_floats:
            what, allowed = f'"{name}" holds no plain numbers of a network', "dense tensors of floating-point numbers"
            raise InputError(what, where=source, allowed=allowed, hint="save the network before it is quantised")
        if not tensor.float().isfinite().all():  # also what is too large for the network
            what, hint = f'"{name}" holds numbers that are not finite', "take weights of a training that converged"
            raise InputError(what, where=source, hint=hint)


def other_classifiers(found: State, expected: State, classes: int | None) -> list[str]:
    """The layers of `classes` outputs in the network that differ in nothing but their number of outputs."""
    layers = dict.fromkeys(_layer(name) for name in expected)
    return [layer for layer in layers if _is_other_classifier(layer, found, expected, classes)]


def _is_other_classifier(layer: str, found: State, expected: State, classes: int | None) -> bool:
    names = [name for name in expected if _layer(name) == layer and expected[name].dim()]
    if not names or any(name not in found or not found[name].dim() for name in names):
        return False
    outputs = {found[name].shape[0] for name in names}
    alike = all(found[name].shape[1:] == expected[name].shape[1:] for name in names)
    return alike and len(outputs) == 1 and outputs != {classes} and all(expected[n].shape[0] == classes for n in names)


def _layer(name: str) -> str:
    return name.rpartition(".")[0]
