"""The section `tune` of an experiment: what it may be, and one line for what it may not."""

import copy

import pytest

from prunescape.config.study import load_study
from prunescape.errors import InputError

STUDY = {
    "study": "s",
    "datasets": {"digits": {"validation": 100}},
    "experiments": {
        "e": {
            "model": "resnet8",
            "dataset": "digits",
            "recipe": {"epochs": 4, "batch_size": 32, "schedule": "cosine"},
            "variants": {"uniform": [0.5]},
            "tune": {
                "space": {"log10_lr": {"low": -3, "high": 0}, "log10_wd": [-5, -3]},
                "trials": 8,
                "target": "here",
                "objective": "accuracy",
            },
        }
    },
    "targets": {"here": {}},
}

DEFAULTS = {"log10_lr": -1.0, "log10_wd": -4.0}


def changed(tune: dict | None = None, **experiment) -> dict:
    study = copy.deepcopy(STUDY)
    study["experiments"]["e"] |= experiment
    study["experiments"]["e"]["tune"] |= tune or {}
    return study


def test_a_search_has_its_space_and_no_grid():
    study = load_study(STUDY)
    experiment = study.experiments["e"]
    assert experiment.searched_variants == ["base", "uniform-0.5"] and not experiment.has_grid
    assert not {"log10_lr", "log10_wd"} & experiment.declared_recipe.keys()
    assert experiment.values_of("epochs") == [1, 4]
    assert study.analysis_terms()["experiments"] == {} and list(study.tuning_terms()) == ["e"]
    assert study.summary()["experiments"]["e"]["tune"]["space"]["variant"] == ["base", "uniform-0.5"]


@pytest.mark.parametrize(
    ("tune", "experiment", "words"),
    [
        ({"eta": 1}, {}, ["tune.eta: 1 cannot be used", "greater than 1"]),
        ({"budget": {"min_epochs": 0}}, {}, ["tune.budget.min_epochs: 0 cannot be used", "greater than or equal to 1"]),
        ({"budget": {"min_epochs": 5}}, {}, ["tune.budget.min_epochs", "more than a whole training, 4"]),
        ({"budget": {"min_epochs": 4}}, {}, ["tune.budget", "nothing to cut"]),
        ({"budget": {"kind": "dataset", "min_share": 0.01}}, {}, ["min_share", "less than one batch of 32"]),
        ({"budget": {"min_share": 0.5}}, {}, ["tune.budget.min_share: a budget of epochs has no min_share"]),
        (
            {"budget": {"kind": "multi", "schedule": "whole"}},
            {},
            ["tune.budget: a rung of multi has fewer examples", "allowed: schedule: rung", "hint: or kind: epochs"],
        ),
        ({"budget": {"kind": "dataset", "schedule": "whole"}}, {}, ["a rung of dataset has fewer examples"]),
        (
            {"budget": {"schedule": "cosine"}},
            {},
            ["tune.budget.schedule: 'cosine' cannot be used", "'rung' or 'whole'"],
        ),
        (
            {},
            {"recipe": {"epochs": 4, "batch_size": 32, "schedule": "cosine", "warmup_epochs": 2}},
            ["recipe.warmup_epochs", "allowed: 0 to 1", "raise tune.budget.min_epochs", "tune.budget.schedule: whole"],
        ),
        (
            {"budget": {"min_epochs": 2}},
            {"recipe": {"epochs": 4, "batch_size": 32, "schedule": "step", "milestones": [2, 3]}},
            ["recipe.milestones", "allowed: rising epochs below 2", "raise tune.budget.min_epochs"],
        ),
        ({"space": {"log10_lr": [-1, -2], "stop_epoch": [1, 2]}}, {}, ["tune.space.stop_epoch", "no hyperparameter"]),
        ({"space": {}}, {"variants": {}}, ["tune.space", "nothing in this space varies"]),
        ({"space": {"epochs": [1, 2]}}, {}, ["tune.space.epochs", "the budget of a search decides it"]),
        ({"space": {"log10_lr": [-1]}}, {}, ["tune.space.log10_lr: one level"]),
        ({"space": {"log10_lr": [-1, -2], "variant": ["uniform-0.6"]}}, {}, ["uniform-0.6", "uniform-0.5"]),
        ({"sampler": "grid"}, {}, ["a grid takes every combination"]),
        ({"sampler": "random", "ask": 4}, {}, ["random draws all trials at once", "hint: remove ask"]),
        ({"space": {"log10_lr": [-1, -2], "variants": ["base"]}}, {}, ["space.variants", 'did you mean "variant"?']),
        ({"space": {"log10_lr": [-1, -2], "log10_w": [-5, -4]}}, {}, ["space.log10_w:", 'did you mean "log10_wd"?']),
        ({"trials": None}, {}, ["tpe needs a number of trials"]),
        ({"objective": "cheapest"}, {}, ["tune.objective: the cheapest model", "objectives.accuracy_floor"]),
        ({"trials": 1}, {}, ["one trial has no other to be better than", "hint: trials: 32"]),
        (
            {"objective": "ratio_time", "space": {"batch_size": {"low": 8, "high": 64}}},
            {},
            ["tune.space.batch_size: ratio_time measures the training at each batch size", "allowed: a list of levels"],
        ),
        (
            {"objective": "ratio_time", "strategy": "tune_v1"},
            {},
            ["tune_v1 does not rank trials by ratio_time", "allowed: objective: accuracy"],
        ),
        ({"strategy": "tune_v2"}, {}, ["tune_v2 does not rank trials by accuracy", "ratio_time or ratio_energy"]),
        (
            {"strategy": "tune_v2", "objective": "ratio_time"},
            {},
            ["tune.space: tune_v2 takes system parameters", "allowed: workers, prefetch, affinity"],
        ),
        (
            {"strategy": "tune_v2", "objective": "ratio_time", "space": {"workers": [0, 2]}},
            {},
            ["tune.space.workers: nothing is decoded beside a training on digits"],
        ),
        (
            {"strategy": "tune_v2", "objective": "ratio_time", "space": {"workers": [-1, 2]}},
            {},
            ["tune.space.workers: -1 is no value of workers", "allowed: a whole number from 0 to 256"],
        ),
        (
            {"space": {"workers": [0, 2]}},
            {},
            ["tune.space.workers: workers changes no accuracy", "hint: strategy: tune_v2"],
        ),
        (
            {"space": {"threads": [1, 2]}},
            {},
            ["tune.space.threads: threads changes how sums are rounded", "settled once"],
        ),
        ({"strategy": "constrained"}, {}, ["constrained needs a bound"]),
        ({"bound": {"flops": 1}}, {}, ["onefold has no bound"]),
        ({"strategy": "constrained", "bound": {}}, {}, ["tune.bound: it bounds nothing"]),
        ({"target": "pj"}, {}, ['tune.target: there is no target "pj"', "allowed: here"]),
        ({"smapler": "tpe"}, {}, ["tune.smapler: unknown key", 'did you mean "sampler"?']),
        ({}, {"grid": {"log10_lr": [-1], "log10_wd": [-4]}}, ["experiments.e.grid", "a search is given too"]),
        (
            {},
            {"retraining": {"pipelines": ["rewind_weights"], "epochs": 2}, "prior": DEFAULTS},
            ["tune.budget: with fewer epochs uniform-0.5-rewind_weights would start", "schedule: whole, kind: dataset"],
        ),
        (
            {"objective": "ratio_time"},
            {"retraining": {"pipelines": ["scratch_b"]}},
            ["space.variant: ratio_time takes the epochs of a training, and those of uniform-0.5-scratch_b are known"],
        ),
        (
            {},
            {"retraining": {"pipelines": ["restart"], "epochs": 2, "base": "per_seed"}, "prior": DEFAULTS},
            ["e.retraining.base: a search trains each trial once, with one seed", "allowed: one"],
        ),
        (
            {},
            {"retraining": {"pipelines": ["restart"], "epochs": 5}, "prior": DEFAULTS},
            ["e.retraining.epochs: a budget cuts epochs, and 5 after pruning", "allowed: 1 to 4", "schedule: whole"],
        ),
        (
            {},
            {"retraining": {"pipelines": ["fine_tune"], "epochs": 2}},
            ["uniform-0.5-fine_tune needs the weights of a trained base", "prior.log10_lr"],
        ),
        (
            {"budget": {"min_epochs": 2}, "space": {"batch_size": [16, 32], "variant": ["uniform-0.5-fine_tune"]}},
            {"retraining": {"pipelines": ["fine_tune"], "epochs": 2}},
            ["tune.budget", "nothing to cut"],
        ),
        ({}, {"seeds": [0, 1]}, ["experiments.e.seeds", "one seed"]),
        (
            {},
            {"variants": {"nonuniform": [0.5]}},
            ["nonuniform-0.5 needs the weights of a trained base", "or set pruning.ranking: initial"],
        ),
        (
            {},
            {"recipe": {"epochs": 4, "batch_size": 32, "schedule": "step", "milestones": [2]}},
            ["recipe.milestones", "rising epochs below 1"],
        ),
    ],
)
def test_what_cannot_be_searched_is_one_line(tune, experiment, words):
    study = changed(tune, **experiment)
    if "space" in tune and "log10_lr" not in tune["space"]:
        study["experiments"]["e"]["prior"] = {"log10_lr": -1.0, "log10_wd": -4.0}
    elif "space" in tune:
        study["experiments"]["e"]["prior"] = {"log10_wd": -4.0}
    with pytest.raises(InputError) as caught:
        load_study(study)
    text = str(caught.value)
    assert all(word in text for word in words), text
    assert "\n" not in text


def test_pipelines_that_inherit_leave_the_recipe_whole():
    """Its milestones and its last epochs are those of the base, and no budget cuts them."""
    recipe = {"epochs": 4, "batch_size": 32, "schedule": "step", "milestones": [2, 3]}
    retraining = {"pipelines": ["fine_tune", "rewind_rate"], "epochs": 3}
    space = {"log10_lr": [-1, -2], "variant": ["uniform-0.5-fine_tune", "uniform-0.5-rewind_rate"]}
    study = load_study(changed({"space": space}, recipe=recipe, retraining=retraining, prior=DEFAULTS))
    terms = study.tuning_terms()["e"]
    assert terms["ranked"] and set(terms["budget"]["whole"]["epochs"].values()) == {3}
    mixed = {"space": {"log10_lr": [-1, -2]}}
    with pytest.raises(InputError, match="milestones"):  # the base is cut to one epoch
        load_study(changed(mixed, recipe=recipe, retraining=retraining, prior=DEFAULTS))


def test_images_must_be_held_out():
    study = changed()
    study["datasets"] = {}
    with pytest.raises(InputError, match="nothing is held out"):
        load_study(study)


def test_a_search_whose_partitions_hold_nothing_out_in_some_trials_is_told_to_leave_these_out():
    """A validation split is refused beside a partition, so it is no advice there."""
    space = {"log10_lr": [-1, -2], "log10_wd": [-5, -3], "partition": ["none", "60-20-20"]}
    study = changed({"space": space})
    with pytest.raises(InputError, match=r"space\.partition: 60-20-20 holds images out.*; hint: set validation: 0$"):
        load_study(study)
    study["datasets"] = {}
    with pytest.raises(InputError, match="nothing is held out; hint: leave none out of partition"):
        load_study(study)
    space["partition"] = ["60-20-20", "90-5-5"]
    assert load_study(study).experiments["e"].values_of("partition") == ["60-20-20", "90-5-5"]


def test_a_schedule_over_the_whole_training_has_its_milestones():
    """They need not lie below the first rung's epochs, as where each rung has a schedule of its own."""
    recipe = {"epochs": 4, "batch_size": 32, "schedule": "step", "milestones": [2], "warmup_epochs": 3}
    study = load_study(changed({"budget": {"schedule": "whole"}}, recipe=recipe))
    assert study.experiments["e"].values_of("epochs") == [4]


@pytest.mark.parametrize("place", ["grid", "prior", "recipe"])
def test_no_config_stops_a_training_early(place):
    """Only a search does: `stop_epoch` of a setting is no hyperparameter."""
    study = changed()
    experiment = study["experiments"]["e"]
    del experiment["tune"]
    experiment |= {"grid": {"log10_lr": [-1], "log10_wd": [-4]}, "prior": {"log10_lr": -1, "log10_wd": -4}}
    experiment[place] = experiment[place] | {"stop_epoch": [2] if place == "grid" else 2}
    with pytest.raises(InputError, match="stop_epoch"):
        load_study(study)


def test_a_share_of_all_clips_holds_one_batch():
    """The published archive has 84,843 clips to train on (Warden 2018): no data set has more of them."""
    study = changed({"budget": {"kind": "dataset", "min_share": 0.0003}}, model="m5_small", dataset="speech-commands")
    study["datasets"] = {"speech-commands": {"validation": 9981}}
    study["experiments"]["e"]["recipe"] |= {"crop_padding": 0, "flip": False}
    with pytest.raises(InputError, match=r"min_share: 0.0003 of 84843 examples are less than one batch of 32; allowed"):
        load_study(study)
    study["experiments"]["e"]["tune"]["budget"]["min_share"] = 0.0004
    assert load_study(study)
