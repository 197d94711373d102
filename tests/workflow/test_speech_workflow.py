"""A study of speech, really run through Snakemake on small recordings in the true format, and what is refused."""

import json

import pytest

from prunescape.config.study import load_study
from prunescape.errors import InputError
from support.project import Project, experiment
from support.small_speech import TONES, write_tree

RECIPE = {"epochs": 8, "batch_size": 16, "schedule": "cosine", "augmentation": "time_shift"}
M5 = experiment(
    model="m5_small", dataset="speech-commands", recipe=RECIPE, variants={"nonuniform": [0.8]}, select_on="validation"
)
STUDY = {
    "study": "speech",
    "datasets": {"speech-commands": {"folder": "recordings", "validation": 8}},
    "experiments": {"m5": M5},
    "targets": {"here": {"repeats": 2, "chunk_seconds": 0.001, "precisions": ["fp32", "int8"]}},
}
CELL = "log10_lr=-1.0/log10_wd=-4.0/seed=0/record.json"


@pytest.mark.long
def test_a_study_of_speech_is_trained_cut_exported_and_measured(tmp_path):
    project = Project(tmp_path, STUDY)
    write_tree(project.work / "recordings", train=16, validation=2, test=8)
    project.run()

    def read(path: str) -> dict:
        return json.loads((project.work / "results/speech" / path).read_text())

    base, cut = (read(f"experiment=m5/variant={name}/{CELL}") for name in ("base", "nonuniform-0.8"))
    assert (base["tested"], base["val_tested"], base["classes"]) == (32, 8, len(TONES))
    assert base["top1"] > 75 and cut["ratio_achieved"] == pytest.approx(0.8, rel=0.01)
    measured = read("experiment=m5/target=here.json")
    assert len(measured["models"]) == len(measured["latency"]) == 4 and not measured["not_run"]
    exact = [model for model in measured["models"] if model["precision"] == "fp32"]
    assert all(model["accuracy_agrees"] and model["tested"] == 32 for model in exact)
    assert project.planned() == set()
    project.configure(STUDY | {"datasets": {"speech-commands": {"folder": "elsewhere", "validation": 8}}})
    assert project.planned() == set(), "where the recordings lie decides nothing"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"recipe": RECIPE | {"flip": True}},
            r"recipe\.flip: True has no meaning for the clips of speech-commands; allowed: false; hint: remove flip",
        ),
        (
            {"recipe": RECIPE | {"augmentation": "mixup"}},
            r"recipe\.augmentation: mixup has no meaning for the clips .*; allowed: none, time_shift",
        ),
        ({"recipe": RECIPE | {"scaling": "robust"}}, r"recipe\.scaling: robust has no meaning for the clips"),
        (
            {"model": "resnet8"},
            r"e\.model: speech-commands holds clips, and resnet8 takes images; allowed: m5, m5_small; hint: take",
        ),
        (
            {"dataset": "digits"},
            r"e\.dataset: m5_small takes clips, and digits holds images; allowed: speech-commands; hint: take a data",
        ),
        ({"dataset": "imdb"}, r"e\.dataset: m5_small takes clips, and imdb holds texts; allowed: speech-commands"),
        (
            {"dataset": "digits", "model": "resnet8", "select_on": "test"},
            r"recipe\.augmentation: time_shift has no meaning for the images of digits; allowed: none, randaugment",
        ),
        ({"network": {"filters": 3}}, r"network\.filters: the network of m5_small has no hyperparameter"),
        (
            {"system": {"parameters": {"memory_format": ["contiguous", "channels_last"]}}},
            r"memory_format: speech-commands holds clips, and memory_format is one of images",
        ),
    ],
)
def test_what_speech_does_not_take_is_refused_in_one_line(changes, message):
    with pytest.raises(InputError, match=message) as told:
        load_study({**STUDY, "targets": {}, "experiments": {"e": M5 | changes}})
    assert "\n" not in str(told.value)
