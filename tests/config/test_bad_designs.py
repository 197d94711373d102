"""Slips in designs and recipes, each with the exact line that it gets."""

import pytest
import yaml

from prunescape.config.source import read_config
from prunescape.config.study import load_study
from prunescape.designs.rounds import first_cells, study_plans
from prunescape.errors import InputError
from support.spaces import SPACE, space_study

RECIPE = {"epochs": 2, "batch_size": 50, "schedule": "cosine"}
FEW = {"batch_size": [25, 50, 100], "schedule": ["step", "cosine"]}
NARROW = {"momentum": {"low": 0.9, "high": 0.900001}}
ARMS = "allowed: all, all-again, fix:batch_size, fix:schedule, fix-dimension:optimiser"
TEXTS = {"model": "text_cnn", "dataset": "imdb", "variants": {}}
LEVELS = "'constant', 'step', 'exponential', 'polynomial' or 'cosine'"


def line_of(study: dict) -> str:
    with pytest.raises(InputError) as caught:
        load_study(study, "s.yaml")
    return str(caught.value).removeprefix("s.yaml: experiments.e.")


@pytest.mark.parametrize(
    ("design", "line"),
    [
        ({"trials": "1e9"}, "trials: '1e9' cannot be used; allowed: a whole number; hint: did you mean 1000000000?"),
        ({"trials": "many"}, "trials: 'many' cannot be used; allowed: a whole number"),
        ({"trials": 2.5}, "trials: 2.5 cannot be used; allowed: a whole number"),
        ({"trials": 10**9}, "trials: 1000000000 cannot be used; allowed: less than or equal to 65536"),
        (
            {"trials": 10_001, "kind": "balanced", "space": FEW},
            "trials: 10001 trials are too many to balance; allowed: 1 to 10000; hint: kind: random",
        ),
        (
            {"trials": 4, "space": NARROW},
            "trials: 4 trials are asked for, and arm all has 2 different settings; allowed: 1 to 2; hint: ask for "
            "fewer, add levels, or leave the arm out",
        ),
        (
            {"space": {"batch_size": 50}},
            "space.batch_size: 50 cannot be used; allowed: a list; hint: did you mean [50]?",
        ),
        ({"space": ["batch_size"]}, "space: ['batch_size'] cannot be used; allowed: keys with their values"),
        (
            {"space": {"batch_size": [100, 200, 25]}},
            "space.batch_size: its default, 50, is none of its levels; allowed: 25, 100, 200; hint: add it, or change "
            "prior.batch_size or recipe.batch_size",
        ),
        ({"arms": "all"}, "arms: 'all' cannot be used; allowed: a list; hint: did you mean [all]?"),
        (
            {"arms": ["liao2022", "all"]},
            "arms: liao2022 stands for arms of its own; allowed: arms: liao2022, or a list without it",
        ),
        (
            {"arms": ["all", {"fix": "batch_size"}]},
            "arms.1: {'fix': 'batch_size'} cannot be used; allowed: a text; hint: did you mean "
            '"fix:batch_size", without the space?',
        ),
        (
            {"arms": ["fix:momentum"], "space": FEW},
            f"arms: fix:momentum fixes what does not vary; {ARMS}; hint: add momentum to the space, or leave the arm "
            "out",
        ),
        ({"confirm": 3}, "confirm: 3 cannot be used; allowed: the keys first, seeds"),
    ],
    ids=str,
)
def test_a_slip_in_a_design_is_this_line(design, line):
    assert line_of(space_study(design)) == f"design.{line}"


@pytest.mark.parametrize(
    ("values", "changes", "line"),
    [
        (
            {"warmup_epochs": [0, 5]},
            {},
            "warmup_epochs: a warm-up of 5 epochs is longer than a training; allowed: 0 to 1; hint: warm up over "
            "fewer, or train longer",
        ),
        (
            {"flip": [True, False]},
            TEXTS,
            "flip: True has no meaning for the texts of imdb; allowed: false; hint: remove flip",
        ),
        (
            {"precision": ["fp32", "bf16"]},
            {"recipe": RECIPE | {"precision": "auto"}},
            "precision: its default: auto cannot be used; allowed: fp32, tf32, bf16, fp16, fp64; hint: change "
            "prior.precision or recipe.precision",
        ),
    ],
    ids=str,
)
def test_what_a_space_cannot_hold_is_named_in_the_space(values, changes, line):
    study = space_study({"trials": 2, "space": values}, **changes)
    assert line_of(study) == f"design.space.{line}"


def test_images_held_out_twice_are_named_in_the_space():
    study = space_study({"trials": 2, "space": {"partition": ["none", "60-20-20"]}})
    study["datasets"]["digits"]["validation"] = 50
    what = "design.space.partition: 60-20-20 holds images out, and so does datasets.digits.validation"
    assert line_of(study) == f"{what}; allowed: one of both; hint: set validation: 0"


@pytest.mark.parametrize(
    ("recipe", "line"),
    [
        ({"milestones": 3}, "milestones: 3 cannot be used; allowed: a list; hint: did you mean [3]?"),
        ({"flip": 2}, "flip: 2 cannot be used; allowed: true or false"),
        ({"momentum": "high"}, "momentum: 'high' cannot be used; allowed: a number"),
        ({"crop_padding": 1.5}, "crop_padding: 1.5 cannot be used; allowed: a whole number"),
        ({"schedule": None}, f"schedule: None cannot be used; allowed: {LEVELS}"),
    ],
    ids=str,
)
def test_a_slip_in_a_recipe_is_this_line(recipe, line):
    assert line_of(space_study(recipe=RECIPE | recipe)) == f"recipe.{line}"


@pytest.mark.parametrize(("name", "meant"), [("lr", "log10_lr"), ("weight_decay", "log10_wd")])
def test_hyperparameters_are_known_by_the_names_of_others(name, meant):
    for study in (space_study({"space": {name: [1, 2]}}), space_study(recipe=RECIPE | {name: 0.1})):
        assert line_of(study).endswith(f'hint: did you mean "{meant}"?')


def test_values_within_narrow_bounds_are_counted_and_stay_within_them():
    """Between 0.9 and 0.900001 are two numbers of six decimals; a seventh decimal rounds to no number outside."""
    study = load_study(space_study({"trials": 2, "space": NARROW}))
    drawn = {cell.setting.values["momentum"] for cell in first_cells(study_plans(study, "s.yaml"))[1:]}
    assert drawn == {0.9, 0.900001}
    space = load_study(space_study({"space": {"momentum": {"low": 0.1234564, "high": 0.95}}})).experiments["e"]
    assert space.search_space.within("momentum", 0) == "0.1234564"


def test_thousands_of_levels_are_read_at_once():
    study = load_study(space_study({"space": SPACE | {"batch_size": [*range(1, 20_001)]}}))
    assert len(study.experiments["e"].search_space.levels["batch_size"]) == 20_000


NEVER = "the config never ends; allowed: 1000000 values, nested 100 deep; hint: an alias (*name) may repeat itself"
ALIASES = "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9 if n else 'x' * 9)}]\n" for n in range(9))


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (
            "a: 2060-20-20",
            "line 1, column 4: YAML cannot read 2060-20-20 (month must be in 1..12); hint: write a text in quotes",
        ),
        ("a: &a [1, *a]", NEVER),
        (ALIASES, NEVER),
        ("a: " + "[" * 2000 + "]" * 2000, "the config is nested too deep; allowed: 100 lists or mappings"),
    ],
    ids=["date", "in itself", "aliases", "deep"],
)
def test_yaml_that_python_chokes_on_is_one_line(text, line, tmp_path):
    file = tmp_path / "s.yaml"
    file.write_text(text)
    with pytest.raises(InputError) as caught:
        read_config(file)
    assert str(caught.value) == f"{file}: {line}"


def test_ordinary_aliases_are_read(tmp_path):
    (tmp_path / "s.yaml").write_text("a: &a [1, 2]\nb: *a\nc: {<<: &d {e: 1}, f: *d}\n")
    assert read_config(tmp_path / "s.yaml") == yaml.safe_load((tmp_path / "s.yaml").read_text())
