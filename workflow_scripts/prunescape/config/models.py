"""The names of models, with the architecture module that builds each, and of scores: read where torch is not installed.

No architecture and no training code imports this module, so a new entry retrains nothing.
"""

import re
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from prunescape.errors import InputError, nearest

CIFAR_RESNETS = tuple(f"resnet{depth}" for depth in (8, 20, 32, 44, 56, 110))
ARCHITECTURES = {
    **dict.fromkeys(CIFAR_RESNETS, "resnet_cifar"),
    "mobilenet_v2": "mobilenet_v2",
    "resnet50": "resnet_imagenet",
    "text_cnn": "text_cnn",
    "text_lstm": "text_lstm",
}
TEXT_MODELS = ("text_cnn", "text_lstm")  # of texts; all others are of images
WHOLE = ("text_lstm",)  # models that are not pruned: the state of a recurrent layer goes round, so its units are tied
SCORES = ("l1_layer", "l1")  # pruning/scores.py has the functions; the first is the default
ROUND_TO = ("auto", 1, 8, 16, 32)  # pruned widths are multiples of it (pruning/widths.py)
TORCHVISION = "torchvision:"
FACTORY_PATTERN = r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*"


def architecture_of(model: str) -> str:
    """The module in `models` that builds `model`; raises InputError with the nearest name for an unknown one."""
    if model in ARCHITECTURES:
        return ARCHITECTURES[model]
    if re.fullmatch(re.escape(TORCHVISION) + r"\w+", model):
        check_torchvision(model.removeprefix(TORCHVISION))
        return "torchvision_models"
    if re.fullmatch(FACTORY_PATTERN, model) and not model.startswith(TORCHVISION):
        return "external_models"
    allowed = ", ".join([*ARCHITECTURES, "torchvision:NAME", "package.module:factory"])
    raise InputError(f'no model is called "{model}"', allowed=allowed, hint=nearest(model, ARCHITECTURES))


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
