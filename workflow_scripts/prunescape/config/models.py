"""The names of models, with the architecture module that builds each, and of scores: read where torch is not installed.

No architecture and no training code imports this module, so a new entry retrains nothing.
"""

import re
from collections.abc import Mapping
from functools import cache
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from prunescape.config.factories import factory_identity
from prunescape.errors import InputError, located, nearest
from prunescape.space.networks import NETWORK, POOLINGS
from prunescape.space.parameters import Parameter, Value

CIFAR_RESNETS = tuple(f"resnet{depth}" for depth in (8, 20, 32, 44, 56, 110))
ARCHITECTURES = {
    **dict.fromkeys(CIFAR_RESNETS, "resnet_cifar"),
    "resnet8_mlperf_tiny": "resnet_mlperf_tiny",
    "mobilenet_v2": "mobilenet_v2",
    "resnet50": "resnet_imagenet",
    "image_cnn": "image_cnn",
    "resnet50_cifar": "resnet50_cifar",
    "text_cnn": "text_cnn",
    "text_lstm": "text_lstm",
    "m5": "m5",
    "m5_small": "m5",
}
# by task; all others are of images
MODELS_OF: dict[str, tuple[str, ...]] = {"text": ("text_cnn", "text_lstm"), "speech": ("m5", "m5_small")}
WHOLE = ("text_lstm",)  # models that are not pruned: the state of a recurrent layer goes round, so its units are tied
# the hyperparameters of the network that a model has, with their defaults: liao2022, Table 2
NETWORKS: dict[str, dict[str, Value]] = {
    "image_cnn": {"filters": 12, "kernel": 3, "dropout": 0.5, "activation": "relu", "pooling": "max"},
    "resnet50_cifar": {"units": 128, "kernel": 7, "dropout": 0.5, "activation": "relu", "pooling": "globalavg"},
    "text_cnn": {
        **{"filters": 128, "kernel": 7, "units": 128, "embedding": 128, "dropout": 0.5, "activation": "relu"},
        "pooling": "globalmax",
    },
    "text_lstm": {"units": 64, "embedding": 128, "dropout": 0.5, "activation": "tanh"},
}
POOLINGS_OF = {  # their levels
    "image_cnn": ("max", "avg"),
    "resnet50_cifar": POOLINGS,
    "text_cnn": ("globalmax", "globalavg"),
}
# pruning/scores.py has the functions; the first is the default
SCORES = ("l1_layer", "l1", "l2", "lamp", "bn_scale", "fpgm", "taylor", "random")
OF_BATCH_NORM = "bn_scale"
WITHOUT_BATCH_NORM = ("image_cnn", "text_cnn", "text_lstm")  # of our models
SCORES_OF_DATA = ("taylor",)  # they look at the loss of training examples
ROUND_TO = ("auto", 1, 8, 16, 32)  # pruned widths are multiples of it (pruning/widths.py)
TORCHVISION = "torchvision:"
VISION_TRANSFORMERS = f"{TORCHVISION}vit_"
TIMM = "timm:"
TIMM_PATTERN = r"\w+(\.\w+)?"  # NAME, or NAME.TAG for one of several published weights
FACTORIES = "external_models"  # the architecture of models of the user's own code
FACTORY_PATTERN = r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*"


def architecture_of(model: str) -> str:
    """The module in `models` that builds `model`; raises InputError with the nearest name for an unknown one."""
    if model in ARCHITECTURES:
        return ARCHITECTURES[model]
    if re.fullmatch(re.escape(TORCHVISION) + r"\w+", model):
        check_torchvision(model.removeprefix(TORCHVISION))
        return "torchvision_vit" if model.startswith(VISION_TRANSFORMERS) else "torchvision_models"
    if re.fullmatch(re.escape(TIMM) + TIMM_PATTERN, model):
        check_timm(model.removeprefix(TIMM))
        return "timm_models"
    if re.fullmatch(FACTORY_PATTERN, model) and not model.startswith((TORCHVISION, TIMM)):
        return FACTORIES
    allowed = ", ".join([*ARCHITECTURES, "torchvision:NAME", "timm:NAME", "package.module:factory"])
    raise InputError(f'no model is called "{model}"', allowed=allowed, hint=nearest(model, ARCHITECTURES))


def task_of_model(model: str) -> str:
    """The task, a folder of the room `tasks`, that a model is for."""
    return next((task for task, models in MODELS_OF.items() if model in models), "images")


def network_values(model: str, given: Mapping[str, Any]) -> dict[str, Value]:
    """Every hyperparameter of the network of `model` with its value, `given` or the default; keys sorted.

    Raises InputError, with the name as its place, for one that the model has not and for an impossible value.
    """
    defaults = NETWORKS.get(model, {})
    return dict(sorted((defaults | {name: network_value(model, name, value) for name, value in given.items()}).items()))


def network_value(model: str, name: str, given: Any) -> Value:
    """`given`, a value or its text, as a value of the hyperparameter `name` of the network of `model`.

    Raises InputError where the model has none of that name, or not with that value.
    """
    value = located(name, network_parameter(model, name).value, given)
    if name == "pooling" and value not in POOLINGS_OF[model]:
        raise InputError(f"{model} cannot pool by {value}", where=name, allowed=", ".join(POOLINGS_OF[model]))
    return value


def network_parameter(model: str, name: str) -> Parameter:
    """The hyperparameter `name` of the network of `model`; raises InputError with the nearest for one it has not."""
    has = NETWORKS.get(model, {})
    if name not in has:
        what, hint = f'the network of {model} has no hyperparameter "{name}"', nearest(name, has)
        raise InputError(what, where=name, allowed=", ".join(has) or "none", hint=hint)
    return NETWORK[name]


def check_torchvision(name: str) -> None:
    """Raise InputError with the nearest name for one that is no classifier of the torchvision that is installed."""
    names = torchvision_names()
    if names and name not in names:
        allowed = "torchvision:NAME, NAME from torchvision.models.list_models(module=torchvision.models)"
        raise InputError(f'torchvision has no classifier "{name}"', allowed=allowed, hint=nearest(name, names))


@cache
def torchvision_names() -> tuple[str, ...]:
    """Its classifiers, read from their sources, since importing it takes seconds; empty where it is not installed."""
    found = find_spec("torchvision")
    sources = sorted(Path(found.origin).with_name("models").glob("*.py")) if found and found.origin else []
    pattern = re.compile(r"^@register_model\(\)\n(?:@.*\n)*def (\w+)\(", re.MULTILINE)
    return tuple(name for source in sources for name in pattern.findall(source.read_text(encoding="utf-8")))


def check_timm(name: str) -> None:
    """Raise InputError where timm is not installed, or with the nearest for a name or a tag that it has not."""
    names, (name, _, tag) = timm_names(), name.partition(".")
    if not names:
        raise InputError("this needs timm, which is not installed", hint="pip install 'prunescape[timm]'")
    if name not in names:
        allowed = "timm:NAME, NAME from timm.list_models()"
        raise InputError(f'timm has no model "{name}"', allowed=allowed, hint=nearest(name, names))
    tags = timm_tags().get(name, []) if tag else []
    if tags and tag not in tags:
        what = f'timm has no weights "{tag}" of {name}'
        raise InputError(what, allowed=", ".join(tags), hint=nearest(tag, tags))


@cache
def timm_names() -> tuple[str, ...]:
    """Its models, read from their sources, since importing it takes seconds; empty where it is not installed."""
    pattern = re.compile(r"^@register_model\n(?:@.*\n)*def (\w+)\(", re.MULTILINE)
    return tuple(name for source in _timm_sources() for name in pattern.findall(source))


@cache
def timm_tags() -> dict[str, list[str]]:
    """The tags of weights of its models, read as their names; of a few models, which make them as they run, none."""
    pattern, found = re.compile(r"""^\s*['"](\w+)\.(\w+)['"]\s*:""", re.MULTILINE), {}
    for name, tag in (item for source in _timm_sources() for item in pattern.findall(source)):
        found.setdefault(name, []).append(tag)
    return found


@cache
def _timm_sources() -> list[str]:
    found = find_spec("timm")
    sources = sorted(Path(found.origin).with_name("models").glob("*.py")) if found and found.origin else []
    return [source.read_text(encoding="utf-8") for source in sources]


def code_identity(model: str) -> str:
    """What identifies the code of a model that is not ours; empty where the project's own code does.

    Of a factory a digest of its sources (config/factories.py), of one of timm's its version. That of torchvision stands
    in the records of cells.
    """
    if model.startswith(TIMM):
        return f"timm {version('timm')}"
    return factory_identity(model) if architecture_of(model) == FACTORIES else ""
