"""What training takes per image, from throwaway steps."""

import torch

from prunescape.models.build import build_model, initialise
from prunescape.space.recipe import Recipe
from prunescape.tasks.images.task import Task
from prunescape.training import speed
from prunescape.training.energy import Meter
from support.small_images import three_classes
from support.trainings import CPU


def test_a_speed_has_its_seconds_and_why_there_are_no_joules_and_leaves_the_network_as_it_is(monkeypatch):
    monkeypatch.setattr(speed, "ROUND_SECONDS", 0.01)
    network = initialise(build_model("resnet_cifar", "resnet8", in_channels=1, classes=3), 0)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    recipe = Recipe(epochs=1, batch_size=8, log10_lr=-1.0, log10_wd=-4.0)
    task = Task(three_classes(20, 6, 6, channels=1, pixels=8), CPU)
    (found,) = speed.training_speeds(network, task, recipe, [{}], Meter(missing="no counter"))
    assert found["seconds_per_image"] > 0 and found["images"] >= speed.ROUNDS * 4  # the last batch of 20 images
    assert (found["joules_per_image"], found["energy_reason"]) == (None, "no counter")
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
