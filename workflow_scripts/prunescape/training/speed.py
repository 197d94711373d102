"""What training a network takes per image: throwaway steps on a task's own examples, as batches of a training come."""

import time
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import nn

from prunescape.space.recipe import Recipe
from prunescape.space.system_parameters import Configuration
from prunescape.tasks.contract import Task
from prunescape.tasks.system import decode_by
from prunescape.training.energy import Meter, energy_fields, nothing_used
from prunescape.training.loop import Batch
from prunescape.training.probe import SETTING_UP
from prunescape.training.step import Step, build_step, side_stream, throwaway

ROUNDS, ROUND_SECONDS = 5, 0.3


def training_speeds(
    network: nn.Module, task: Task, recipe: Recipe, configurations: Sequence[Configuration], meter: Meter
) -> list[dict[str, Any]]:
    """Seconds and joules per image of training `network` by `recipe`, in each configuration of system parameters.

    Seconds are those of the fastest of ROUNDS rounds, since anything else on the machine only makes them longer; joules
    are of all rounds, None with a reason where `meter` does not tell those of this training alone. A learning rate of 0
    keeps the weights as they are.
    """
    network.to(task.device, memory_format=torch.channels_last)
    with side_stream(task.device):
        return [_speed(network, task, recipe, configuration, meter) for configuration in configurations]


def _speed(
    network: nn.Module, task: Task, recipe: Recipe, configuration: Configuration, meter: Meter
) -> dict[str, Any]:
    splits = task.open_splits(recipe, torch.Generator().manual_seed(0))
    if configuration:
        decode_by(splits, configuration)
    batches = _endless(splits.train, recipe.batch_size)
    step = build_step([throwaway(network, recipe, task.device)], task, recipe, recipe.precision)
    for _ in range(SETTING_UP):
        step([next(batches)])
    rounds = [_round(batches, step, task.device, meter) for _ in range(ROUNDS)]
    images, seconds, used = zip(*rounds, strict=True)
    energy = energy_fields(meter, used, seconds, together=1)
    joules = energy["epoch_joules"]
    return {
        "configuration": dict(configuration),
        "seconds_per_image": min(took / count for count, took in zip(images, seconds, strict=True)),
        "joules_per_image": None if joules is None else sum(joules) / sum(images),
        "energy_reason": energy["energy_reason"],
        "images": sum(images),
    }


def _endless(split: Any, batch_size: int) -> Iterator[Batch]:
    """Batches of one pass over a split after the other."""
    while True:
        for examples, labels in split.shuffled(batch_size):
            yield Batch(examples, labels, rate=0.0)


def _round(batches: Iterator[Batch], step: Step, device: torch.device, meter: Meter) -> tuple[int, float, dict]:
    """Images, seconds and use of as many steps as fill a round, to their real end on a GPU."""
    used, images, started = nothing_used(), 0, time.perf_counter()
    meter.start()
    while not images or time.perf_counter() - started < ROUND_SECONDS:
        batch = next(batches)
        step([batch])
        images += len(batch.labels)
        if device.type == "cuda":
            torch.cuda.synchronize(device)
    seconds = time.perf_counter() - started
    meter.stop(used)
    return images, seconds, used
