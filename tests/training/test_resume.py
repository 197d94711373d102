"""An interrupted training, saved and gone on with: bit for bit the training that nothing interrupted."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

from prepare_data import prepare_data
from prunescape.errors import Stopped
from prunescape.pruning.variant_plan import write_widths
from prunescape.store.files import read_json, write_json
from prunescape.tasks.images.prepared import PreparedData
from prunescape.tasks.images.task import Task
from prunescape.training.checkpointing import Checkpointer
from prunescape.training.loop import Training, start_training
from prunescape.training.together import train_together
from support.cells import BASE_PLAN, base_cell, cell_files
from support.project import SCRIPTS
from support.small_images import prepared_files, three_classes
from support.trainings import CPU, TIMES, Interrupting, recipe_with

RECIPE = recipe_with(0.05, 0.01, epochs=3, batch_size=16, schedule="cosine", crop_padding=1, flip=True)
CHANGED = (*TIMES, "resumes")


@pytest.fixture(scope="module")
def data() -> PreparedData:
    return three_classes(60, 30, 20, channels=2, pixels=8)


def fresh(data, recipe=RECIPE, **hooks) -> Training:
    """Everything that has a state: momentum, batch norm, dropout, crops and flips."""
    torch.manual_seed(3)
    layers = [nn.Conv2d(2, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Dropout(0.3), nn.Linear(144, 3)]
    return start_training(nn.Sequential(*layers), Task(data, CPU), recipe, seed=7, **hooks)


def go_on(data, file, after=10**9, key="key", recipe=RECIPE) -> Training:
    checkpointer = Interrupting(file, key)
    checkpointer.after = after
    training = fresh(data, recipe, between_batches=checkpointer.between_batches)
    checkpointer.resume(training)
    train_together([training])
    return training


def assert_same(training: Training, other: Training) -> None:
    mine, others = training.outcome, other.outcome
    assert mine.history == others.history and mine.test.loss == others.test.loss
    assert torch.equal(mine.test.correct, others.test.correct)
    assert torch.equal(mine.validation.correct, others.validation.correct)
    states = (training.network.state_dict(), other.network.state_dict())
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[1])
    assert len(mine.seconds) == len(others.seconds) == RECIPE.epochs


@pytest.fixture(scope="module")
def undisturbed(data) -> Training:
    training = fresh(data)
    train_together([training])
    return training


@pytest.mark.parametrize("after", range(1, 16))
def test_interrupted_anywhere_it_comes_to_the_same(data, undisturbed, tmp_path, after):
    """An epoch is 4 batches of training and 1 of testing: 15 places, those before and in a test among them."""
    file = tmp_path / "checkpoint.safetensors"
    with pytest.raises(Stopped, match=f"in epoch {(after - 1) // 5 + 1} after {min((after - 1) % 5 + 1, 4)} batches"):
        go_on(data, file, after)
    torch.rand(5)  # what others draw meanwhile must not matter
    assert_same(go_on(data, file), undisturbed)


def test_interrupted_again_and_again_it_comes_to_the_same(data, undisturbed, tmp_path):
    file, interruptions = tmp_path / "checkpoint.safetensors", 0
    while True:
        try:
            training = go_on(data, file, 2)
            break
        except Stopped:
            interruptions += 1
    assert interruptions > 5
    assert_same(training, undisturbed)


@pytest.mark.parametrize("augmentation", ["mixup", "cutmix"])
@pytest.mark.parametrize(
    "others",
    [
        {"optimiser": "nadam", "schedule": "polynomial", "warmup_epochs": 2, "partition": "80-10-10"},
        {"optimiser": "ftrl", "schedule": "exponential", "precision": "fp64", "loss_function": "poisson"},
        {"optimiser": "rmsprop", "precision": "fp16", "data_share": 0.7, "label_smoothing": 0.1},
    ],
    ids=lambda others: others["optimiser"],
)
def test_every_kind_of_state_is_gone_on_with(data, tmp_path, augmentation, others):
    """In the middle of an epoch: mixed batches, means of squares, products, scales of the loss, rates of a warm-up."""
    recipe, file = replace(RECIPE, augmentation=augmentation, **others), tmp_path / "checkpoint.safetensors"
    with pytest.raises(Stopped):
        go_on(data, file, 6, recipe=recipe)
    training, whole = go_on(data, file, recipe=recipe), fresh(data, recipe)
    train_together([whole])
    assert_same(training, whole)


def test_a_checkpoint_of_something_else_is_not_used(data, undisturbed, tmp_path):
    file = tmp_path / "checkpoint.safetensors"
    with pytest.raises(Stopped):
        go_on(data, file, 7, key="other recipe, code or data")
    assert_same(go_on(data, file), undisturbed)


@pytest.mark.parametrize("damage", ["cut", "flip"])
def test_a_damaged_checkpoint_is_named_and_not_used(data, undisturbed, tmp_path, capsys, damage):
    file = tmp_path / "checkpoint.safetensors"
    with pytest.raises(Stopped):
        go_on(data, file, 7)
    content = bytearray(file.read_bytes())
    if damage == "cut":
        del content[-10:]
    else:
        content[len(content) // 2] ^= 4
    file.write_bytes(content)
    assert_same(go_on(data, file), undisturbed)
    said = capsys.readouterr().err
    assert "starts from scratch" in said and str(file) in said and "Traceback" not in said


def test_it_is_saved_now_and_then_by_a_clock_that_nobody_sets(data, tmp_path, monkeypatch):
    """Half an interval after the last time nothing is written; set wall clocks do not matter."""
    checkpointer, training = Checkpointer(tmp_path / "checkpoint.safetensors", "key", every=20.0), fresh(data)
    now = time.monotonic()
    monkeypatch.setattr(time, "time", lambda: 0.0)
    for seconds, written in ((10, False), (21, True), (31, False), (42, True)):
        checkpointer.file.unlink(missing_ok=True)
        monkeypatch.setattr(time, "monotonic", lambda seconds=seconds: now + seconds)
        checkpointer.between_batches(training)
        assert checkpointer.file.exists() is written, seconds


@pytest.fixture(scope="module")
def study(tmp_path_factory) -> Path:
    """What a cell of ResNet-8 on digits needs, with epochs of a few tenths of a second."""
    out = tmp_path_factory.mktemp("cell")
    options = {"name": "digits", "test": 100, "train": 400, "validation": 0, "split_seed": 0}
    prepare_data(options, **prepared_files(out, "digits"))
    write_widths(BASE_PLAN, identity=out / "digits.json", weights=None, out=out / "widths.json")
    recipe = {"epochs": 24, "batch_size": 32, "schedule": "cosine", "crop_padding": 1, "precision": "fp32"}
    digest = read_json(out / "digits.json")["digest"]
    write_json(out / "shared.json", {"recipe": recipe, "code": "code", "data": digest})
    return out


PROCESS = """
import json, sys
from prunescape.running.job_log import job_log
from train_cell import train_cell
with job_log(sys.argv[1]):
    train_cell(**json.loads(sys.argv[2]))
"""


def start(study: Path, out: Path) -> subprocess.Popen:
    """A training in a process of its own, as a job runs it."""
    out.mkdir(exist_ok=True)
    inputs = {"shared": study / "shared.json", "widths": study / "widths.json", **prepared_files(study, "digits")}
    arguments = {"cell": base_cell().content, "files": cell_files(out, **inputs), "device": "cpu"}
    environment = {**os.environ, "PYTHONPATH": str(SCRIPTS)}
    command = [sys.executable, "-c", PROCESS, str(out / "train.log"), json.dumps(arguments)]
    return subprocess.Popen(command, env=environment)


def epochs_in(log: Path) -> int:
    return log.read_text().count("train_loss=") if log.exists() else 0


@pytest.fixture(scope="module")
def wanted(study) -> dict:
    """The record of the cell that nothing interrupted."""
    assert start(study, study / "whole").wait(120) == 0
    return read_json(study / "whole/record.json")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
def test_a_training_that_is_asked_to_end_leaves_where_it_was(study, wanted, tmp_path, number):
    """Preemption, a time limit, a user: it says so, exits as a shell would, and the retry loses nothing."""
    asked, out = start(study, tmp_path / "asked"), tmp_path / "asked"
    while asked.poll() is None and epochs_in(out / "train.log") < 5:
        time.sleep(0.02)
    asked.send_signal(number)
    assert asked.wait(60) == 128 + number
    done = epochs_in(out / "train.log")
    assert f"error: stopped by signal {int(number)} in epoch {done + 1} after" in (out / "train.log").read_text()
    assert not (out / "record.json").exists() and not (out / "weights.safetensors").exists()
    assert start(study, out).wait(120) == 0
    log = (out / "train.log").read_text()
    assert log.startswith(f"going on in epoch {done + 1} after") and epochs_in(out / "train.log") == 24 - done
    found = read_json(out / "record.json")
    assert (found["resumes"], wanted["resumes"]) == (1, 0)
    assert found["provenance"]["weights_digest"] == wanted["provenance"]["weights_digest"]
    assert {name: value for name, value in found.items() if name not in CHANGED} == {
        name: value for name, value in wanted.items() if name not in CHANGED
    }
