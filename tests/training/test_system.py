"""System parameters between the epochs of real trainings on an image folder: no bit changes, the best is kept."""

import json
from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch
from torch import nn

from prunescape.config.datasets import resolve_options
from prunescape.space.system_parameters import NEUTRAL, SYSTEM
from prunescape.tasks.images.image_folder import write_image_folder
from prunescape.tasks.images.prepared import load_prepared
from prunescape.tasks.images.task import Task
from prunescape.tasks.system import Decoding
from prunescape.training.energy import Meter
from prunescape.training.energy_counters import Counter
from prunescape.training.loop import start_training
from prunescape.training.system import tuning as module
from prunescape.training.system.memory import Memory
from prunescape.training.system.one_factor import (
    best_configuration,
    first_configuration,
    next_configuration,
    text_of,
)
from prunescape.training.system.opening import open_system, values_within
from prunescape.training.system.profile import events_of
from prunescape.training.system.tuning import Tuning
from prunescape.training.system.unchanged import Unchanged
from prunescape.training.together import train_together
from support.image_folders import write_tree
from support.trainings import CPU, recipe_with

TRIED = {"workers": [0, 1, 2], "prefetch": [2, 1, 3], "affinity": ["free", "bound"]}


@pytest.fixture(scope="module")
def flowers(tmp_path_factory):
    out = tmp_path_factory.mktemp("flowers")
    folder = write_tree(out / "images", train=6, val=2, suffixes=("jpg",))
    options = resolve_options("flowers", {"format": "image-folder", "folder": str(folder), "size": 12})
    files = {"data": out / "data.npz", "identity": out / "data.json"}
    write_image_folder(options, **files)
    return load_prepared(**files, folder=folder)


def trained(data, system=None, *, epochs=3, **options):
    """The weights, which draw on crops, flips, cutmix and dropout, and the training."""
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten(), nn.Dropout(0.3), nn.Linear(400, 3))
    recipe = recipe_with(0.01, 1e-3, epochs=epochs, batch_size=4, flip=True, augmentation="cutmix")
    training = start_training(network, Task(data, CPU), recipe, seed=3, system=system, **options)
    train_together([training])
    return torch.cat([parameter.detach().flatten() for parameter in network.parameters()]), training


class Changing(Unchanged):
    """Another configuration in each epoch."""

    def __init__(self, configurations):
        self.configurations = configurations

    def begin_epoch(self, training):
        module.decode_by(training.splits, self.configurations[len(training.outcome.history)])


@pytest.fixture(scope="module")
def alone(flowers):
    weights, training = trained(flowers)
    return weights, training.outcome.history


def test_every_neutral_parameter_is_tried_here_and_can_be_applied():
    """A new one has to be added above, to be shown neutral."""
    assert set(NEUTRAL) == set(TRIED) == set(Decoding.__dataclass_fields__)
    for name, values in TRIED.items():
        for value in values:
            SYSTEM[name].check(value)


@pytest.mark.parametrize(("name", "value"), [(name, value) for name in TRIED for value in TRIED[name]])
def test_a_neutral_parameter_changes_no_bit(flowers, alone, name, value):
    """In all epochs alike; where workers are needed for it to act, there are two."""
    configuration = {"workers": 2, name: value}
    weights, training = trained(flowers, Changing([configuration] * 3))
    assert torch.equal(weights, alone[0]) and training.outcome.history == alone[1]


@pytest.mark.parametrize("name", TRIED)
def test_a_neutral_parameter_that_changes_between_epochs_changes_no_bit(flowers, alone, name):
    values = (TRIED[name] * 2)[:3]
    weights, training = trained(flowers, Changing([{"workers": 1, name: value} for value in values]))
    assert torch.equal(weights, alone[0]) and training.outcome.history == alone[1]


def test_what_is_applied_reaches_the_loader(flowers, monkeypatch):
    seen = []
    monkeypatch.setattr(
        "prunescape.tasks.images.streaming.set_up", lambda loader, decoding: seen.append((loader.num_workers, decoding))
    )
    trained(flowers, Changing([{"workers": 2, "prefetch": 3, "affinity": "bound"}]), epochs=1)
    assert seen == [(0, Decoding(2, 3, "bound"))] * 2  # training and its test


def costs_of(table):
    return {text_of(first_configuration({}) | configuration): cost for configuration, cost in table}


def test_one_factor_after_another_is_tried_and_its_best_value_kept():
    """By hand: workers first, then prefetch at the best number of workers; of 3 × 2 configurations four are tried."""
    values = {"workers": [0, 2, 4], "prefetch": [2, 8]}
    truth = {(0, 2): 9.0, (2, 2): 4.0, (4, 2): 5.0, (2, 8): 3.0}
    costs, tried = {}, []
    while (following := next_configuration(values, costs)) is not None:
        place = following["workers"], following["prefetch"]
        tried.append(place)
        costs[text_of(following)] = truth[place]
    assert tried == [(0, 2), (2, 2), (4, 2), (2, 8)]
    assert best_configuration(values, costs) == {"workers": 2, "prefetch": 8, "affinity": "free"}


def test_a_parameter_that_does_not_act_is_not_tried():
    costs = costs_of([({"workers": 0}, 1.0), ({"workers": 2}, 2.0)])
    assert next_configuration({"workers": [0, 2], "prefetch": [2, 8]}, costs) is None


def test_a_training_never_has_more_workers_than_its_job_has_cores_for():
    assert values_within({"workers": [0, 2, 8]}, 3) == {"workers": [0, 2, 3]}
    assert values_within({"workers": "auto"}, 3) == {"workers": [3, 0]}
    assert values_within({"workers": [4, 8]}, 0) == {"workers": [0]}
    assert (
        type(open_system({"values": {"workers": "auto"}, "goal": "epoch_seconds", "store": None}, 0, {})) is Unchanged
    )
    assert type(open_system(None, 4, {})) is Unchanged


def tuning_of(store=None, *, values=None, goal="epoch_seconds", about=None):
    values = values or {"workers": [0, 1, 2]}
    return Tuning(values, goal=goal, memory=Memory(store, about or {"a": 1}, goal), cores=3)


def stepped(tuning, seconds_of, epochs, joules=None):
    """Drive the tuning of a training whose epochs take what `seconds_of` says of the workers."""
    training = SimpleNamespace(
        splits=SimpleNamespace(train=SimpleNamespace(), test=None, validation=None),
        meter=Meter() if joules is None else COUNTER,
        outcome=SimpleNamespace(history=[]),
    )
    workers = []
    for _ in range(epochs):
        training.epoch = SimpleNamespace(batches=0, examples=10, seconds=0.0, used={})
        tuning.begin_epoch(training)
        workers.append(training.splits.train.system.workers)
        training.epoch.seconds, training.epoch.batches = seconds_of(workers[-1]), 4
        used = {"joules": joules and joules(workers[-1]), "cpu_seconds": 9.0, "host_cpu_seconds": 9.0, "shared": False}
        training.epoch.used = used
        tuning.end_epoch(training)
        training.outcome.history.append({})
    return workers


COUNTER = Meter(Counter("rapl", "package-0", (0,), 0.001, lambda: (0,)))
SECONDS = {0: 5.0, 1: 3.0, 2: 4.0}


def test_each_epoch_tries_one_and_the_best_is_kept():
    """The first epoch warms caches up: it is profiled, and the first value is tried again in the second."""
    tuning = tuning_of()
    assert stepped(tuning, SECONDS.get, 7) == [0, 0, 1, 2, 1, 1, 1]
    record = {}
    tuning.note_in(record)
    found = record["system"]
    assert [epoch["use"] for epoch in found["epochs"]] == ["first", "probe", "probe", "probe"] + ["settled"] * 3
    assert (found["source"], found["configuration"]["workers"]) == ("probed", 1)
    assert found["gain"] == pytest.approx(5 / 3)
    assert json.loads(json.dumps(found)) == found


def test_what_was_found_is_taken_at_once_by_the_next_training(tmp_path):
    store = tmp_path / "cache" / "s.parquet"
    stepped(tuning_of(store), SECONDS.get, 5)
    following = tuning_of(store)
    assert stepped(following, SECONDS.get, 3) == [1, 1, 1]
    assert following.source == "remembered" and following.gain() == pytest.approx(5 / 3)
    assert stepped(tuning_of(store, about={"a": 2}), SECONDS.get, 2) == [0, 0], "another training"


def test_a_training_that_ends_early_leaves_the_rest_to_the_next(tmp_path):
    store = tmp_path / "s.parquet"
    first = tuning_of(store)
    assert stepped(first, SECONDS.get, 2) == [0, 0] and first.source == "unfinished"
    assert stepped(tuning_of(store), SECONDS.get, 4) == [1, 1, 2, 1], "its first epoch is not compared either"


def test_another_goal_takes_what_the_store_has_of_it(tmp_path):
    """Joules are known of every epoch that was alone, whatever the goal was."""
    store = tmp_path / "s.parquet"
    stepped(tuning_of(store), SECONDS.get, 4, joules=lambda workers: 10.0 - workers)
    thrifty = tuning_of(store, goal="joules")
    assert (thrifty.source, thrifty.configuration["workers"]) == ("remembered", 2)


def test_without_energy_nothing_is_chosen_by_it():
    tuning = tuning_of(goal="joules")
    assert stepped(tuning, SECONDS.get, 3) == [0, 0, 0]
    record = {}
    tuning.note_in(record)
    assert record["system"]["source"] == "not measured"
    assert record["system"]["problem"] == "energy was not asked for"


def test_a_part_of_an_epoch_is_not_compared(flowers):
    tuning = tuning_of()
    training = SimpleNamespace(
        splits=SimpleNamespace(train=SimpleNamespace(), test=None, validation=None),
        meter=Meter(),
        outcome=SimpleNamespace(history=[{}]),
        epoch=SimpleNamespace(batches=2, examples=5, seconds=1.0, used={}),
    )
    tuning.begin_epoch(training)
    training.epoch.used = {"joules": None, "cpu_seconds": 1.0, "host_cpu_seconds": 1.0, "shared": False}
    tuning.end_epoch(training)
    assert tuning.epochs[0]["use"] == "part" and tuning.memory.rows == []


def test_a_real_training_probes_and_has_the_weights_of_one_that_does_not(flowers, alone, tmp_path):
    settings = {"values": TRIED, "goal": "epoch_seconds", "store": str(tmp_path / "s.parquet")}
    system = open_system(settings, 2, {"data_digest": "d"})
    weights, training = trained(replace(flowers, workers=2), system)
    assert torch.equal(weights, alone[0])
    assert [epoch["use"] for epoch in system.epochs] == ["first", "probe", "probe"]
    assert [epoch["seconds"] for epoch in system.epochs] == training.outcome.seconds
    (profile,) = [json.loads(row["profile"]) for row in system.memory.rows if row["profile"]]
    assert {"images", "bytes", "training user_seconds", "workers user_seconds"} <= set(profile)
    rate = 18 / training.outcome.seconds[0]
    assert 10 ** profile["images"] == pytest.approx(rate, rel=0.5)


def test_perf_says_what_was_counted():
    """Lines as perf 6.1 writes them, an event that this host does not have among them."""
    said = "<not supported>,,cycles,0,100.00,,\n681.8,msec,task-clock:u,681810,100.00,0.309,CPUs\n50,,page-faults\n"
    assert events_of(said) == {"task-clock": 681.8, "page-faults": 50.0}
