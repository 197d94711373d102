"""Trainings on the CPU without files: a network, prepared data and a recipe. Needs torch."""

import math
import signal

import torch
from torch import nn

from prunescape.space.recipe import Recipe
from prunescape.tasks.images.prepared import PreparedData, PreparedFolder
from prunescape.tasks.images.task import Task
from prunescape.training.cell_record import cell_record
from prunescape.training.checkpointing import Checkpointer
from prunescape.training.loop import Outcome, Training, start_training
from prunescape.training.together import train_together
from support.cells import base_cell

CPU = torch.device("cpu")
# fields of a record that a clock, the host and what else runs there decide
TIMES = (
    *("seconds", "epoch_seconds", "images_per_second", "peak_memory_bytes", "provenance", "epoch_joules"),
    *(
        "compile_seconds",
        "epoch_cpu_seconds",
        "epoch_host_cpu_seconds",
        "energy_source",
        "energy_covers",
        "energy_reason",
    ),
)
WIDTHS = {"model": "m", "ratio_achieved": 1.0, "flops": 1, "parameters": 2}


def recipe_with(learning_rate: float, weight_decay: float, **others) -> Recipe:
    """The recipe of a cell; a weight decay of 0 has the logarithm −∞."""
    log10_wd = math.log10(weight_decay) if weight_decay else -math.inf
    return Recipe(log10_lr=math.log10(learning_rate), log10_wd=log10_wd, **others)


def train(network: nn.Module, data: PreparedData | PreparedFolder, recipe: Recipe, **options) -> Outcome:
    """Train `network` in place; `options` are those of `start_training`."""
    training = start_training(network, Task(data, CPU), recipe, **options)
    train_together([training])
    return training.outcome


def record_of(outcome: Outcome, data: PreparedData, **setting) -> dict:
    """The record of the cell at this setting whose training came to `outcome`."""
    counts = {"train": len(data.train_labels), "test": len(data.test_labels)}
    counts |= {} if data.validation_labels is None else {"validation": len(data.validation_labels)}
    identity = {"dataset": "blobs", "classes": data.classes, **counts}
    return cell_record(base_cell(**setting), outcome, task=Task(data, CPU), widths=WIDTHS, identity=identity)


class Interrupting(Checkpointer):
    """A checkpointer: after so many more batches, of training or testing, it and `asked_too` are asked to end."""

    after, asked_too = 10**9, ()

    def between_batches(self, training: Training) -> None:
        self.after -= 1
        if self.after == 0:
            for checkpointer in (self, *self.asked_too):
                checkpointer.asked = signal.SIGTERM
        super().between_batches(training)
