"""A space keeps to the conditions of its hyperparameters, and the registry of these holds together."""

import dataclasses
import re

import pytest

from prunescape.space.recipe import PARAMETERS, Recipe
from prunescape.space.search_space import SearchSpace
from prunescape.space.settings import PAIR_PATTERN, Setting

LEVELS = {"schedule": ["cosine", "step"], "decay": ["0.1", "0.5"], "batch_size": ["32", "64"]}
DEFAULTS = {"schedule": "step", "decay": "0.1", "batch_size": "64"}
SPACE = SearchSpace(LEVELS, {}, DEFAULTS, {})


def test_a_hyperparameter_that_does_not_act_is_no_part_of_a_setting():
    texts = {"schedule": "cosine", "decay": "0.5", "batch_size": "32"}
    assert SPACE.setting(texts) == Setting.of({"schedule": "cosine", "batch_size": 32})
    assert SPACE.setting(texts | {"schedule": "step"}) == Setting.of(texts | {"schedule": "step"})
    assert SPACE.default == Setting.of(DEFAULTS)
    alone = SearchSpace({"decay": LEVELS["decay"]}, {}, {"decay": "0.1"}, {"schedule": "cosine"})
    assert alone.setting({"decay": "0.5"}) == Setting(()), "the recipe's schedule decides"


def test_every_setting_of_a_space_is_there_once():
    found = list(SPACE.settings())
    assert len(found) == len(set(found)) == 2 * (2 + 1), "batch sizes x (two decays of a step schedule + cosine)"
    assert len(list(SPACE.fixed(["schedule"]).settings())) == 4
    assert len(list(SPACE.fixed(LEVELS).settings())) == 1


def test_bounds_are_uniform_on_their_own_scale():
    bounds = {"log10_lr": ["-3.0", "0.0"], "epochs": ["5", "7"]}
    space = SearchSpace({}, bounds, {"log10_lr": "-1.0", "epochs": "5"}, {})
    assert [space.within("log10_lr", share) for share in (0, 0.5, 1 / 3)] == ["-3.0", "-1.5", "-2.0"]
    assert [space.within("epochs", share) for share in (0, 0.33, 0.34, 0.67, 0.999)] == ["5", "5", "6", "7", "7"]
    assert len(list(space.countable().settings())) == 3, "whole numbers can be counted, the rate stays at its default"


def test_the_order_of_a_space_decides_nothing():
    turned = SearchSpace(dict(reversed(LEVELS.items())), {}, dict(reversed(DEFAULTS.items())), {})
    assert turned.names == SPACE.names and turned.names.index("schedule") < turned.names.index("decay")
    assert repr(turned.content) == repr(SPACE.content)
    assert SearchSpace.from_content(SPACE.content) == SPACE


@pytest.mark.parametrize("name", PARAMETERS)
def test_conditions_name_hyperparameters_and_values_that_there_are(name):
    known = PARAMETERS.keys() | {field.name for field in dataclasses.fields(Recipe)}
    for other, levels in PARAMETERS[name].meaning.when:
        assert other in known and levels, f"{name} depends on {other}"
        if other in PARAMETERS:
            assert [PARAMETERS[other].value(level) for level in levels] == list(levels)
    assert SearchSpace({other: [] for other in PARAMETERS}, {}, {}, {}).names, "no condition depends on itself"
    for level in PARAMETERS[name].levels:
        assert re.fullmatch(PAIR_PATTERN, f"{name}={level}"), "a setting may be spelled out in a path"
