"""What the thesis published, to stand beside our numbers; nothing is computed from it.

Where its prose contradicts its tables (4.1.2: ResNet-50's centres move by up to 0.3, lengths differ by up to 0.76; 4.2:
nonuniform MobileNetV2 has a relative mean of 0.004), the tables are what stands here.
"""

from __future__ import annotations

import re
from functools import cache

from prunescape.errors import InputError, nearest
from prunescape.present.labels import threshold_text

MATTHIESEN = "matthiesen2023"
MOBILENET, RESNET56, RESNET50 = ("mobilenet_v2", "cifar10"), ("resnet56", "cifar10"), ("resnet50", "imagenet")

# Table 3.4: the prior and the unpruned model's accuracy with it, percent
PRIOR = {"log10_lr": -1.0, "log10_wd": -4.0}
BASELINES = {
    MOBILENET: {"top1": 94.730},
    RESNET56: {"top1": 93.340},
    RESNET50: {"top1": 75.448, "top5": 92.608},
}

# 4.1.1, in the text: the best accuracy, percent
BEST = {
    MOBILENET: {
        "base": {"top1": 95.32},
        "uniform-0.6": {"top1": 95.14},
        "uniform-0.4": {"top1": 94.94},
        "nonuniform-0.6": {"top1": 95.18},
        "nonuniform-0.4": {"top1": 94.48},
    },
    RESNET56: {
        "base": {"top1": 94.05},
        "uniform-0.6": {"top1": 93.52},
        "uniform-0.2": {"top1": 91.08},
        "nonuniform-0.6": {"top1": 93.55},
        "nonuniform-0.2": {"top1": 90.98},
    },
    RESNET50: {
        "base": {"top1": 75.83, "top5": 92.84},
        "nonuniform-0.4": {"top1": 70.81, "top5": 89.73},
    },
}

# Table 4.1, top-1: length, width, centre (log10 weight decay, log10 learning rate) by threshold; absent under 5 cells
SHAPE = ("length", "width", "centre_log10_wd", "centre_log10_lr")
ELLIPSES = {
    MOBILENET: {
        "base": {1.0: (3.32, 0.56, -3.0, -1.8), 0.5: (1.91, 0.51, -2.7, -2.1)},
        "uniform-0.6": {1.0: (3.37, 0.57, -3.0, -1.8), 0.5: (1.75, 0.45, -2.7, -2.1)},
        "uniform-0.4": {1.0: (3.55, 0.54, -2.9, -1.9), 0.5: (1.55, 0.50, -2.6, -2.1)},
        "nonuniform-0.6": {1.0: (1.46, 0.66, -2.5, -2.2), 0.5: (1.13, 0.43, -2.3, -2.3)},
        "nonuniform-0.4": {1.0: (1.86, 0.59, -2.6, -2.2), 0.5: (1.78, 0.54, -2.5, -2.2)},
    },
    RESNET56: {
        "base": {1.0: (2.93, 0.73, -3.1, -1.5), 0.5: (2.58, 0.52, -3.0, -1.5)},
        "uniform-0.6": {1.0: (2.69, 0.66, -3.0, -1.6), 0.5: (1.71, 0.29, -2.8, -1.7)},
        "uniform-0.2": {1.0: (2.60, 0.79, -3.1, -1.5), 0.5: (2.34, 0.40, -3.1, -1.6)},
        "nonuniform-0.6": {1.0: (3.12, 0.78, -3.2, -1.4), 0.5: (2.43, 0.52, -3.0, -1.6)},
        "nonuniform-0.2": {1.0: (3.74, 0.66, -3.3, -1.2), 0.5: (4.76, 0.58, -3.3, -1.2)},
    },
    RESNET50: {
        "base": {1.0: (2.69, 0.58, -3.8, -1.4), 0.5: (1.69, 0.57, -3.8, -1.3)},
        "nonuniform-0.4": {1.0: (2.53, 0.55, -4.3, -0.9)},
    },
}

# Table 4.2, top-1: risk in percentage points, relative risk as a share
RISK = ("d_mean", "d_std", "d_rel_mean", "d_rel_std")
RISKS = {
    MOBILENET: {
        "base": (0.219, 0.128, 0.002, 0.001),
        "uniform-0.6": (0.373, 0.266, 0.004, 0.003),
        "uniform-0.4": (0.413, 0.284, 0.004, 0.003),
        "nonuniform-0.6": (0.591, 0.391, 0.006, 0.004),
        "nonuniform-0.4": (0.568, 0.281, 0.006, 0.003),
    },
    RESNET56: {
        "base": (0.271, 0.137, 0.003, 0.001),
        "uniform-0.6": (0.622, 0.428, 0.007, 0.005),
        "uniform-0.2": (0.623, 0.325, 0.007, 0.004),
        "nonuniform-0.6": (0.436, 0.256, 0.005, 0.003),
        "nonuniform-0.2": (0.890, 0.258, 0.010, 0.003),
    },
    RESNET50: {
        "base": (0.293, 0.142, 0.004, 0.002),
        "nonuniform-0.4": (0.864, 0.467, 0.012, 0.007),
    },
}

REFERENCES = {MATTHIESEN: "Matthiesen (2023)"}
ORDER = (MOBILENET, RESNET56, RESNET50)  # of the rows of Tables 4.1 and 4.2


def check_reference(reference: str | None) -> None:
    """Raise InputError when `reference` is neither None nor a work whose values stand here."""
    if reference is not None and reference not in REFERENCES:
        allowed, hint = ", ".join(REFERENCES), nearest(reference, REFERENCES)
        raise InputError(f'no values are known from "{reference}"', where="reference", allowed=allowed, hint=hint)


@cache
def published_model(reference: str | None, model: str, dataset: str) -> tuple[str, str] | None:
    """The published pair of model and data set that these names mean; None without one or without a reference."""
    named = (_plain(model), _plain(dataset))
    known = {tuple(map(_plain, pair)): pair for pair in ORDER}
    return known.get(named) if reference == MATTHIESEN else None


def published_values(reference: str | None, model: str, dataset: str, variant: str, metric: str) -> dict[str, float]:
    """Every published number of one variant and metric by name; what was not published has no entry.

    Names: `best` and, of the base, `prior_score` (percent); `d_mean`, `d_std`, `d_rel_mean`, `d_rel_std`; and `length`,
    `width`, `centre_log10_wd`, `centre_log10_lr`, each with the ROI's threshold behind it: `length_1_0`, `length_0_5`.
    """
    pair, name = published_model(reference, model, dataset), _canonical(variant)
    if pair is None or name not in BEST[pair]:
        return {}
    values = {"best": BEST[pair][name].get(metric)}
    if name == "base":
        values["prior_score"] = BASELINES[pair].get(metric)
    if metric == "top1":
        values |= dict(zip(RISK, RISKS[pair][name], strict=True))
        for threshold, shape in ELLIPSES[pair][name].items():
            values |= {f"{part}_{suffix(threshold)}": value for part, value in zip(SHAPE, shape, strict=True)}
    return {key: value for key, value in values.items() if value is not None}


def suffix(threshold: float) -> str:
    """A threshold as it stands in the names of columns: 1.0 as `1_0`."""
    return threshold_text(threshold).replace(".", "_")


def _plain(name: str) -> str:
    """A name of a model or data set without case and signs: `MobileNetV2` and `mobilenet_v2` are one."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _canonical(variant: str) -> str:
    """A variant's name with its ratio as we write it: `uniform-0.60` is `uniform-0.6`."""
    method, _, ratio = variant.partition("-")
    return f"{method}-{float(ratio):g}" if re.fullmatch(r"0?\.[0-9]+", ratio) else variant
