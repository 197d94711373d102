"""Trainings on the CPU without files: a network, prepared data and a recipe. Needs torch."""

import math

import torch
from torch import nn

from prunescape.space.recipe import Recipe
from prunescape.tasks.images.prepared import PreparedData, PreparedFolder
from prunescape.tasks.images.task import Task
from prunescape.training.loop import Outcome, start_training
from prunescape.training.together import train_together

CPU = torch.device("cpu")


def recipe_with(learning_rate: float, weight_decay: float, **others) -> Recipe:
    """The recipe of a cell; a weight decay of 0 has the logarithm −∞."""
    log10_wd = math.log10(weight_decay) if weight_decay else -math.inf
    return Recipe(log10_lr=math.log10(learning_rate), log10_wd=log10_wd, **others)


def train(network: nn.Module, data: PreparedData | PreparedFolder, recipe: Recipe, **options) -> Outcome:
    """Train `network` in place; `options` are those of `start_training`."""
    training = start_training(network, Task(data, CPU), recipe, **options)
    train_together([training])
    return training.outcome
