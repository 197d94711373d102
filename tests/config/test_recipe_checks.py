"""Hyperparameters that do not fit together are refused, defaults that do not act are not."""

import copy

import pytest

from prunescape.config import recipe_checks
from prunescape.config.study import load_study
from prunescape.errors import InputError
from support.good_config import GOOD

BASIC = {"epochs": 10, "batch_size": 64}


def study_with(recipe: dict, device: str = "cpu", **experiment):
    config = copy.deepcopy(GOOD) | {"device": device}
    config["experiments"]["e"] |= {"recipe": BASIC | recipe} | experiment
    return load_study(config, "my.yaml")


@pytest.mark.parametrize(
    "recipe",
    [
        {"optimiser": "adam"},  # momentum is 0.9 by default, and without effect
        {"optimiser": "adam", "momentum": 0.9},
        {"optimiser": "rmsprop", "momentum": 0.5, "rho": 0.99, "log10_epsilon": -8},
        {"schedule": "polynomial", "power": 2, "warmup_epochs": 10},
        {"precision": "fp64", "augmentation": "mixup", "loss_function": "kl_divergence"},
        {"optimiser": "ftrl", "schedule": "cosine"},
    ],
)
def test_what_fits_together_is_a_study(recipe):
    assert study_with(recipe).experiments["e"].recipe.epochs == 10


def test_a_gpu_may_train_in_fp16_and_tf32():
    for precision in ("fp16", "tf32"):
        assert study_with({"precision": precision}, device="cuda").device == "cuda"


@pytest.mark.parametrize("schedule", ["constant", "exponential", "polynomial", "cosine"])
def test_only_a_step_schedule_has_milestones(schedule):
    with pytest.raises(InputError, match=f"a {schedule} schedule has no milestones; hint: remove them"):
        study_with({"schedule": schedule, "milestones": [3]})


def test_an_axis_needs_an_effect():
    grid = {"log10_lr": [-1, 0], "beta1": [0.9, 0.95]}
    with pytest.raises(InputError, match=r"grid\.beta1: beta1 has no effect with optimiser sgd; hint: remove it"):
        study_with({}, grid=grid)
    assert study_with({"optimiser": "nadam"}, grid=grid).experiments["e"].grid_size == 4


def test_a_warm_up_fits_into_the_shortest_training():
    grid = {"log10_lr": [-1, 0], "epochs": [4, 10]}
    with pytest.raises(InputError, match=r"recipe\.warmup_epochs: a warm-up of 5 epochs .* allowed: 0 to 4"):
        study_with({"warmup_epochs": 5}, grid=grid)


def test_a_missing_package_is_named_when_the_config_is_read(monkeypatch):
    monkeypatch.setattr(recipe_checks, "find_spec", lambda name: None)
    with pytest.raises(InputError) as told:
        study_with({"optimiser": "ftrl"})
    said = str(told.value)
    assert said.startswith("my.yaml: experiments.e.recipe.optimiser: ftrl needs the package pytorch-optimizer")
    assert "pip install" in said and "\n" not in said


def test_an_lstm_is_refused_quantisation_aware_training():
    data = {"model": "text_lstm", "dataset": "movie-reviews", "variants": {}}
    with pytest.raises(InputError) as told:
        study_with({"internal": "int8_aware"}, **data)
    assert "experiments.e.recipe.internal: an LSTM cannot be trained with int8_aware; allowed: none" in str(told.value)
    assert study_with({"internal": "int8_after"}, **data).experiments["e"].recipe.internal == "int8_after"
