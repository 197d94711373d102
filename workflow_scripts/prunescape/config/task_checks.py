"""What must fit together between the model and recipe of an experiment and the task of its data set."""

from typing import Any, get_args

from prunescape.config.datasets import (
    IMAGES,
    OTHER_TASKS,
    channels_of,
    examples_called,
    examples_of,
    is_image_folder,
    task_of,
)
from prunescape.config.experiment import Experiment
from prunescape.config.models import MODELS_OF, TORCHVISION, WHOLE, task_of_model
from prunescape.config.recipe_checks import check_parts
from prunescape.errors import InputError
from prunescape.space.levels import OF_SPEECH, Augmentations

OF_NO_IMAGES = {"crop_padding": [0], "flip": [False], "scaling": ["standard"]}
# by task, the only values that it takes of hyperparameters that change other examples than its own
TAKEN = {
    "images": {"augmentation": [level for level in get_args(Augmentations) if level not in OF_SPEECH]},
    "text": {**OF_NO_IMAGES, "augmentation": ["none"]},
    "speech": {**OF_NO_IMAGES, "augmentation": ["none", *OF_SPEECH]},
}


def check_data(experiment: Experiment, options: dict[str, Any], where: str) -> None:
    """Raise InputError, below the key `where`, for a model, recipe or choice of settings that the data set cannot have.

    `options` are the resolved ones of the data set.
    """
    _check_task(experiment, options, where)
    _check_taken(experiment, options, where)
    if task_of(options) == IMAGES:
        _check_images(experiment, options, where)
    check_parts(experiment, options, where)


def _check_task(experiment: Experiment, options: dict[str, Any], where: str) -> None:
    """Whether the model is one for the task of the data set, and may be cut where it is pruned."""
    name, model = options["name"], experiment.model
    task, own = task_of(options), task_of_model(model)
    held, taken = examples_called(task), examples_called(own)
    if own not in (task, IMAGES):
        what, hint = f"{model} takes {taken}, and {name} holds {held}", f"take a data set of {taken}, or another model"
        raise InputError(what, where=f"{where}.dataset", allowed=", ".join(OTHER_TASKS[own].DATASETS), hint=hint)
    if own != task:
        what, hint = f"{name} holds {held}, and {model} takes {taken}", f"take a model of {held}, or another data set"
        raise InputError(what, where=f"{where}.model", allowed=", ".join(MODELS_OF[task]), hint=hint)
    if model in WHOLE and experiment.variants:
        place = f"{where}.variants.{next(iter(experiment.variants))}"
        what, hint = f"{model} has no layer that may be cut", "set variants: {}, or take text_cnn"
        raise InputError(what, where=place, allowed="the base only", hint=hint)


def _check_taken(experiment: Experiment, options: dict[str, Any], where: str) -> None:
    """Refuse values of hyperparameters that change examples of another task than the data set's."""
    for parameter, taken in TAKEN.get(task_of(options), {}).items():
        found = [value for value in experiment.values_of(parameter) if value not in taken]
        if found:
            place = f"{where}.{experiment.section_of(parameter)}.{parameter}"
            what = f"{found[-1]} has no meaning for the {examples_of(options)} of {options['name']}"
            allowed = ", ".join(str(value).lower() for value in taken)
            raise InputError(what, where=place, allowed=allowed, hint=f"remove {parameter}")


def _check_images(experiment: Experiment, options: dict[str, Any], where: str) -> None:
    channels = channels_of(options)
    if experiment.model.startswith(TORCHVISION) and channels != 3:
        what = f"{experiment.model} takes images with 3 channels, and {options['name']} has {channels}"
        raise InputError(what, where=f"{where}.dataset", hint="take one of our models, or another data set")
    padding = max(experiment.values_of("crop_padding"))
    if is_image_folder(options) and padding:
        hint = f"{options['name']} is cropped from images resized to `resize` pixels, without padding"
        place = f"{where}.{experiment.section_of('crop_padding')}.crop_padding"
        raise InputError(f"{padding} has no meaning here", where=place, allowed="0", hint=hint)
