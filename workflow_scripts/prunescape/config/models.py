"""The names of models, with the architecture module that builds each, and of scores: read where torch is not installed.

No architecture and no training code imports this module, so a new entry retrains nothing.
"""

import re

from prunescape.errors import InputError, nearest

CIFAR_RESNETS = tuple(f"resnet{depth}" for depth in (8, 20, 32, 44, 56, 110))
ARCHITECTURES = {
    **dict.fromkeys(CIFAR_RESNETS, "resnet_cifar"),
    "mobilenet_v2": "mobilenet_v2",
    "resnet50": "resnet_imagenet",
}
SCORES = ("l1_layer", "l1")  # pruning/scores.py has the functions; the first is the default
ROUND_TO = ("auto", 1, 8, 16, 32)  # pruned widths are multiples of it (pruning/widths.py)
TORCHVISION = "torchvision:"
FACTORY_PATTERN = r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*"


def architecture_of(model: str) -> str:
    """The module in `models` that builds `model`; raises InputError with the nearest name for an unknown one."""
    if model in ARCHITECTURES:
        return ARCHITECTURES[model]
    if re.fullmatch(re.escape(TORCHVISION) + r"\w+", model):
        return "torchvision_models"
    if re.fullmatch(FACTORY_PATTERN, model) and not model.startswith(TORCHVISION):
        return "external_models"
    allowed = ", ".join([*ARCHITECTURES, "torchvision:NAME", "package.module:factory"])
    raise InputError(f'no model is called "{model}"', allowed=allowed, hint=nearest(model, ARCHITECTURES))
