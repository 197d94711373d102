"""Schedules against torch.optim.lr_scheduler, over all epochs of a training."""

import pytest
import torch
from torch import nn
from torch.optim import lr_scheduler

from prunescape.space.recipe import PARAMETERS, Recipe
from prunescape.tasks.images.task import Task
from prunescape.training.loop import start_training
from support.small_images import three_classes
from support.trainings import CPU, recipe_with

EPOCHS = 12
CASES = {
    "constant": ({}, lambda optimiser: lr_scheduler.ConstantLR(optimiser, 1.0)),
    "step": ({"milestones": (3, 7), "decay": 0.2}, lambda optimiser: lr_scheduler.MultiStepLR(optimiser, [3, 7], 0.2)),
    "exponential": (
        {"decay_rate": 0.05},
        lambda optimiser: lr_scheduler.ExponentialLR(optimiser, 0.05 ** (1 / EPOCHS)),
    ),
    "polynomial": ({"power": 2.0}, lambda optimiser: lr_scheduler.PolynomialLR(optimiser, EPOCHS, 2.0)),
    "cosine": ({}, lambda optimiser: lr_scheduler.CosineAnnealingLR(optimiser, EPOCHS)),
}


def rates_of(scheduler_of, steps: int) -> list[float]:
    """The rate of each step by torch's scheduler, at a rate of 1."""
    optimiser = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=1.0)
    scheduler, rates = scheduler_of(optimiser), []
    for _ in range(steps):
        rates.append(optimiser.param_groups[0]["lr"])
        optimiser.step()
        scheduler.step()
    return rates


def test_every_schedule_is_compared():
    assert set(CASES) == set(PARAMETERS["schedule"].levels)


@pytest.mark.parametrize("name", CASES)
def test_a_schedule_is_torchs_over_all_epochs(name):
    values, scheduler_of = CASES[name]
    recipe = Recipe(epochs=EPOCHS, batch_size=1, schedule=name, **values)
    assert [recipe.rate_factor(epoch) for epoch in range(EPOCHS)] == pytest.approx(rates_of(scheduler_of, EPOCHS))


@pytest.mark.parametrize("schedule", ["constant", "cosine"])
def test_a_warm_up_rises_by_equal_parts_from_step_to_step(schedule):
    """As torch's LinearLR, times the schedule of the epochs: 60 images in batches of 16 are 4 steps."""
    data = three_classes(60, 9, 9, channels=1, pixels=4)
    recipe = recipe_with(0.5, 0, epochs=4, batch_size=16, schedule=schedule, warmup_epochs=2)
    network = nn.Sequential(nn.Flatten(), nn.Linear(16, 3))
    training = start_training(network, Task(data, CPU), recipe, seed=0)
    rates = [batch.rate for batch in _trained(training)]
    linear = rates_of(lambda optimiser: lr_scheduler.LinearLR(optimiser, 1 / 8, 1.0, 7), 16)
    epochs = [recipe.rate_factor(step // 4) for step in range(16)]
    assert rates == pytest.approx([0.5 * rise * factor for rise, factor in zip(linear, epochs, strict=True)])
    assert [entry["learning_rate"] for entry in training.outcome.history] == pytest.approx(rates[3::4])


def _trained(training):
    for batch in training.batches():
        training.epoch.loss_sum += 1
        yield batch


def test_without_a_warm_up_a_rate_is_the_schedules_to_the_bit():
    recipe = Recipe(epochs=3, batch_size=1)
    assert {recipe.warmup_factor(step, 5) for step in range(15)} == {1.0}
    assert recipe.warmup_factor(0, 5) * 0.1 == 0.1
