"""Hyperparameters of the network in a config: defaults of the model, values of the study, axes of a grid."""

import pytest

from prunescape.config.models import ARCHITECTURES, NETWORKS, POOLINGS_OF, network_values
from prunescape.config.study import load_study
from prunescape.errors import InputError
from prunescape.space.settings import Setting
from support.good_config import EXPERIMENT

SMALL = EXPERIMENT | {"model": "image_cnn", "variants": {"uniform": [0.6]}}
GRID = {"filters": [6, 12], "log10_lr": [-1, 0]}
PRIOR = {"prior": {"log10_lr": -1.0, "log10_wd": -4.0}}


def study_of(**changes):
    return load_study({"study": "s", "experiments": {"e": SMALL | changes}}, "study.yaml")


def test_the_defaults_are_those_of_liao2022():
    """Table 2."""
    paper = {"kernel": 3, "dropout": 0.5, "activation": "relu", "pooling": "max", "filters": 12}
    assert network_values("image_cnn", {}) == paper
    assert network_values("resnet50_cifar", {})["pooling"] == "globalavg"
    assert network_values("resnet8", {}) == {}


def test_every_default_is_a_level_of_a_model_that_there_is():
    assert NETWORKS.keys() <= ARCHITECTURES.keys()
    for model, defaults in NETWORKS.items():
        assert network_values(model, defaults) == defaults
    assert {model for model, has in NETWORKS.items() if "pooling" in has} == set(POOLINGS_OF)


def test_a_study_sets_some_and_an_axis_varies_others():
    experiment = study_of(network={"kernel": 5}, grid=GRID).experiments["e"]
    assert experiment.network_values["kernel"] == 5 and experiment.network_values["dropout"] == 0.5
    assert experiment.axes["filters"] == ["6", "12"]
    assert experiment.prior_setting == Setting.of({"filters": 12, "log10_lr": -1})
    assert not {"filters", "kernel"} & set(experiment.declared_recipe)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"network": {"filtres": 3}}, r'e.network.filtres: .*no hyperparameter.*hint: did you mean "filters"'),
        ({"network": {"units": 3}}, "e.network.units: the network of image_cnn has no .*allowed: filters, kernel, dr"),
        ({"network": {"dropout": 1}}, "e.network.dropout: 1 cannot be used; allowed: a number at least 0 and below 1"),
        ({"network": {"pooling": "globalmax"}}, "e.network.pooling: .*cannot pool by globalmax; allowed: max, avg"),
        ({"network": {"activation": "rely"}}, "e.network.activation: rely cannot be used; allowed: relu, tanh"),
        ({"model": "resnet8", "network": {"filters": 3}}, "network.filters: the network of resnet8 .*allowed: none"),
        ({"prior": {"filters": 3, "log10_lr": -1, "log10_wd": -4}}, "prior.filters: .*hint: give it in network.filt"),
        ({"grid": GRID | {"units": [1, 2]}}, "e.grid.units: the network of image_cnn has no"),
        ({"grid": GRID | {"units": {"step": 1, "size": 2}}}, "e.grid.units: the network of image_cnn has no"),
        ({"grid": GRID, "network": {"filters": 9}}, "e.network.filters: 9 is not on the grid; allowed: 6, 12"),
        ({"grid": GRID, "extension": {"max_rounds": 2}}, "e.grid.filters: a grid does not extend .*max_rounds to 0"),
        ({"grid": GRID | {"pooling": ["max", "avg"]}}, "e.grid.pooling: the values of pooling are no numbers"),
    ],
)
def test_what_a_network_cannot_be_is_one_line(changes, said):
    with pytest.raises(InputError, match=said) as refused:
        study_of(**changes)
    assert "\n" not in str(refused.value)
