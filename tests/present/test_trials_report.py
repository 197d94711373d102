"""What the report and the end of a run say of trials, from tables written by hand."""

import pandas as pd
import pytest

from prunescape.config.study import load_study
from prunescape.present.labels import setting_text
from prunescape.present.report.table import ExperimentResults
from prunescape.present.report.trials import (
    LIMITS,
    best_sentences,
    best_table,
    design_pairs,
    design_sentence,
    limits,
    trials_table,
)
from prunescape.present.summary import trial_lines
from support.spaces import SPACE, space_study

SETTING = {"batch_size": 25, "log10_lr": -1.5, "schedule": "cosine", "decay": None}
BEST = pd.DataFrame(
    [
        {"variant": "uniform-0.5", "arm": "all", "setting": "A", "score": 60.0, "top1": 50.0} | SETTING,
        {"variant": "base", "arm": "all", "setting": "B", "score": 70.0, "top1": 65.0} | SETTING | {"batch_size": 50},
    ]
).assign(experiment="e", place=1, rank_by="train_top1", trial=3)


def trials(arms=("all",), number=3) -> pd.DataFrame:
    return pd.DataFrame([{"arm": arm, "trial": trial} for arm in ("default", *arms) for trial in range(number)])


@pytest.mark.parametrize(
    ("design", "arms", "said"),
    [
        ({}, ("all",), "Random design over 5 hyperparameters: settings are drawn at random, seed 1, 3 trials. Every"),
        (
            {"arms": "liao2022", "space": SPACE | {"crop_padding": {"low": 0, "high": 9}}},
            ("all", "all-again"),
            "3 trials in each of 2 arms (all, all-again), the arms of liao2022",
        ),
        ({"kind": "factorial", "trials": ..., "seed": ..., "space": {"batch_size": [25, 50]}}, ("all",), "Factorial"),
    ],
)
def test_a_design_in_words(design, arms, said):
    plan = load_study(space_study(design)).summary()["experiments"]["e"]
    assert said in design_sentence(plan, trials(arms))
    assert dict(design_pairs(plan, trials(arms)))["batch size"].startswith("25, 50")


def test_a_setting_in_words_leaves_out_what_does_not_act():
    assert setting_text(SETTING | {"flip": True, "host": "here"}) == (
        "batch size 25, random flips on, log10 learning rate −1.5, schedule cosine"
    )


def test_the_best_of_each_variant_with_its_fresh_seeds():
    confirmed = pd.DataFrame([{"variant": "base", "setting": "B", "place": 1, "seeds": 5, "top1": 61.25}])
    tables = {"best_settings": BEST, "confirmations": confirmed}
    results = ExperimentResults(None, 0.5, pd.DataFrame(), tables)
    (first,), (second,) = (best_sentences(results, variant) for variant in ("base", "uniform-0.5"))
    assert first.startswith("The best setting by top-1 over the last epoch's training images (70.00 %) has 65.00 %")
    assert first.endswith("schedule cosine. With 5 fresh seeds it has 61.25 % on average.")
    assert "fresh" not in second
    lines = trial_lines(BEST)
    assert lines[0] == "e: best setting per variant by train_top1, arm all" and lines[1].startswith("  base: 65.00 %")


def test_of_many_best_settings_the_first_of_each_arm_are_shown():
    many = pd.concat([BEST.assign(arm=f"arm {arm}", place=place) for arm in range(3) for place in range(1, 11)])
    shown, whole = best_table(many), best_table(BEST)
    assert {row[2] for row in shown.rows} == {"1", "2", "3"} and len(shown.rows) == 2 * 3 * 3
    assert "best_settings.csv has all" in shown.notes[0] and "csv" not in whole.notes[0]


def test_trials_are_counted_by_arm_and_variant():
    rows = pd.DataFrame(
        [
            {"arm": arm, "variant": "base", "trial": trial, "status": status, "top1": top1, "stage": "trial"}
            for arm, trial, status, top1 in [
                ("all", 0, "ok", 90.0),
                ("all", 1, "diverged", 10.0),
                ("all", 2, "ok", 80.0),
                ("default", 0, "ok", 99.0),
            ]
        ]
    )
    assert trials_table(rows).rows == [["base", "all", "3", "3", "1", "10.00", "80.00", "90.00"]]


def test_validation_splits_of_different_sizes_are_a_limit():
    design = {"rank_by": "val_top1", "space": {"partition": ["80-10-10", "90-5-5"]}}
    assert "different sizes" in limits(design)[-1]
    assert limits(design | {"rank_by": "top1"}) == limits(design | {"space": {}}) == list(LIMITS)
