"""Cells that train in step, as one network: each comes to what it reaches alone. On a GPU, where there is one.

Independent source: the same trainings alone, one network after another, by code that stacks and captures nothing.
"""

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from prunescape.config.models import architecture_of
from prunescape.errors import Stopped
from prunescape.models.build import build_model, initialise
from prunescape.space.recipe import Recipe
from prunescape.tasks.images.prepared import PreparedData
from prunescape.tasks.images.task import Task
from prunescape.training import together
from prunescape.training.checkpointing import Checkpointer
from prunescape.training.device import computed_in, forward, reproducible_device
from prunescape.training.loop import Training, start_training
from prunescape.training.together import train_together
from support.cells import base_cell, cell_files
from support.small_images import prepared_files, three_classes
from support.trainings import TIMES, Interrupting
from train_cell import together_of, train_cell, train_cells

DEVICE = reproducible_device("cuda" if torch.cuda.is_available() else "cpu")
RECIPE = Recipe(epochs=2, batch_size=32, schedule="cosine", crop_padding=2, flip=True)
RATES = (0.05, 0.1, 0.02)
CHANGED = (*TIMES, "together")


@pytest.fixture(scope="module")
def data() -> PreparedData:
    return three_classes(80, 30, 20, channels=3, pixels=16)


def trainings(data, rates=RATES, *, model="resnet8", recipe=RECIPE, hooks=({},) * 9) -> list[Training]:
    """One training for each learning rate, each with another seed, weight decay and momentum."""
    made: list[Training] = []
    for seed, rate in enumerate(rates):
        network = initialise(build_model(architecture_of(model), model, in_channels=3, classes=3), seed)
        logarithms = {"log10_lr": math.log10(rate), "log10_wd": math.log10(1e-3 * (seed + 1))}
        mine = replace(recipe, **logarithms, momentum=(0.9, 0.0, 0.8)[seed])
        beside = made[0] if made else None
        made.append(start_training(network, Task(data, DEVICE), mine, seed=seed, beside=beside, **hooks[seed]))
    return made


def train_alone(training: Training) -> None:
    """Train to the end without anything of step.py."""
    for batch in training.batches():
        with computed_in(training.recipe.precision):
            images = training.task.inputs(batch.examples)
            logits = forward(training.network, images, training.recipe.precision)
            loss = nn.functional.cross_entropy(logits, batch.labels)
            loss.backward()
        training.optimiser.step(batch.rate)
        training.epoch.add(logits, batch.labels, loss)


def assert_alike(training: Training, alone: Training, tolerance: float) -> None:
    weights, wanted = training.network.state_dict(), alone.network.state_dict()
    for name, tensor in wanted.items():
        torch.testing.assert_close(weights[name], tensor, rtol=tolerance, atol=tolerance, msg=name)
    mine, others = training.outcome, alone.outcome
    assert len(mine.history) == len(others.history) and mine.diverged == others.diverged
    for entry, other in zip(mine.history, others.history, strict=True):
        assert entry["train_loss"] == pytest.approx(other["train_loss"], rel=tolerance)
    assert torch.equal(mine.test.correct, others.test.correct)
    assert torch.equal(mine.validation.correct, others.validation.correct)


ON_CPU = pytest.mark.skipif(DEVICE.type == "cuda", reason="a GPU's kernels round otherwise in groups")


@pytest.mark.parametrize(("model", "images"), [("resnet8", 80), pytest.param("mobilenet_v2", 20, marks=ON_CPU)])
def test_each_comes_to_what_it_reaches_alone(data, model, images):
    """Grouped and depthwise convolutions, batch norms, shortcuts, linear layers; a last batch that is smaller.

    The deeper network for one step of each only, before rounding has grown.
    """
    some = replace(data, train_images=data.train_images[:images], train_labels=data.train_labels[:images])
    recipe = RECIPE if images == 80 else replace(RECIPE, epochs=1)
    stacked = trainings(some, model=model, recipe=recipe)
    train_together(stacked)
    for training, single in zip(stacked, trainings(some, model=model, recipe=recipe), strict=True):
        train_alone(single)
        assert_alike(training, single, tolerance=1e-4)
    assert len({training.outcome.history[-1]["train_loss"] for training in stacked}) == 3


@pytest.mark.parametrize("model", ["resnet20", "mobilenet_v2"])
def test_a_step_together_is_as_exact_as_one_alone(data, model):
    """Grouped and depthwise convolutions, batch norms, shortcuts, linear layers. Source: a step in float64.

    In float32 a few of a million activations lie on the other side of 0, here or there: 0.06 % of the update of
    ResNet-20 and 2 % of MobileNetV2's are then another, alone too.
    """
    some = replace(data, train_images=data.train_images[:20], train_labels=data.train_labels[:20])
    settings = {"model": model, "recipe": replace(RECIPE, epochs=1)}
    stacked, alone = trainings(some, **settings), trainings(some, **settings)
    train_together(stacked)
    errors = []
    for mine, single, exact in zip(stacked, alone, trainings(some, **settings), strict=True):
        before = weights(exact)
        step_in_float64(exact)
        train_alone(single)
        for name, statistic in exact.network.named_buffers():
            mine_too = mine.network.get_buffer(name).to(statistic.dtype)
            torch.testing.assert_close(mine_too, statistic, rtol=1e-3, atol=1e-4, msg=name)
        update = (weights(exact) - before).norm()
        errors.append([((weights(one) - weights(exact)).norm() / update).item() for one in (mine, single)])
    stacked_error, alone_error = np.mean(errors, axis=0)
    assert stacked_error < 3 * alone_error and alone_error < 0.1


def weights(training: Training) -> torch.Tensor:
    """All parameters of the network, float64 (n,)."""
    return torch.cat([parameter.detach().double().flatten() for parameter in training.network.parameters()])


def step_in_float64(training: Training) -> None:
    batch = next(training.batches())
    network = training.network.double()
    settings = {"momentum": training.recipe.momentum, "weight_decay": training.recipe.weight_decay}
    optimiser = torch.optim.SGD(network.parameters(), lr=batch.rate, **settings)
    nn.functional.cross_entropy(network(training.task.inputs(batch.examples).double()), batch.labels).backward()
    optimiser.step()


def test_one_alone_comes_to_the_same_bits(data):
    (fused,), (alone,) = trainings(data, RATES[:1]), trainings(data, RATES[:1])
    train_together([fused])
    train_alone(alone)
    for entry, other in zip(fused.outcome.history, alone.outcome.history, strict=True):
        assert entry == pytest.approx(other, rel=1e-6), "the mean loss of a batch is added up in another order"
    for mine, other in zip(fused.network.state_dict().values(), alone.network.state_dict().values(), strict=True):
        assert torch.equal(mine, other)


def test_one_that_diverges_leaves_the_others_alone(data):
    calm, others = trainings(data), trainings(data, (RATES[0], 1e30, RATES[2]))
    train_together(calm)
    train_together(others)
    assert others[1].outcome.diverged and len(others[1].outcome.history) == 1
    for place in (0, 2):
        assert others[place].outcome.history == calm[place].outcome.history
        for mine, other in zip(others[place].network.parameters(), calm[place].network.parameters(), strict=True):
            assert torch.equal(mine, other)


def test_bf16_differs_no_more_together_than_alone(data):
    """Both are a rounding away from the training in fp32, whose loss after one step of each is the source."""
    losses = {}
    for precision in ("fp32", "bf16"):
        recipe = Recipe(epochs=1, batch_size=80, precision=precision)
        stacked, alone = trainings(data, recipe=recipe), trainings(data, recipe=recipe)
        train_together(stacked)
        for training in alone:
            train_alone(training)
        losses[precision] = [[one.outcome.history[0]["train_loss"] for one in each] for each in (stacked, alone)]
    exact = np.array(losses["fp32"][1])
    assert losses["fp32"][0] == pytest.approx(exact, rel=1e-5)
    assert np.abs(np.array(losses["bf16"]) - exact).max() < 0.02 * exact.max()
    assert (np.array(losses["bf16"][0]) != exact).all(), "bf16 was really used"


@pytest.mark.parametrize("after", [1, 2, 3, 4, 5])
def test_stopped_all_are_saved_and_go_on_to_the_same_bits(data, tmp_path, after):
    whole = trainings(data)
    train_together(whole)
    checkpointers = [Interrupting(tmp_path / str(seed), "key") for seed in range(3)]
    checkpointers[1].after, checkpointers[1].asked_too = after, checkpointers
    with pytest.raises(Stopped):
        train_together(trainings(data, hooks=[{"between_batches": each.between_batches} for each in checkpointers]))
    on = trainings(data)
    for training, place in zip(on, range(3), strict=True):
        Checkpointer(tmp_path / str(place), "key").resume(training)
    assert len({training.steps for training in on}) == 1, "equally far"
    train_together(on)
    for training, other in zip(on, whole, strict=True):
        assert training.outcome.history == other.outcome.history
        for mine, wanted in zip(training.network.parameters(), other.network.parameters(), strict=True):
            assert torch.equal(mine, wanted)


def job(finished, folder, seed: int, rate: str = "-1.0") -> dict:
    """The arguments of a cell of the tiny study, its results in a separate folder."""
    results, out = finished.work / "results/tiny", folder / str(seed)
    out.mkdir(parents=True)
    small = results / "experiment=small"
    inputs = {"shared": small / "shared.json", "widths": small / "variant=base/widths.json"}
    files = cell_files(out, **inputs, **prepared_files(results / "data", "digits"))
    cell = base_cell("small", seed, log10_lr=rate, log10_wd=-4).content
    return {"cell": cell, "files": files, "device": DEVICE.type, "workers": 0}


@pytest.mark.parametrize("most", [5, 2])
def test_cells_together_leave_the_records_of_cells_alone(finished, tmp_path, monkeypatch, most):
    """All at once, and where the memory is for two; each with its epochs in its own log, its weights sealed."""
    monkeypatch.setattr("prunescape.training.cell_job.most_together", lambda training: (most, None))
    wanted = [job(finished, tmp_path / "alone", seed) for seed in range(3)]
    for arguments in wanted:
        train_cell(**arguments)
    jobs = [job(finished, tmp_path / "together", seed) for seed in range(3)]
    train_cells([(str(tmp_path / f"{seed}.log"), arguments) for seed, arguments in enumerate(jobs)])
    for seed, (mine, other) in enumerate(zip(jobs, wanted, strict=True)):
        record, alone = (json.loads(Path(arguments["files"]["record"]).read_text()) for arguments in (mine, other))
        assert record["together"] == (3 if most == 5 else (2, 1, 2)[seed]) and alone["together"] == 1
        for name in set(alone) - {*CHANGED, "history", "sha256"}:
            assert record[name] == (pytest.approx(alone[name], rel=1e-3) if name.endswith("loss") else alone[name]), (
                name
            )
        assert len(record["history"]) == len(alone["history"])
    lines = (tmp_path / "1.log").read_text().splitlines()
    assert lines[0] == "3 cells train together" if most == 5 else lines[0].startswith("epoch=")
    assert sum(line.startswith("epoch=") for line in lines) == len(record["history"])


def test_cells_train_together_where_networks_of_one_stack_may_differ():
    def key(**setting) -> str:
        cell = base_cell("small", **{"log10_lr": -1, "log10_wd": -4} | setting).content
        return together_of("cuda", cell, "widths.json", "auto").key

    assert key(log10_lr=-2, momentum=0.5) == key(momentum=0.9) == key()
    assert len({key(), key(batch_size=32), key(batch_size=64), key(epochs=3), key(flip=True)}) == 5


@pytest.fixture
def gpu(monkeypatch):
    """A GPU with 10 GB free that counts no memory, as far as most_together looks at one."""
    for name in ("empty_cache", "reset_peak_memory_stats"):
        monkeypatch.setattr(torch.cuda, name, lambda *device: None)
    for name in ("memory_allocated", "max_memory_allocated"):
        monkeypatch.setattr(torch.cuda, name, lambda *device: 0)
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda *device: (10_000_000_000, 80_000_000_000))


def test_as_many_train_together_as_there_is_memory_for(data, gpu, monkeypatch):
    """90 % of 10 GB, half of it for a step: 300 MB for the first and 200 for each other one leave room for 22."""
    (training,) = trainings(data, RATES[:1])
    assert together.most_together(training)[0] > 1000, "really tried: one and two fit, and cost nothing here"
    monkeypatch.setattr(together, "_step_memory", lambda training, batch, count: 100_000_000 + 200_000_000 * count)
    assert together.most_together(training) == (22, None)
    monkeypatch.setattr(together, "_step_memory", lambda training, batch, count: 20_000_000_000 * count)
    assert together.most_together(training) == (1, None)
    before = [parameter.clone() for parameter in training.network.parameters()]
    assert all(map(torch.equal, before, trainings(data, RATES[:1])[0].network.parameters())), "nothing was trained"


def test_what_cannot_be_fused_trains_alone(data, gpu, capsys):
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten(), nn.Dropout(0.3), nn.Linear(784, 3))
    recipe = replace(RECIPE, log10_lr=-1.0, log10_wd=-4.0)
    most, reason = together.most_together(start_training(network, Task(data, DEVICE), recipe, seed=0))
    assert most == 1 and f"trained alone: {reason}" in capsys.readouterr().err


@pytest.mark.parametrize("optimiser", ["adagrad", "ftrl"])
def test_an_optimiser_that_no_graph_can_hold_trains_alone(data, gpu, optimiser):
    recipe = replace(RECIPE, log10_lr=-1.0, log10_wd=-4.0, optimiser=optimiser)
    training = start_training(nn.Sequential(nn.Flatten(), nn.Linear(192, 3)), Task(data, DEVICE), recipe, seed=0)
    assert together.most_together(training) == (1, f"a step of {optimiser} cannot be captured")
