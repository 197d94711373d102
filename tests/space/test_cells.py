"""Canonical values, variants and paths: one text per value, and every path parses back to its cell."""

import hashlib
import json
import re
from dataclasses import replace

import pytest

from prunescape.errors import InputError
from prunescape.space.cells import Cell, grid_cells, spells_out
from prunescape.space.parameters import canonical
from prunescape.space.recipe import PARAMETERS, Recipe
from prunescape.space.settings import NETWORK_PATTERN, SETTING_PATTERN, Setting
from prunescape.space.variants import BASE, Variant


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (-0.0, "0.0"),
        (0, "0.0"),
        ("0.50", "0.5"),
        (-1, "-1.0"),
        ("1e-4", "0.0001"),
        (0.1 + 0.2, "0.30000000000000004"),
        (20, "20.0"),
        ("-2.60", "-2.6"),
    ],
)
def test_canonical_text_is_plain_decimal(value, text):
    assert canonical(value) == text
    assert canonical(text) == text


@pytest.mark.parametrize("value", [float("nan"), float("inf"), "one", None, True, ""])
def test_no_finite_number_has_no_text(value):
    with pytest.raises(InputError, match="not a finite number"):
        canonical(value)


RATES = {"log10_lr": "-1.0", "log10_wd": -4.25}
NETWORK = {"filters": 24, "dropout": 0.25}
MANY = RATES | {"momentum": 0.5, "batch_size": 64, "epochs": 3}


@pytest.mark.parametrize("variant", [BASE, Variant("uniform", "0.5"), Variant("nonuniform", "0.25")])
def test_a_path_and_content_parse_back(variant):
    cell = Cell("my-exp.1", variant, Setting.of(RATES), 7)
    assert cell.path.endswith(f"variant={variant.name}/log10_lr=-1.0/log10_wd=-4.25/seed=7")
    assert Cell.parse(cell.path) == cell == Cell.from_content(json.loads(json.dumps(cell.content)))


def test_a_setting_of_many_hyperparameters_is_named_by_its_digest():
    """SHA-256 of the text that would spell it out, its first 12 digits; the order of names does not matter."""
    cell, turned = (Cell("e", BASE, Setting.of(dict(items))) for items in (MANY.items(), reversed(MANY.items())))
    spelled = "batch_size=64/epochs=3/log10_lr=-1.0/log10_wd=-4.25/momentum=0.5"
    assert cell.setting.path == f"setting={hashlib.sha256(spelled.encode()).hexdigest()[:12]}" == turned.setting.path
    assert re.fullmatch(SETTING_PATTERN, cell.setting.path)
    assert Cell.from_content(cell.content) == cell
    with pytest.raises(InputError, match="spells no cell"):
        Cell.parse(cell.path)


def test_every_level_of_a_hyperparameter_may_stand_in_a_path():
    for name, parameter in PARAMETERS.items():
        for level in parameter.levels:
            cell = Cell("e", BASE, Setting.of({name: level}), 0)
            assert Cell.parse(cell.path) == cell and re.fullmatch(SETTING_PATTERN, f"{name}={level}")


@pytest.mark.parametrize(
    ("values", "end"),
    [
        (RATES | NETWORK, "/network=dropout=0.25,filters=24/variant=base/log10_lr=-1.0/log10_wd=-4.25/seed=7"),
        (NETWORK, "/network=dropout=0.25,filters=24/variant=base/setting=recipe/seed=7"),
        ({}, "/variant=base/setting=recipe/seed=7"),
    ],
)
def test_hyperparameters_of_the_network_stand_above_the_variant(values, end):
    cell = Cell("e", BASE, Setting.of(values), 7)
    assert cell.path == f"experiment=e{end}"
    assert Cell.parse(cell.path) == cell == Cell.from_content(json.loads(json.dumps(cell.content)))


def test_a_network_of_many_hyperparameters_is_named_by_its_digest():
    many = NETWORK | {"kernel": 5, "activation": "tanh", "pooling": "avg"}
    cell = Cell("e", BASE, Setting.of(many | RATES), 0)
    spelled = "activation=tanh,dropout=0.25,filters=24,kernel=5,pooling=avg"
    digest = hashlib.sha256(spelled.encode()).hexdigest()[:12]
    assert cell.path == f"experiment=e/network={digest}/variant=base/log10_lr=-1.0/log10_wd=-4.25/seed=0"
    assert not spells_out(cell.path) and spells_out(Cell("e", BASE, Setting.of(NETWORK | RATES)).path)
    assert re.fullmatch(NETWORK_PATTERN, cell.setting.network_path) and not re.fullmatch(NETWORK_PATTERN, "/network=")
    with pytest.raises(InputError, match="spells no cell"):
        Cell.parse(cell.path)


def test_a_setting_parts_into_network_and_training():
    setting = Setting.of(NETWORK | RATES)
    assert (setting.network, setting.training) == (Setting.of(NETWORK), Setting.of(RATES))


@pytest.mark.parametrize("path", ["seed=3", "log10_lr=-1.0/seed=3", "log10_lr", "log10_lr=-1.0//log10_wd=1.0", ""])
def test_the_pattern_of_settings_takes_no_seed_and_no_half_pair(path):
    assert not re.fullmatch(SETTING_PATTERN, path)


def test_a_setting_changes_the_recipe_of_its_cell():
    recipe = replace(Recipe(epochs=10, batch_size=8, flip=True), **Setting.of(MANY).values)
    assert (recipe.epochs, recipe.batch_size, recipe.momentum, recipe.flip) == (3, 64, 0.5, True)
    assert (recipe.learning_rate, recipe.weight_decay) == (0.1, 10.0**-4.25)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"momentun": 0.5}, 'did you mean "momentum"'),
        ({"momentum": 1}, "a number at least 0 and below 1"),
        ({"flip": "perhaps"}, "true or false"),
        ({"schedule": "linear"}, "constant, step, exponential, polynomial, cosine"),
        ({"batch_size": True}, "a whole number"),
        ({"precision": "auto"}, "fp32, tf32, bf16, fp16, fp64"),
    ],
)
def test_an_impossible_setting_is_refused(values, said):
    with pytest.raises(InputError, match=said):
        Setting.of(values)


@pytest.mark.parametrize("name", ["Base", "uniform", "uniform-1.5", "uniform-0.5 ", "global-0.5", ""])
def test_other_variant_names_are_refused(name):
    with pytest.raises(InputError, match="no variant is called"):
        Variant.parse(name)


def test_a_grid_has_every_combination_once():
    variants = [BASE, Variant("uniform", "0.5")]
    axes = {"momentum": ["0.0", "0.9"], "log10_lr": ["-1.0", "0.0", "1.0"]}
    cells = grid_cells("e", variants, axes, [0, 1])
    assert len(cells) == len(set(cells)) == 2 * 3 * 2 * 2
    assert cells == sorted(cells, key=lambda cell: variants.index(cell.variant))
    assert [cell.setting.path for cell in cells[:4:2]] == ["log10_lr=-1.0/momentum=0.0", "log10_lr=-1.0/momentum=0.9"]
