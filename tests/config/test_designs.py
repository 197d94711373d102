"""A design with a space becomes a study, or one line that says what is wrong with it."""

from pathlib import Path

import pytest
import yaml

from prunescape.config.study import load_study
from prunescape.designs.rounds import first_cells, study_plans
from prunescape.designs.trials import check_trials
from prunescape.errors import InputError
from support.spaces import DESIGN, SPACE, space_study

STUDIES = Path(__file__).resolve().parents[2] / "config/studies"
FEW = {"batch_size": [25, 50, 100], "schedule": ["step", "cosine"]}
FACTORIAL = {"kind": "factorial", "trials": ..., "seed": ...}


def test_the_rest_of_the_recipe_is_shared_and_the_prior_is_the_default():
    experiment = load_study(space_study()).experiments["e"]
    assert not experiment.axes and experiment.grid_values == {}
    assert not SPACE.keys() & experiment.declared_recipe.keys()
    assert experiment.declared_recipe["log10_wd"] == -4.0 and experiment.declared_recipe["epochs"] == 1
    assert experiment.search_space.defaults["batch_size"] == "50", "the recipe's, where the prior has none"
    assert experiment.values_of("batch_size") == [100, 25, 50] and experiment.values_of("log10_lr") == [-3.0, 0.0]
    assert (experiment.design.rank_by, experiment.exported) == ("train_top1", 1)


@pytest.mark.parametrize(
    ("design", "said"),
    [
        ({"kind": "randm"}, ["design.kind: 'randm' cannot be used", 'did you mean "random"?']),
        ({"trails": 5}, ["design.trails: unknown key", 'did you mean "trials"?']),
        ({"space": SPACE | {"momentm": [0, 1]}}, ["space.momentm: no hyperparameter", 'did you mean "momentum"?']),
        ({"space": SPACE | {"momentum": [0.9, 1.5]}}, ["space.momentum: 1.5 cannot", "at least 0 and below 1"]),
        ({"space": SPACE | {"schedule": ["step", "cosin"]}}, ["space.schedule: cosin cannot", "polynomial, cosine"]),
        ({"space": SPACE | {"momentum": [0.5, 0.8]}}, ["momentum: its default, 0.9, is none", "allowed: 0.5, 0.8"]),
        ({"space": SPACE | {"momentum": [0.9, 0.90]}}, ["space.momentum: 0.9 is given more than once"]),
        ({"space": SPACE | {"momentum": [0.9]}}, ["space.momentum: one level, 0.9, does not vary", "two levels"]),
        ({"space": SPACE | {"log10_lr": {"low": -3, "high": -2}}}, ["its default, -1.0, is outside its bounds"]),
        ({"space": SPACE | {"log10_lr": {"low": 0, "high": -2}}}, ["log10_lr: low, 0.0, is not under high, -2.0"]),
        ({"space": SPACE | {"log10_lr": {"low": -9, "high": 0}}}, ["log10_lr.low: -9 cannot be used", "at least -6"]),
        ({"space": SPACE | {"log10_lr": {"lo": -3, "high": 0}}}, ["log10_lr.lo: unknown key", 'mean "low"']),
        ({"space": SPACE | {"log10_lr": {"low": 0.01, "high": 0.1}}}, ["the key takes log10", "did you mean -2, -1?"]),
        ({"space": SPACE | {"schedule": {"low": 0, "high": 1}}}, ["space.schedule: the values", "a list of levels"]),
        ({"space": {"decay": [0.1, 0.5]}}, ["space.decay: it acts only where schedule is step, and that is cosine"]),
        ({"space": {}}, ["design.space: this key is missing"]),
        ({"space": FEW, "trials": 7}, ["design.trials: 7 trials", "arm all has 6 different", "allowed: 1 to 6"]),
        ({"space": FEW, "arms": ["all", "fix:schedule"]}, ["6 trials", "arm fix:schedule has 3 different settings"]),
        ({"trials": ...}, ["design.trials: this key is missing"]),
        ({"trials": 0}, ["design.trials: 0 cannot be used"]),
        ({"arms": ["al"]}, ['design.arms: there is no arm "al"', 'did you mean "all"?']),
        ({"arms": ["fix:momentm"]}, ["fix:momentm fixes what does not vary", 'did you mean "fix:momentum"?']),
        ({"arms": ["fix:epochs"]}, ["design.arms: fix:epochs fixes what does not vary", "fix:momentum"]),
        ({"arms": ["fix-dimension:data"]}, ["fix-dimension:data fixes what does not vary"]),
        ({"arms": "liao2021"}, ["design.arms: 'liao2021' cannot be used"]),
        ({"arms": ["all", "all"]}, ["design.arms: all is given more than once"]),
        ({"best": 7}, ["design.best: best, 7, is more than the 6 trials", "allowed: 1 to 6"]),
        ({"confirm": {"first": 7, "seeds": 2}}, ["design.confirm.first: first, 7, is more than the 6 trials"]),
        ({"confirm": {"first": 1}}, ["design.confirm.seeds: this key is missing"]),
        ({"rank_by": "val_top1"}, ["design.rank_by: nothing is held out", "the option `validation`"]),
        ({"rank_by": "top2"}, ["design.rank_by: 'top2' cannot be used", 'did you mean "top1"?']),
        ({"share": 0.5}, ["design: random designs have no share", "hint: share is for adaptive"]),
        ({"kind": "balanced"}, ["space.log10_lr: a balanced design needs levels", "allowed: a list of levels"]),
        ({"kind": "factorial"}, ["design: factorial designs have no seed", "hint: seed is for random, balanced"]),
        (FACTORIAL | {"space": FEW, "best": 7}, ["best, 7, is more than the 6 trials"]),
        (
            FACTORIAL | {"space": {"batch_size": [*range(1, 401)], "epochs": [*range(1, 301)]}},
            ["too many combinations", "up to 100000 settings"],
        ),
    ],
    ids=str,
)
def test_a_bad_design_is_one_clear_line(design, said):
    with pytest.raises(InputError) as caught:
        load_study(space_study(design), "study.yaml")
    text = str(caught.value)
    assert text.startswith("study.yaml: experiments.e.design") and "\n" not in text
    assert all(part in text for part in said), text


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"grid": {"log10_lr": [-1.0], "log10_wd": [-4.0]}}, ["e.grid: a random design has a space, and a grid"]),
        (
            {"design": {name: ... for name in DESIGN}},
            ["e.grid: this key is missing", "kind random"],
        ),
        (
            {"design": {"kind": ..., "trials": ..., "seed": ...}},
            ["grid designs have no space"],
        ),
        ({"extension": {"max_rounds": 1}}, ["e.extension.max_rounds: a random design has no grid", "allowed: 0"]),
        ({"verdict": {"replicates": 3}}, ["e.verdict.replicates: a random design has no grid", "design.confirm"]),
        ({"select_on": "validation"}, ["e.select_on: a random design says itself", "design.rank_by"]),
        ({"export": {"best": 2}}, ["e.export.best: a random design says itself", "design.best"]),
        ({"prior": {"log10_wd": -4.0}}, ["design.space.log10_lr: it has no default", "give prior.log10_lr"]),
        ({"recipe": {"epochs": 1, "batch_size": 32}}, ["batch_size: its default, 32, is none of its levels"]),
    ],
    ids=str,
)
def test_what_a_design_with_a_space_cannot_have(changes, said):
    with pytest.raises(InputError) as caught:
        load_study(space_study(**changes), "study.yaml")
    assert all(part in str(caught.value) for part in said), caught.value


def test_a_balanced_design_of_too_few_different_settings_is_refused():
    """There are six settings, but of six rows three are cosine schedules, and these have two batch sizes alone."""
    space = FEW | {"batch_size": [25, 50], "decay": [0.1, 0.5]}
    study = load_study(space_study({"kind": "balanced", "space": space}))
    with pytest.raises(InputError, match=r"e\.design\.trials: no balanced design of 6 different settings"):
        check_trials(study_plans(study, "study.yaml"), "study.yaml")


def test_settings_may_be_ranked_on_what_partitions_hold_out():
    space = SPACE | {"partition": ["60-20-20", "90-5-5"]}
    study = space_study({"rank_by": "val_top1", "space": space})
    study["experiments"]["e"]["recipe"]["partition"] = "60-20-20"
    assert load_study(study).experiments["e"].design.rank_by == "val_top1"
    study["experiments"]["e"]["design"]["space"] = space | {"partition": ["none", "60-20-20"]}
    with pytest.raises(InputError, match="rank_by: nothing is held out for validation; hint: leave none out of part"):
        load_study(study)


@pytest.mark.parametrize(
    ("name", "cells"),
    [
        ("burmester2023", 101),
        ("burmester2023-small", 129),
        ("liao2022", 4 + 100 * (15 + 15 + 16 + 14)),
        ("liao2022-small", 1 + 2 * 6 * 40),
        ("retune-factors", 601),
    ],
)
def test_the_studies_of_trials_are_planned_without_their_data(name, cells):
    study = load_study(yaml.safe_load((STUDIES / f"{name}.yaml").read_text()), name)
    assert len(first_cells(study_plans(study, name))) == cells


def test_what_this_host_cannot_do_is_named_where_it_stands():
    with pytest.raises(InputError, match=r"experiments\.e\.design\.space\.precision: a CPU has no fp16"):
        load_study(space_study({"space": SPACE | {"precision": ["fp32", "fp16"]}}))


NETWORK = {"filters": [6, 12], "dropout": {"low": 0, "high": 0.6}, "activation": ["relu", "tanh"]}


def test_hyperparameters_of_the_network_have_the_defaults_of_the_model_or_of_network():
    study = space_study({"space": SPACE | NETWORK}, model="image_cnn", network={"filters": 6})
    experiment = load_study(study).experiments["e"]
    defaults = experiment.search_space.defaults
    assert (defaults["filters"], defaults["dropout"], defaults["activation"]) == ("6", "0.5", "relu")
    assert experiment.declared_network == {"kernel": 3, "pooling": "max"}, "what does not vary is shared"
    assert experiment.search_space.dimensions["architecture"] == ["filters"]
    assert experiment.search_space.dimensions["layer"] == ["activation", "dropout"]


@pytest.mark.parametrize(
    ("model", "values", "said"),
    [
        ("resnet8", {"filters": [6, 12]}, ["filters: the network of resnet8 has no", "allowed: none"]),
        ("image_cnn", {"unit": [6, 12]}, ["space.unit: no hyperparameter", 'did you mean "units"?']),
        ("image_cnn", {"units": [6, 12]}, ["space.units: the network of image_cnn has no", "filters, kernel"]),
        ("image_cnn", {"filters": [0, 12]}, ["space.filters: 0 cannot be used", "at least 1 and at most 4096"]),
        ("image_cnn", {"filters": [6, 24]}, ["its default, 12, is none of its levels", "or change network.filters"]),
        ("image_cnn", {"filters": [12]}, ["one level, 12, does not vary", "belongs to network.filters"]),
        ("image_cnn", {"dropout": {"low": 0, "high": 0.3}}, ["default, 0.5, is outside its bounds", "network.dropout"]),
        ("image_cnn", {"dropout": {"low": 0, "high": 1}}, ["space.dropout.high: 1 cannot be used", "below 1"]),
        ("image_cnn", {"pooling": ["max", "globalavg"]}, ["space.pooling: image_cnn cannot pool by", "max, avg"]),
        ("image_cnn", {"activation": ["relu", "tnh"]}, ["space.activation: tnh cannot", 'did you mean "tanh"?']),
        ("image_cnn", {"optimiser": ["sgd", "admw"]}, ["space.optimiser: admw cannot", 'did you mean "adamw"?']),
    ],
    ids=str,
)
def test_a_bad_hyperparameter_of_the_network_is_one_clear_line(model, values, said):
    with pytest.raises(InputError) as caught:
        load_study(space_study({"space": SPACE | values}, model=model), "study.yaml")
    text = str(caught.value)
    assert text.startswith("study.yaml: experiments.e.design.space") and "\n" not in text
    assert all(part in text for part in said), text


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"recipe": {"epochs": 1, "batch_size": 50, "filters": 6}}, ["e.recipe.filters: unknown", "network.filters"]),
        ({"recipe": {"epochs": 1, "batch_size": 50, "optimiser": "admw"}}, ["recipe.optimiser", 'mean "adamw"?']),
        ({"prior": {"optimiser": "admw"}}, ["e.prior.optimiser: admw cannot be used", 'did you mean "adamw"?']),
        ({"network": {"activation": "rellu"}}, ["e.network.activation: rellu cannot", 'did you mean "relu"?']),
        ({"network": {"filter": 6}}, ["e.network.filter: the network of image_cnn has no", 'mean "filters"?']),
    ],
    ids=str,
)
def test_a_misplaced_or_misspelled_value_names_its_place_or_the_nearest(changes, said):
    with pytest.raises(InputError) as caught:
        load_study(space_study(model="image_cnn", **changes), "study.yaml")
    assert all(part in str(caught.value) for part in said), caught.value
