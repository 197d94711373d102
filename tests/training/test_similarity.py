"""Profiles that are near a known one, against numpy's own distances, and what is taken over from there."""

import numpy as np
import pytest

from prunescape.training.system.memory import Memory
from prunescape.training.system.one_factor import first_configuration
from prunescape.training.system.similarity import most_similar
from prunescape.training.system.tuning import Tuning

CENTRES = {"decoding": (0.0, 3.0, 1.0), "computing": (4.0, 0.0, 1.0), "waiting": (8.0, 5.0, 1.0)}
NAMES = ("images", "faults", "constant")


def profiles(count=6, seed=0):
    """Three kinds of trainings, so many of each; the third feature is the same everywhere."""
    random = np.random.default_rng(seed)
    noise = np.array([0.2, 0.2, 0.0])
    return {
        f"{kind}-{number}": dict(zip(NAMES, np.array(centre) + noise * random.normal(size=3), strict=True))
        for kind, centre in CENTRES.items()
        for number in range(count)
    }


@pytest.mark.parametrize("kind", CENTRES)
def test_a_profile_like_the_known_ones_of_a_kind_is_near(kind):
    """k follows from the data; distance and limit are recomputed with numpy from the members of the kind."""
    known = profiles()
    found = most_similar(known, dict(zip(NAMES, CENTRES[kind], strict=True)))
    assert (found.clusters, found.near) == (3, True)
    assert found.nearest.startswith(kind)
    table = np.array([[each[name] for name in NAMES] for each in known.values()])
    spread = np.where(table.std(0) > 0, table.std(0), 1)
    members = np.array([[each[name] for name in NAMES] for key, each in known.items() if key.startswith(kind)])
    distances = np.linalg.norm((members - members.mean(0)) / spread, axis=1)
    assert found.limit == pytest.approx(np.quantile(distances, 0.95))
    assert found.distance == pytest.approx(np.linalg.norm((np.array(CENTRES[kind]) - members.mean(0)) / spread))


def test_a_profile_of_another_kind_is_not_near():
    found = most_similar(profiles(), dict(zip(NAMES, (4.0, 6.0, 1.0), strict=True)))
    assert not found.near and found.distance > found.limit


def test_too_few_or_equal_profiles_tell_nothing():
    known = profiles()
    assert most_similar({}, known["waiting-0"]) is None
    assert most_similar({key: known[key] for key in list(known)[:3]}, known["waiting-0"]) is None
    assert most_similar(dict.fromkeys("abcdef", known["waiting-0"]), known["waiting-0"]) is None
    assert most_similar(known, {"another": 1.0}) is None


def remembered(tmp_path):
    """A store that knows decoding trainings, best with 4 workers, and computing ones, best with none."""
    store = tmp_path / "s.parquet"
    for key, profile in profiles().items():
        kind = key.partition("-")[0]
        memory = Memory(store, {"key": key}, "epoch_seconds")
        first = first_configuration({})
        memory.add(first, 9.0, None, profile)
        for workers in (0, 4):
            faster = (workers == 4) == (kind == "decoding")
            memory.add(first | {"workers": workers}, 1.0 if faster else 2.0, None)
    return store


@pytest.mark.parametrize(("kind", "workers"), [("decoding", 4), ("computing", 0)])
def test_a_new_training_takes_over_what_was_best_for_similar_ones(tmp_path, kind, workers):
    memory = Memory(remembered(tmp_path), {"key": "new"}, "epoch_seconds")
    tuning = Tuning({"workers": [0, 2, 4]}, goal="epoch_seconds", memory=memory, cores=5)
    assert tuning._like_a_known_one(dict(zip(NAMES, CENTRES[kind], strict=True)))
    assert (tuning.source, tuning.configuration["workers"]) == ("similar", workers)
    assert tuning.similar["near"] and tuning.similar["clusters"] == 3


def test_what_is_not_allowed_here_is_not_taken_over(tmp_path):
    memory = Memory(remembered(tmp_path), {"key": "new"}, "epoch_seconds")
    tuning = Tuning({"workers": [0, 2]}, goal="epoch_seconds", memory=memory, cores=3)
    assert tuning._like_a_known_one(dict(zip(NAMES, CENTRES["decoding"], strict=True)))
    assert tuning.configuration["workers"] == 0, "the best of what is allowed and was tried"
    other = Tuning({"workers": [3, 2]}, goal="epoch_seconds", memory=memory, cores=4)
    assert not other._like_a_known_one(dict(zip(NAMES, CENTRES["decoding"], strict=True)))
    assert not other.settled


def test_a_damaged_store_costs_a_line_and_no_training(tmp_path, capfd):
    store = tmp_path / "s.parquet"
    store.write_bytes(b"no")
    memory = Memory(store, {"key": "new"}, "epoch_seconds")
    memory.add(first_configuration({}), 1.0, None)
    assert "left aside" in memory.problem and len(memory.costs()) == 1
    assert capfd.readouterr().err.count("\n") == 1
    assert store.read_bytes() == b"no"
