"""How axes, settings, metrics, models and variants are called where a reader sees them."""

import math
import re
from collections.abc import Iterable, Mapping
from typing import Any

from prunescape.analysis.axes import Axis
from prunescape.present.numbers import is_missing, short
from prunescape.space.pipelines import PIPELINES
from prunescape.space.recipe import PARAMETERS
from prunescape.space.variants import PRUNED_PATTERN

METRIC_TITLES = {"top1": "top-1", "top5": "top-5"}
NAMES = {
    **{"mobilenet_v2": "MobileNetV2", "text_cnn": "TextCNN", "text_lstm": "LSTM"},
    **{"m5": "M5", "m5_small": "small M5", "speech-commands": "Speech Commands"},
    **{
        "cifar10": "CIFAR-10",
        "mnist": "MNIST",
        "fashion-mnist": "Fashion-MNIST",
        "imagenet": "ImageNet",
        "imdb": "IMDB",
    },
}
PROPERTY_TITLES = {
    **{
        "top1": "accuracy",
        "top5": "top-5 accuracy",
        "latency_median_s": "latency",
        "latency_dataset_s": "latency, all",
    },
    **{"file_bytes": "file size", "encoded_bytes": "encoded size", "flops": "FLOPs", "energy_j": "energy"},
    **{"train_top1": "training accuracy", "peak_memory_bytes": "peak memory"},
}
METHODS = {"uniform": "Uniform", "nonuniform": "Non-uniform"}


def axis_title(axis: Axis) -> str:
    """`log10 learning rate` where the values are in decades, else `momentum`."""
    return f"log10 {axis.label}" if axis.decades else axis.label


def axis_label(axis: Axis, newline: str = "\n") -> str:
    """The title of an axis in a figure, which tells of a place that stands for 0."""
    title = shortened(axis_title(axis))
    return title if axis.zero is None else f"{title}{newline}({short(math.log10(axis.zero))} stands for 0)"


def zero_note(axes: Iterable[Axis]) -> str:
    """What a place that stands for 0 does to distances; empty without one."""
    labels = joined([axis.label for axis in axes if axis.zero is not None])
    return f" How far 0 of {labels} lies from other values was chosen: distances to it mean nothing." * bool(labels)


def axis_symbol(axis: Axis) -> str:
    """A short name for heads of tables: `lr`, `momentum`."""
    return axis.name.removeprefix("log10_").replace("_", " ")


def axis_head(axis: Axis) -> str:
    """The head of a column that holds values of the axis: `log10 lr`, `momentum`."""
    return axis.name.replace("_", " ")


def length_unit(axes: Iterable[Axis]) -> str:
    """The unit of lengths and distances in the space of these axes."""
    return "decades" if all(axis.decades for axis in axes) else "the axes' units"


def setting(axes: Iterable[Axis], row: Mapping, prefix: str = "") -> str:
    """The setting in the columns `prefix` + axis of a row: `log10 learning rate −1, log10 weight decay −4`."""
    return ", ".join(_value(axis, row[prefix + axis.name]) for axis in axes)


def _value(axis: Axis, value: float) -> str:
    """`log10 learning rate −1`; `weight decay 0` at the place that stands for 0."""
    if axis.zero is not None and abs(value - math.log10(axis.zero)) < 1e-6:
        return f"{axis.label} 0"
    return f"{axis_title(axis)} {short(value)}"


def capitalised(text: str) -> str:
    """The text with a capital first letter, as a sentence has it."""
    return text[:1].upper() + text[1:]


def joined(texts: list[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return " and ".join([", ".join(texts[:-1]), texts[-1]] if len(texts) > 1 else texts)


def level_title(text: str) -> str:
    """A level of a factor: `adam`, or a number with three digits that count, `−1.02` for `-1.01911`."""
    try:
        return short(f"{float(text):.3g}")
    except ValueError:
        return text


def threshold_text(threshold: float) -> str:
    """A threshold with one decimal, or as many as it needs: `1.0`, `0.25`."""
    return f"{threshold:.1f}" if round(threshold, 1) == threshold else f"{threshold:g}"


def shortened(text: str, most: int = 48) -> str:
    """A text of at most so many characters: of a longer one its two ends."""
    half = (most - 1) // 2
    return text if len(text) <= most else f"{text[:half]}…{text[-half:]}"


def roi_title(threshold: float) -> str:
    """`0.5-ROI`."""
    return f"{threshold_text(threshold)}-ROI"


def variant_title(name: str) -> str:
    """`uniform 0.6` for `uniform-0.6`, `uniform 0.6 (fine-tune)` for `uniform-0.6-fine_tune`."""
    known = re.fullmatch(rf"({PRUNED_PATTERN})-({'|'.join(PIPELINES)})", name)
    if known:
        return f"{known[1].replace('-', ' ', 1)} ({known[2].replace('_', '-')})"
    return name.replace("-", " ", 1)


def pipeline_title(pipeline: str, score: str = "") -> str:
    """`rewind-rate`, with a score `rewind-rate, l1_layer`."""
    return ", ".join(filter(None, (pipeline.replace("_", "-"), score)))


def network_title(text: str) -> str:
    """` (filters 12, kernel size 3)` for `filters=12,kernel=3`, as tables name one; empty for the declared network."""
    pairs = [pair.split("=") for pair in text.split(",") if pair]
    return f" ({', '.join(f'{hyperparameter_title(name)} {level_title(value)}' for name, value in pairs)})" * bool(
        pairs
    )


def variant_label(name: str) -> str:
    """`variant_title` with room in a figure."""
    return shortened(variant_title(name), 24)


def seeds_text(seeds: tuple[int, ...]) -> str:
    """`seed 0`, `seeds 0, 1, 2`, or, of more than five, `10 seeds`."""
    if len(seeds) > 5:
        return f"{len(seeds)} seeds"
    return ("seeds " if len(seeds) > 1 else "seed ") + ", ".join(map(str, seeds))


def round_title(number: int) -> str:
    """Which cells a round planned."""
    return "configured grid" if number == 0 else f"round {number}"


def experiment_title(model: str, dataset: str) -> str:
    """`ResNet-56 on CIFAR-10`; a name without a usual spelling stays as it is."""
    shown = NAMES.get(model, re.sub(r"^resnet([0-9]+)$", r"ResNet-\1", model))
    return f"{shown} on {NAMES.get(dataset, dataset)}"


def paper_title(variant: str) -> str:
    """A variant as the thesis' tables name it: `Basemodel`, `60% Uniform`; any other name stays."""
    known = re.fullmatch(r"(uniform|nonuniform)-(0?\.[0-9]+)", variant)
    if variant == "base":
        return "Basemodel"
    return f"{100 * float(known[2]):g}% {METHODS[known[1]]}" if known else variant


def hyperparameter_title(name: str) -> str:
    """`log10 learning rate`, `batch size`."""
    meaning = PARAMETERS[name].meaning
    return f"log10 {meaning.label}" if meaning.scale == "log10" else meaning.label


def value_text(value: Any) -> str:
    """A value of any hyperparameter."""
    if isinstance(value, bool):
        return "on" if value else "off"
    return value if isinstance(value, str) else short(value)


def setting_text(values: Mapping[str, Any]) -> str:
    """A setting in words: hyperparameters that do not act, or that no table has, are left out."""
    named = {name: value for name, value in values.items() if name in PARAMETERS and not is_missing(value)}
    return ", ".join(f"{hyperparameter_title(name)} {value_text(value)}" for name, value in sorted(named.items()))


def property_title(name: str) -> str:
    """`latency` for latency_median_s; a column that is none of ours by its own name."""
    return PROPERTY_TITLES.get(name) or shortened(name.replace("_", " "), 40)


def arm_title(arm: str) -> str:
    """`batch size` for fix:batch_size, `optimiser (dimension)` for fix-dimension:optimiser; others as they are."""
    kind, _, name = arm.partition(":")
    words = name.replace("_", " ")
    one = hyperparameter_title(name) if name in PARAMETERS else words
    titles = {"fix": one, "fix-dimension": f"{words} (dimension)"}
    return shortened(titles.get(kind, arm) if name else arm, 40)


def subject_title(experiment: str, variant: str) -> str:
    """The experiment, and the variant where it is pruned."""
    return shortened(experiment if variant == "base" else f"{experiment}, {variant_title(variant)}", 40)


def condition_title(target: str, precision: str) -> str:
    """`server, fp32`; empty where a table tells neither."""
    return ", ".join(filter(None, (target, precision)))
