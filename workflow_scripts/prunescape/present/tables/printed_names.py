"""Models, data sets and variants as a paper prints them. Needs nothing."""

from __future__ import annotations

import re

NAMES = {"mobilenet_v2": "MobileNetV2", "cifar10": "CIFAR-10", "fashion-mnist": "Fashion-MNIST", "imagenet": "ImageNet"}
METHODS = {"uniform": "Uniform", "nonuniform": "Non-uniform"}


def experiment_title(model: str, dataset: str) -> str:
    """`ResNet-56 on CIFAR-10`; names without a usual spelling of their own stay as they are."""
    shown = NAMES.get(model, re.sub(r"^resnet([0-9]+)$", r"ResNet-\1", model))
    return f"{shown} on {NAMES.get(dataset, dataset)}"


def row_title(variant: str) -> str:
    """A variant as the paper's tables name it: `Basemodel`, `60% Uniform`; any other name stays."""
    known = re.fullmatch(r"(uniform|nonuniform)-(0?\.[0-9]+)", variant)
    if variant == "base":
        return "Basemodel"
    return f"{100 * float(known[2]):g}% {METHODS[known[1]]}" if known else variant
