"""Networks compiled by torch's inductor: the numbers of those that are not, timed apart, gone on with to the bit."""

import os
import time
from functools import partial
from pathlib import Path

import pytest
import torch
from torch import nn

from prunescape.errors import InputError, Stopped
from prunescape.store.files import private_folder
from prunescape.tasks.images.task import Task
from prunescape.training import together
from prunescape.training.loop import Training, start_training
from prunescape.training.together import train_together
from support.small_images import three_classes
from support.trainings import CPU, Interrupting, recipe_with


def fresh(internal: str, **options) -> Training:
    """Dropout, batch norm and momentum have a state; of 60 images in batches of 24 the last are fewer."""
    recipe = recipe_with(0.05, 0.01, epochs=2, batch_size=24, internal=internal, **options.pop("recipe", {}))
    torch.manual_seed(3)
    rate = options.pop("dropout", 0.0)
    layers = [nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Dropout(rate), nn.Linear(16, 3)]
    data = three_classes(60, 30, 30, channels=1, pixels=4)
    return start_training(nn.Sequential(*layers), Task(data, CPU), recipe, seed=7, **options)


@pytest.fixture
def without_inductor(monkeypatch):
    """What is traced runs as it is, so that a test takes no minute."""
    monkeypatch.setattr(torch, "compile", partial(torch.compile, backend="aot_eager"))


def trained(training: Training) -> Training:
    train_together([training])
    return training


def test_compilation_is_no_time_of_an_epoch(without_inductor):
    """The record of the whole training's time has it."""
    started = time.perf_counter()
    training = trained(fresh("compiled"))
    taken = time.perf_counter() - started
    spent, epochs = training.internal.compile_seconds, training.outcome.seconds
    assert 0.05 < spent < taken and spent + sum(epochs) < taken
    assert epochs[0] < spent, "the first epoch compiled for both sizes of a batch"
    assert together.why_alone(training) == "a step of compiled cannot be captured"
    assert trained(fresh("none")).internal.compile_seconds is None


def test_what_is_compiled_leaves_nothing_behind(without_inductor):
    before, places = set(os.listdir(private_folder())), os.environ.get("TORCHINDUCTOR_CACHE_DIR")
    training = fresh("compiled")
    with training.internal.running(training):
        folder = Path(os.environ["TORCHINDUCTOR_CACHE_DIR"])
        assert folder.parents[1] == private_folder()
    assert not folder.parent.exists() and set(os.listdir(private_folder())) <= before | {"headers"}
    assert os.environ.get("TORCHINDUCTOR_CACHE_DIR") == places


def test_compile_seconds_add_up_over_interruptions(without_inductor, tmp_path):
    first = Interrupting(tmp_path / "checkpoint", "key")
    first.after = 4
    training = fresh("compiled", between_batches=first.between_batches)
    with pytest.raises(Stopped):
        train_together([training])
    spent = training.internal.compile_seconds
    again = Interrupting(tmp_path / "checkpoint", "key")
    training = fresh("compiled", between_batches=again.between_batches)
    again.resume(training)
    assert training.internal.compile_seconds == spent > 0
    assert trained(training).internal.compile_seconds > spent


def test_a_network_that_cannot_be_compiled_is_one_line(monkeypatch):
    def broken(graph, inputs):
        raise ValueError("no kernel for this\nand more")

    monkeypatch.setattr(torch, "compile", partial(torch.compile, backend=broken))
    with pytest.raises(InputError, match=r"recipe\.internal: the network cannot be compiled: .*no kernel") as told:
        train_together([fresh("compiled")])
    assert "\n" not in str(told.value) and "take internal: none" in str(told.value)


@pytest.mark.parametrize("precision", ["bf16", "fp64"])
def test_what_is_traced_is_the_network_in_its_precision(without_inductor, precision):
    mine, reference = (trained(fresh(internal, recipe={"precision": precision})) for internal in ("compiled", "none"))
    assert_near(mine, reference)


def assert_near(mine: Training, reference: Training) -> None:
    for entry, expected in zip(mine.outcome.history, reference.outcome.history, strict=True):
        assert entry["train_loss"] == pytest.approx(expected["train_loss"], rel=1e-4)
        assert entry["test_loss"] == pytest.approx(expected["test_loss"], rel=1e-4)
    assert mine.network.state_dict().keys() == reference.network.state_dict().keys()


@pytest.mark.long
def test_inductor_computes_what_torch_does():
    assert_near(*(trained(fresh(internal)) for internal in ("compiled", "none")))


@pytest.mark.long
def test_interrupted_it_comes_to_the_same_bits(tmp_path):
    """Dropout in kernels draws from torch's state, too."""
    about = {"dropout": 0.3, "recipe": {"precision": "bf16"}}
    whole = trained(fresh("compiled", **about))
    first = Interrupting(tmp_path / "checkpoint", "key")
    first.after = 2  # within an epoch: what comes next is a batch of another size
    with pytest.raises(Stopped):
        train_together([fresh("compiled", between_batches=first.between_batches, **about)])
    again = Interrupting(tmp_path / "checkpoint", "key")
    training = fresh("compiled", between_batches=again.between_batches, **about)
    again.resume(training)
    assert trained(training).outcome.history == whole.outcome.history
    mine, expected = training.network.state_dict(), whole.network.state_dict()
    assert all(torch.equal(mine[name], expected[name]) for name in expected)
