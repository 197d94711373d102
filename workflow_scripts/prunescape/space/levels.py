"""The levels of the recipe's categorical hyperparameters, and under which of them others act.

No result follows from this file: a new level trains nothing again (running/code_digest.py).
"""

from typing import Literal

# modules of training/optimisers; `ftrl` needs the package pytorch-optimizer
Optimisers = Literal["sgd", "nesterov", "rmsprop", "adam", "adamw", "adagrad", "adadelta", "adamax", "nadam", "ftrl"]
Schedules = Literal["constant", "step", "exponential", "polynomial", "cosine"]
# modules of training/losses
Losses = Literal["cross_entropy", "binary_cross_entropy", "kl_divergence", "poisson", "mean_squared_error"]
# modules of tasks/images/augmentations; time_shift is of speech (tasks/speech/task.py)
Augmentations = Literal["none", "randaugment", "mixup", "cutmix", "time_shift"]
Scalings = Literal["standard", "none", "robust", "minmax"]  # tasks/images/scaling.py
Partitions = Literal["none", "60-20-20", "70-15-15", "80-10-10", "90-5-5"]  # tasks/parts.py
AUTO = "auto"  # settled once per experiment: no value of a cell
Precisions = Literal["fp32", "tf32", "bf16", "fp16", "fp64", "auto"]
Internals = Literal["none", "compiled", "int8_after", "int8_aware"]  # modules of training/internal
OF_SPEECH = ("time_shift",)  # augmentations
# hyperparameters whose levels, but for "none" and OF_SPEECH, are modules of ours that a cell loads by name
LOADED = {
    "optimiser": "prunescape.training.optimisers",
    "loss_function": "prunescape.training.losses",
    "augmentation": "prunescape.tasks.images.augmentations",
    "internal": "prunescape.training.internal",
}


def loaded_module(name: str, level: str) -> str | None:
    """The module that a cell with this level of the hyperparameter `name` loads; None where it loads none."""
    return f"{LOADED[name]}.{level}" if name in LOADED and level not in ("none", *OF_SPEECH) else None


STEPS = (("schedule", ("step",)),)
EXPONENTIAL = (("schedule", ("exponential",)),)
POLYNOMIAL = (("schedule", ("polynomial",)),)
VELOCITY = (("optimiser", ("sgd", "nesterov", "rmsprop")),)
MEANS = (("optimiser", ("adam", "adamw", "adamax", "nadam")),)
SQUARES = (("optimiser", ("rmsprop", "adadelta")),)
DIVIDED = (("optimiser", ("rmsprop", "adam", "adamw", "adagrad", "adadelta", "adamax", "nadam")),)
