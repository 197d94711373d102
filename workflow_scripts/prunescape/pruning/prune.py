"""Prunes one network outside any study: the function behind `prunescape prune`."""

import math
from pathlib import Path

from prunescape.config.models import FACTORIES, SCORES_OF_DATA, architecture_of, network_values, task_of_model
from prunescape.errors import InputError
from prunescape.models.build import build_model, initialise
from prunescape.models.counting import require_outputs
from prunescape.models.starting_weights import load_starting_weights
from prunescape.models.weights import save_weights
from prunescape.pruning.planning import check_request, finite, plan_content, plan_widths
from prunescape.store.files import write_json

LARGEST_IMAGE = 100_000_000  # values: beyond any image, and below what one forward pass can hold
MOST_CLASSES = 1_000_000  # ImageNet-21k has 21,841
DEFAULT_CLASSES = {
    "resnet_cifar": 10,
    "resnet_mlperf_tiny": 10,
    "mobilenet_v2": 10,
    "resnet_imagenet": 1000,
    "torchvision_models": 1000,
    "torchvision_vit": 1000,
    "timm_models": 1000,
    "image_cnn": 10,
    "resnet50_cifar": 10,
    "text_cnn": 2,
    "text_lstm": 2,
    "m5": 35,
}
SHAPES = {  # by task, how many sizes an example has and which
    "images": (3, "channels,height,width as in 3,224,224"),
    "text": (2, "vocabulary,length as in 20000,200"),
    "speech": (2, "channels,samples as in 1,8000"),
}


def check_shape(input_shape, task: str) -> tuple[int, ...]:
    """`input_shape` as whole numbers above 0; raises InputError unless there are as many as examples of `task` have."""
    sizes, allowed = SHAPES[task]
    try:
        shape = tuple(int(size) for size in input_shape)
    except (TypeError, ValueError):
        shape = ()
    if len(shape) != sizes or min(shape) < 1 or math.prod(shape) > LARGEST_IMAGE:
        raise InputError(f"the input shape is {input_shape}", allowed=allowed)
    return shape


def check_classes(classes: int | None) -> None:
    """Raise InputError for what is no number of classes; None leaves it to the model."""
    if classes is not None and (type(classes) is not int or not 1 <= classes <= MOST_CLASSES):
        allowed = f"a whole number from 1 to {MOST_CLASSES}"
        raise InputError(f"{classes!r} cannot be used", where="classes", allowed=allowed)


def make_folder(out: Path) -> None:
    """Raises InputError when `out` cannot be a folder."""
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"the folder cannot be made ({error.strerror})", where=out) from None


def prune_model(
    model: str,
    *,
    input_shape,
    ratio: float,
    method: str,
    out: Path | str,
    score: str = "l1_layer",
    min_keep: float = 0.1,
    round_to: int | str = 1,
    weights: Path | str | None = None,
    classes: int | None = None,
) -> dict:
    """Prune `model` to the share `ratio` of its FLOPs for images of `input_shape` (C, H, W).

    Of a model for texts `input_shape` is (vocabulary, length), of one for speech (channels, samples).

    Writes OUT/widths.json and OUT/weights.safetensors: the channels kept, with their weights. Without `weights`,
    a file or published, the network is freshly initialised with seed 0; a factory's network keeps its weights. Widths
    are multiples of `round_to` (auto, 1, 8, 16, 32), see `plan_widths`. `classes` defaults to 10
    (CIFAR models) or 1000; a factory decides itself. Returns what it did: ratios, FLOPs, parameters, cut layers. Raises
    InputError as `plan_widths`, for a number of classes below 1 or above 1,000,000, and when OUT cannot be a folder.
    """
    architecture, out = architecture_of(model), Path(out)
    shape = check_shape(input_shape, task_of_model(model))
    check_request(method, ratio, score, min_keep, round_to)
    check_classes(classes)
    if score in SCORES_OF_DATA:
        hint = "give a study pruning.score, or choose another one here"
        raise InputError(f"the score {score} looks at training examples, which only a study has", hint=hint)
    classes = DEFAULT_CLASSES.get(architecture) if classes is None else classes
    hyperparameters = network_values(model, {})
    known = {"in_channels": shape[0], "image_size": shape[1:], "classes": classes}
    network = build_model(architecture, model, **known, hyperparameters=hyperparameters)
    if architecture != FACTORIES:  # a factory may return trained weights
        initialise(network, 0)
    if weights is not None:
        load_starting_weights(network, str(weights), model=model, **known)
    if not finite(network):
        raise InputError("weights are not finite, so they cannot rank filters", where=weights or model)
    options = {"score": score, "min_keep": min_keep}
    plan = plan_widths(network, shape, method=method, ratio=ratio, round_to=round_to, **options)
    if classes is not None:
        require_outputs(plan.network, shape, classes, model)
    content = plan_content(
        plan, model=model, architecture=architecture, method=method, ratio=ratio, classes=classes, input_shape=shape
    )
    content |= {"network": hyperparameters} if hyperparameters else {}
    make_folder(out)
    save_weights(plan.network, out / "weights.safetensors", {"model": model, "method": method, "ratio": str(ratio)})
    write_json(out / "widths.json", content)
    return report(content, weights=weights, out=out, **options, round_to=plan.round_to)


def ranked_weights(weights, architecture: str) -> str:
    """The source of the weights that ranked the filters and were cut."""
    if weights is not None:
        return str(weights)
    return "the factory's own" if architecture == FACTORIES else "fresh initialisation, seed 0"


def report(content: dict, *, weights, out: Path, **options: float | str) -> dict:
    """What `--json` prints: the content of widths.json with the cut layers only, and what was asked for."""
    kept = {name: value for name, value in content.items() if name not in ("ratio", "layers", "modules")}
    return {
        **kept,
        "ratio_requested": content["ratio"],
        **options,
        "weights": ranked_weights(weights, content["architecture"]),
        "layers": {name: layer for name, layer in content["layers"].items() if layer["out"] < layer["of"]},
        "files": [str(out / name) for name in ("widths.json", "weights.safetensors")],
    }
