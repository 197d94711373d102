"""Loss scaling against torch's GradScaler, and trainings in fp64."""

import copy

import pytest
import torch
from torch import nn

from prunescape.models.weights import load_weights, save_weights
from prunescape.tasks.images.task import Task
from prunescape.training import loss_scaling, together
from prunescape.training.loop import optimiser_for, start_training
from prunescape.training.loss_scaling import ScaledOptimiser
from prunescape.training.together import train_together
from support.small_images import three_classes
from support.trainings import CPU, recipe_with

RECIPE = recipe_with(0.1, 0.01, epochs=2, batch_size=20, precision="fp16")


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Flatten(), nn.Linear(16, 3))


def test_loss_scaling_is_that_of_torch(monkeypatch):
    """Steps whose gradients overflow are left out; the scale falls and grows as GradScaler's."""
    monkeypatch.setattr(loss_scaling, "INTERVAL", 3)
    mine, theirs = network(), network()
    optimiser = optimiser_for(mine, RECIPE)
    reference = torch.optim.SGD(theirs.parameters(), lr=0.1, momentum=0.9, weight_decay=RECIPE.weight_decay)
    scaler = torch.amp.GradScaler("cpu", growth_interval=3)
    for step in range(9):
        images = torch.randn(4, 16, generator=torch.Generator().manual_seed(step)) * (1e38 if step in (2, 6) else 1)
        (mine(images).square().mean() * optimiser.scale).backward()
        optimiser.step(0.1)
        reference.zero_grad()
        scaler.scale(theirs(images).square().mean()).backward()
        scaler.step(reference)
        scaler.update()
        assert optimiser.scale == scaler.get_scale()
    assert optimiser.scale != loss_scaling.FIRST
    assert all(map(torch.equal, mine.parameters(), theirs.parameters()))


def test_a_scale_goes_on_from_its_saved_state():
    trained = network()
    optimiser = optimiser_for(trained, RECIPE)
    trained(torch.full((1, 16), 1e38)).square().sum().backward()
    optimiser.step(0.1)
    trained(torch.ones(1, 16)).sum().backward()
    optimiser.step(0.1)
    again = optimiser_for(copy.deepcopy(trained), RECIPE)
    again.restore(optimiser.state())
    assert (again.scale, again.updates) == (optimiser.scale, optimiser.updates) == (2.0**15, 1)
    assert again.inner.state().keys() == optimiser.inner.state().keys() != set()


def test_a_training_in_fp16_learns_and_goes_alone_on_a_gpu():
    training = start_training(network(), Task(three_classes(60, 30, 20, channels=1, pixels=4), CPU), RECIPE, seed=0)
    assert isinstance(training.optimiser, ScaledOptimiser)
    assert together.why_alone(training) == "a step of fp16 cannot be captured"
    train_together([training])
    losses = [entry["train_loss"] for entry in training.outcome.history]
    assert losses[1] < losses[0] and training.network[1].weight.dtype == torch.float32


@pytest.mark.parametrize("count", [1, 2])
def test_fp64_is_more_exact_than_fp32(tmp_path, count):
    """The same trainings, alone or stacked, in both: near each other, with weights of float64 and saved as float32."""
    data, found = three_classes(60, 30, 20, channels=1, pixels=4), {}
    for precision in ("fp32", "fp64"):
        recipe = recipe_with(0.1, 0.01, epochs=2, batch_size=20, precision=precision)
        trainings = [start_training(network(), Task(data, CPU), recipe, seed=seed) for seed in range(count)]
        train_together(trainings)
        found[precision] = trainings[0]
    double, single = found["fp64"], found["fp32"]
    assert {parameter.dtype for parameter in double.network.parameters()} == {torch.float64}
    assert double.outcome.test.loss == pytest.approx(single.outcome.test.loss, rel=1e-5)
    assert double.outcome.test.loss != single.outcome.test.loss
    save_weights(double.network.float(), tmp_path / "weights")
    loaded = network()
    load_weights(loaded, tmp_path / "weights")
    torch.testing.assert_close(loaded[1].weight, single.network[1].weight, rtol=1e-4, atol=1e-6)
