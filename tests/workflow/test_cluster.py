"""What submitted jobs ask for, by the config: defaults, rules of their own, growth; mistakes in one line. No Slurm."""

import copy
import re

import pytest

from prunescape.config.cluster import SUBMITTED, Cluster
from prunescape.config.study import load_study
from prunescape.errors import InputError
from support.project import TINY_STUDY

SHELL = [
    *("a;b", "a b", "$(touch pwned)", "`id`", "a'b", 'a"b', "a\nb", "a\n"),
    *("-w n1", "--wrap=id", "", "a>b", "a\\b", "ä"),
]


def with_cluster(**cluster):
    return copy.deepcopy(TINY_STUDY) | {"cluster": cluster}


def test_a_rule_asks_for_what_it_does_not_name_as_all_do():
    cluster = Cluster(partition="long", account="lab", minutes=60, rules={"train_cell": {"partition": "gpu"}})
    assert cluster.request("train_cell").partition == "gpu"
    assert cluster.request("train_cell").account == cluster.request("export_onnx").account == "lab"
    assert cluster.request("export_onnx").partition == "long"
    assert cluster.minutes_of("train_cell", 1) == 60


def test_each_retry_asks_for_more_up_to_the_most():
    """Worked by hand: 100 x 1.5^2 = 225, and 7 x 1.5 = 10.5 minutes, of which Slurm takes whole ones."""
    cluster = Cluster(minutes=7, memory_mb=100, growth=1.5, max_memory_mb=200)
    assert [cluster.minutes_of("train_cell", attempt) for attempt in (1, 2)] == [7, 11]
    assert [cluster.memory_mb_of("train_cell", attempt) for attempt in (1, 2, 3)] == [100, 150, 200]
    assert Cluster(memory_mb=100).memory_mb_of("train_cell", 3) == 225
    assert Cluster(minutes=9, growth=1).minutes_of("plan_variant", 4) == 9


@pytest.mark.parametrize("key", ["partition", "account", "qos", "constraint", "gpu_model"])
@pytest.mark.parametrize("text", SHELL)
def test_nothing_that_a_shell_reads_gets_through(key, text):
    for place in (with_cluster(**{key: text}), with_cluster(rules={"train_cell": {key: text}})):
        with pytest.raises(InputError, match=rf"cluster\.(rules\.train_cell\.)?{key}: "):
            load_study(place)


@pytest.mark.parametrize("text", SHELL)
def test_a_slurm_targets_constraint_is_held_to_the_same(text):
    for key in ("constraint", "partition"):
        with pytest.raises(InputError, match=rf"targets\.node\.{key}: "):
            load_study(copy.deepcopy(TINY_STUDY) | {"targets": {"node": {"kind": "slurm", key: text}}})


@pytest.mark.parametrize("text", ["a100", "a100|h100", "[rack1|rack2]", "(a&b)|c", "intel*4", "gpu:2,ib"])
def test_slurms_grammar_of_constraints_is_taken(text):
    assert load_study(with_cluster(constraint=text)).cluster.request("train_cell").constraint == text


@pytest.mark.parametrize(
    ("cluster", "words"),
    [
        ({"partitoin": "a"}, "cluster.partitoin: unknown key (its value: 'a'); allowed: partition, account, qos"),
        ({"rules": {"train_cell": {"minuts": 1}}}, "cluster.rules.train_cell.minuts: unknown key"),
        ({"rules": {"train_cell": {"minuts": 1}}}, 'did you mean "minutes"?'),
        ({"rules": {"train_cell": {"growth": 2}}}, "cluster.rules.train_cell.growth: unknown key"),
        ({"rules": {"train_cells": {}}}, 'did you mean "train_cell"?'),
        ({"rules": {"collect_study": {}}}, "cluster.rules.collect_study"),
        ({"minutes": 0}, "cluster.minutes: 0 cannot be used"),
        ({"memory_mb": "2G"}, "cluster.memory_mb: '2G' cannot be used"),
        ({"memory_mb": True}, "cluster.memory_mb: True"),
        ({"growth": 0.5}, "cluster.growth: 0.5 cannot be used"),
        ({"growth": float("nan")}, "cluster.growth: nan cannot be used"),
    ],
)
def test_a_clusters_mistakes_are_one_line(cluster, words):
    with pytest.raises(InputError) as caught:
        load_study(with_cluster(**cluster))
    assert words in str(caught.value) and "\n" not in str(caught.value)


def asked_in(output):
    """The resources of each rule that asks for time, in a dry run; of several jobs the last one's."""
    found = re.findall(r"\nrule (\w+):.*?\n    resources: ([^\n]*)", output, re.DOTALL)
    asked = {rule: dict(item.split("=", 1) for item in line.split(", ")) for rule, line in found}
    return {rule: resources for rule, resources in asked.items() if "runtime" in resources}


def test_every_submitted_rule_asks_and_a_cluster_is_no_reason_to_run_again(finished):
    everything, one = ("--dry-run", "--forceall"), {"train_cell": {"minutes": 30, "account": "lab"}}
    try:
        finished.configure(with_cluster(minutes=5, partition="long", growth=2, rules=one) | {"cells_per_gpu": 4})
        assert finished.planned() == set()
        asked = asked_in(finished.run(*everything))
        assert set(asked) == set(SUBMITTED)
        minutes = dict.fromkeys(SUBMITTED, "5") | {"train_cell": "30"}
        assert {rule: jobs["runtime"] for rule, jobs in asked.items()} == minutes
        assert {jobs["mem_mb"] for jobs in asked.values()} == {"2000"}
        assert asked["train_cell"]["slurm_account"] == "lab" and asked["train_cell"]["slurm_partition"] == "long"
        assert not {"gpu", "gpu_model", "constraint", "qos"} & set(asked["train_cell"])
        own = ("--set-resources", "train_cell:mem_mb=9000", "train_cell:slurm_partition=short")
        asked = asked_in(finished.run(*everything, *own))
        assert (asked["train_cell"]["mem_mb"], asked["export_onnx"]["mem_mb"]) == ("9000", "2000")
        assert asked["train_cell"]["slurm_partition"] == "short"
    finally:
        finished.configure(TINY_STUDY)


def test_a_gpu_of_a_model_is_asked_for_where_there_is_one_to_ask_for(finished):
    try:
        finished.configure(with_cluster(gpu_model="a100") | {"device": "cuda"})
        asked = asked_in(finished.run("--dry-run", "--forceall"))
        assert {rule for rule, jobs in asked.items() if "gpu" in jobs} == {"train_cell"}
        assert {rule for rule, jobs in asked.items() if "gpu_model" in jobs} == {"train_cell"}
        assert (asked["train_cell"]["gpu"], asked["train_cell"]["gpu_model"]) == ("1", "a100")
    finally:
        finished.configure(TINY_STUDY)
