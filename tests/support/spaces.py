"""An experiment with a space of hyperparameters instead of a grid, as a config has it."""

import copy

from support.project import TINY_RECIPE

SPACE = {
    "log10_lr": {"low": -3, "high": 0},
    "batch_size": [25, 50, 100],
    "momentum": [0.0, 0.5, 0.9],
    "schedule": ["step", "cosine"],
    "decay": [0.1, 0.5],
}
DESIGN = {"kind": "random", "trials": 6, "seed": 1, "space": SPACE}
PRIOR = {"log10_lr": -1.0, "log10_wd": -4.0}


def space_experiment(design: dict | None = None, **changes) -> dict:
    """ResNet-8 on digits with one pruned variant and a random design; `design` are changes of that, `...` removes."""
    known = {"model": "resnet8", "dataset": "digits", "recipe": dict(TINY_RECIPE), "variants": {"uniform": [0.5]}}
    known |= {"pruning": {"round_to": 1}, "prior": PRIOR}
    changed = copy.deepcopy(DESIGN) | (design or {})
    known["design"] = {name: value for name, value in changed.items() if value is not ...}
    return known | changes


def space_study(design: dict | None = None, **changes) -> dict:
    """A study of that experiment, called `e`."""
    study = {"study": "trials", "datasets": {"digits": {"train": 200, "test": 100}}, "targets": {}}
    return study | {"experiments": {"e": space_experiment(design, **changes)}}
