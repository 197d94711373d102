"""The section `system` of an experiment: what is refused, in one line, and how many cores a cell declares."""

import copy
from pathlib import Path

import pytest

from prunescape.config.datasets import resolve_options
from prunescape.config.study import load_study
from prunescape.config.system import System, default_store
from prunescape.config.workers import cores_of_cell, tried_while_training
from prunescape.errors import InputError
from prunescape.running import early_checks
from prunescape.running.early_checks import check_system
from prunescape.store.system_store import append_observations
from prunescape.training.energy_counters import NoCounterError
from support.good_config import GOOD

FOLDER = {"format": "image-folder", "folder": "x", "size": 12}
UNSAID, SAID = resolve_options("flowers", FOLDER), resolve_options("flowers", FOLDER | {"workers": 3})
DIGITS = resolve_options("digits", {})


def study_of(system: dict, dataset: str = "flowers", **options) -> dict:
    study = copy.deepcopy(GOOD) | {"datasets": {"flowers": FOLDER | options}}
    study["experiments"]["e"] |= {"dataset": dataset, "system": system}
    return study


@pytest.mark.parametrize(
    ("system", "more", "line"),
    [
        (
            {"parameters": {"workrs": [1]}},
            {},
            'parameters: there is no system parameter "workrs"; allowed: workers, prefetch, affinity, threads, '
            'precision, memory_format; hint: did you mean "workers"?',
        ),
        (
            {"parameters": {"workers": [0, 2.5]}},
            {},
            "parameters.workers: 2.5 is no value of workers; allowed: a whole number from 0 to 256",
        ),
        (
            {"parameters": {"workers": [0, 257]}},
            {},
            "parameters.workers: 257 is no value of workers; allowed: a whole number from 0 to 256",
        ),
        (
            {"parameters": {"affinity": ["fre"]}},
            {},
            "parameters.affinity: 'fre' is no value of affinity; allowed: free, bound; hint: did you mean \"free\"?",
        ),
        (
            {"parameters": {"workers": 2}},
            {},
            "parameters.workers: 2 is no list of values; allowed: auto, or a list, each a whole number from 0 to 256; "
            "hint: did you mean [2]?",
        ),
        (
            {"parameters": {"workers": "AUTO"}},
            {},
            "parameters.workers: 'AUTO' is no list of values; allowed: auto, or a list, each a whole number from 0 to "
            '256; hint: did you mean "auto"?',
        ),
        (
            {"parameters": {"affinity": "Free"}},
            {},
            "parameters.affinity: 'Free' is no list of values; allowed: a list, each free, bound; hint: did you mean "
            "[free]?",
        ),
        (
            {"parameters": {"workers": [1]}, "store": "None"},
            {},
            "store: None would be a file of that name; allowed: the path of a file, or none; hint: did you mean "
            '"none"?',
        ),
        (
            {"parameters": {"prefetch": [2, 2]}},
            {},
            "parameters.prefetch: 2 is given more than once; allowed: each value once",
        ),
        (
            {"parameters": {"threads": [0]}},
            {},
            "parameters.threads: 0 is no value of threads; allowed: a whole number from 1 to 256",
        ),
        (
            {"parameters": {"precision": ["fp32", "tf32"]}},
            {},
            "parameters.precision: a CPU has no tf32; allowed: fp32, bf16",
        ),
        (
            {"parameters": {}},
            {},
            "parameters: no system parameter is named; allowed: workers, prefetch, affinity, threads, "
            "precision, memory_format",
        ),
        (
            {"parameters": {"workers": [0, 2]}},
            {"dataset": "digits"},
            "parameters.workers: nothing is decoded beside a training on digits, whose examples are in memory; hint: "
            "leave workers out",
        ),
        (
            {"parameters": {"workers": [0, 2]}},
            {"workers": 3},
            "parameters.workers: the data set flowers has the option workers: 3 already; hint: give one of the two",
        ),
        (
            {"parameters": {"workers": [1]}, "goal": "watts"},
            {},
            "goal: 'watts' cannot be used; allowed: 'epoch_seconds' or 'joules'",
        ),
        (
            {"parameters": {"workers": [1]}, "store": ""},
            {},
            "store: an empty path; allowed: the path of a file, or none",
        ),
        (
            {"parameters": {"workers": [1]}, "store": "a\0b"},
            {},
            "store: 'a\\x00b' is no path; allowed: the path of a file, or none",
        ),
        (
            {"parameters": {"workers": [1]}, "store": "missing/" + 256 * "a" + "/s.parquet"},
            {},
            f"store: 'missing/{51 * 'a'} is no path; allowed: the path of a file, or none",
        ),
        (
            {"parameters": {"workers": [1]}, "store": 101 * "é"},
            {},
            f"store: the name of '{59 * 'é'} is too long; allowed: a name of up to 200 bytes",
        ),
        (
            {"parameters": {"workers": [1]}, "store": "~/system.parquet"},
            {},
            f"store: ~/system.parquet would be a folder called ~; hint: did you mean {Path.home()}/system.parquet?",
        ),
        (
            {"workers": [0, 2]},
            {},
            "workers: unknown key (its value: [0, 2]); allowed: parameters, goal, store; hint: give it in "
            "system.parameters.workers",
        ),
    ],
)
def test_what_is_wrong_is_one_line(system, more, line):
    with pytest.raises(InputError) as caught:
        load_study(study_of(system, **more), "s.yaml")
    assert str(caught.value) == f"s.yaml: experiments.e.system.{line}"


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"device": "cuda"}, "threads: threads acts on a CPU; hint: leave threads out"),
        (
            {"recipe": {"precision": "bf16"}},
            "precision: the recipe has the precision bf16 already; hint: give one of the two",
        ),
    ],
)
def test_what_is_settled_twice_or_nowhere_is_refused(changes, line):
    study = study_of({"parameters": {"threads": [1, 2], "precision": ["fp32", "bf16"]}}, dataset="digits")
    study["experiments"]["e"]["recipe"] = study["experiments"]["e"]["recipe"] | changes.pop("recipe", {})
    with pytest.raises(InputError) as caught:
        load_study(study | changes, "s.yaml")
    assert str(caught.value) == f"s.yaml: experiments.e.system.parameters.{line}"


def test_a_precision_to_settle_is_one_that_is_settled_once():
    study = load_study(study_of({"parameters": {"precision": ["fp32", "bf16"]}}, dataset="digits"))
    assert study.experiments["e"].declared_recipe["precision"] == "auto"
    assert load_study(GOOD).experiments["e"].settled_values == {}


def test_workers_are_found_beside_what_is_settled():
    settled = System(parameters={"threads": [1, 2]})
    assert tried_while_training(settled, UNSAID, "cpu")["values"] == {"workers": "auto"}
    assert tried_while_training(settled, DIGITS, "cpu") is None
    assert tried_while_training(settled, UNSAID, "cuda") is None


def test_a_study_without_the_section_is_the_same_as_before():
    assert "system" not in load_study(GOOD).summary()["experiments"]["e"]
    assert load_study(study_of({"parameters": {"workers": [0]}})).summary()["experiments"]["e"]["system"]["goal"]


def test_a_cell_declares_as_many_cores_as_it_may_use():
    asked = System(parameters={"workers": [0, 2, 6]})
    assert cores_of_cell(asked, UNSAID, "cpu", spare=0) == 7
    assert cores_of_cell(System(parameters={"prefetch": [1, 2]}), SAID, "cpu", spare=9) == 4
    assert cores_of_cell(None, SAID, "cpu", spare=9) == 4
    assert cores_of_cell(None, DIGITS, "cpu", spare=9) == 1


def test_workers_that_nobody_asked_for_take_spare_cores_only():
    """With more cells than cores none is spare, and each cell takes one core, as before."""
    assert [cores_of_cell(None, UNSAID, "cpu", spare) for spare in (0, 1, 3, 40)] == [1, 2, 4, 5]
    assert cores_of_cell(None, UNSAID, "cuda", 0) == 5
    assert cores_of_cell(System(parameters={"workers": "auto"}), UNSAID, "cpu", 2) == 3
    assert tried_while_training(None, UNSAID, "cpu")["values"] == {"workers": "auto"}
    assert tried_while_training(None, UNSAID, "cuda") is None
    assert tried_while_training(None, SAID, "cpu") is tried_while_training(None, DIGITS, "cpu") is None


def test_the_store_is_in_the_users_cache_unless_another_is_named(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert default_store() == tmp_path / "prunescape" / "system.parquet"
    stores = [System(parameters={"workers": [1]}, store=store).store_path for store in (None, "none", "a/b.parquet")]
    assert stores == [str(default_store()), None, "a/b.parquet"]


def test_energy_as_goal_needs_a_counter_of_the_host(monkeypatch):
    def none():
        raise NoCounterError("no RAPL on this host")

    monkeypatch.setattr(early_checks, "rapl_counter", none)
    system = System(parameters={"workers": [0, 2]}, goal="joules", store="none")
    with pytest.raises(InputError) as caught:
        check_system({"e": system}, "cpu")
    assert str(caught.value) == (
        "experiments.e.system.goal: no energy counter here (no RAPL on this host); allowed: epoch_seconds here; hint: "
        "goal: epoch_seconds"
    )


def test_a_named_store_that_cannot_be_written_stops_a_run(tmp_path):
    (tmp_path / "file").touch()
    for store, said in ((tmp_path / "file" / "s.parquet", "cannot be written"), (tmp_path, "this is a folder")):
        system = System(parameters={"workers": [0, 2]}, store=str(store))
        with pytest.raises(InputError, match=rf"^experiments\.e\.system\.store.*: {said}"):
            check_system({"e": system}, "cpu")


def test_a_cache_folder_that_is_no_path_holds_no_store(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / (256 * "a")))
    assert check_system({"e": System(parameters={"workers": [0, 2]})}, "cpu") == []
    with pytest.raises(InputError, match=r": cannot be written: File name too long$"):
        append_observations(default_store(), [])


def test_looking_whether_a_store_can_be_written_makes_nothing(tmp_path):
    check_system({"e": System(parameters={"workers": [0, 2]}, store=str(tmp_path / "new" / "s.parquet"))}, "cpu")
    assert not any(tmp_path.iterdir())


def test_a_store_that_cannot_be_read_is_named_once_and_left_as_it_is(tmp_path):
    store = tmp_path / "s.parquet"
    store.write_bytes(b"PAR1 no more")
    system = System(parameters={"workers": [0, 2]}, store=str(store))
    (line,) = check_system({"e": system, "f": system}, "cpu")
    assert line.startswith(f"{store}: the Parquet file is damaged") and "left aside" in line
    assert store.read_bytes() == b"PAR1 no more"
    assert [path.name for path in tmp_path.iterdir()] == ["s.parquet"]
