"""The schema of a config, against the validator itself, by jsonschema, which Snakemake depends on.

`load_study` is the witness of what is accepted and refused; the schema may accept what only several places tell.
"""

import copy
import json
import re
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft7Validator

from prunescape.commands.cli import main
from prunescape.config.datasets import DATASETS, FORMAT, IMAGE_FOLDER, check_options
from prunescape.config.schema import DRAFT
from prunescape.config.study import load_study
from prunescape.errors import InputError
from prunescape.space.levels import AUTO
from prunescape.space.parameters import COMPARISONS
from prunescape.space.recipe import PARAMETERS, Recipe
from support.good_config import EXPERIMENT, GOOD
from support.project import TINY_STUDY
from support.spaces import SPACE, space_study

CONFIG = Path(__file__).resolve().parents[2] / "config"
FILE = CONFIG / "study.schema.json"
FILES = sorted(CONFIG.rglob("*.yaml"))
SCHEMA = json.loads(FILE.read_text())
VALIDATOR = Draft7Validator(SCHEMA)
TARGETS = {
    "laptop": {"kind": "local", "threads": [1, 2], "precisions": ["int8", "fp32"], "flush_to_zero": [False, True]},
    "pi": {"kind": "ssh", "host": "pi@raspberrypi", "timeout_seconds": 60},
    "phone": {"kind": "adb", "serial": "R58M", "perf_test": "build/onnxruntime_perf_test"},
    "node": {"kind": "slurm", "partition": "gpu", "constraint": "a100|h100", "gpu": 1},
    "small": {"kind": "emulated", "cpu_quota": 0.5, "emulates": "pi"},
    "plain": {},
}
CLUSTER = {"partition": None, "minutes": 60, "growth": 2, "rules": {"train_cell": {"gpu_model": "a100"}}}
FOLDER = {"format": FORMAT, "folder": "data/flowers", "size": 64, "resize": None, "workers": 2, "validation": 10}
LEVELS = {"batch_size": [25, 50, 100], "flip": [False, True], "schedule": ["step", "cosine"]}


def changed(*changes: tuple[str, object]) -> dict:
    """The good config with other values at dotted places; `...` removes one."""
    config = copy.deepcopy(GOOD)
    for place, value in changes:
        *above, last = place.split(".")
        holder = config
        for key in above:
            holder = holder.setdefault(key, {})
        holder[last] = value
        if value is ...:
            del holder[last]
    return config


ACCEPTED = [
    *((path.name, yaml.safe_load(path.read_text())) for path in FILES),
    ("good", GOOD),
    ("tiny", TINY_STUDY),
    ("random", space_study()),
    ("balanced", space_study({"kind": "balanced", "space": LEVELS, "arms": ["all", "fix:flip", "fix-dimension:data"]})),
    ("factorial", space_study({"kind": "factorial", "trials": ..., "seed": ..., "space": LEVELS})),
    (
        "arms of a paper",
        space_study({"trials": 2, "space": SPACE | {"flip": [False, True]}, "arms": "liao2022"}),
    ),
    ("bounds and texts", space_study({"space": {"log10_lr": {"low": "-3", "high": 0}, "flip": ["true", False]}})),
    ("targets", changed(("targets", TARGETS))),
    ("cluster", changed(("cluster", CLUSTER), ("cells_per_gpu", 4), ("device", "cuda"))),
    ("a folder of images", changed(("datasets.flowers", FOLDER), ("datasets.digits", {"validation": None}))),
    ("axes", changed(("experiments.e.grid", {"axes": {"momentum": [0.9, 0], "log10_lr": {"step": 1, "size": 3}}}))),
    (
        "numbers as texts",
        changed(("experiments.e.grid.log10_lr", ["-1e0", -2]), ("experiments.e.prior.momentum", "5e-1")),
    ),
    ("ratios as texts", changed(("experiments.e.variants", {"uniform": ["0.6", 0.2]}))),
    ("looks", changed(("experiments.e.verdict", {"replicates": {"first": 3, "most": 12}, "sigma": None}))),
    ("a fixed number", changed(("experiments.e.verdict", {"replicates": 3}), ("objectives.accuracy_floor", 0))),
    ("adaptive", changed(("experiments.e.design", {"kind": "adaptive", "share": 0.5}))),
    ("auto", changed(("experiments.e.recipe.precision", "auto"), ("experiments.e.recipe.milestones", [3, 5]))),
    (
        "system",
        changed(
            ("datasets.flowers", FOLDER | {"workers": None}),
            ("experiments.e.dataset", "flowers"),
            ("experiments.e.system", {"parameters": {"workers": "auto", "prefetch": [1, 4]}, "store": "none"}),
        ),
    ),
    (
        "network",
        changed(
            ("experiments.e", EXPERIMENT | {"model": "image_cnn", "network": {"filters": 6, "activation": "tanh"}})
        ),
    ),
]


@pytest.mark.parametrize("config", [config for _, config in ACCEPTED], ids=[name for name, _ in ACCEPTED])
def test_what_is_a_study_fits_the_schema(config):
    assert load_study(copy.deepcopy(config))
    assert [error.message for error in VALIDATOR.iter_errors(config)] == []


WRONG = [
    ("experiment", {}),
    ("study", ...),
    ("study", "../up"),
    ("experiments", {}),
    ("experiments", {"a b": EXPERIMENT}),
    ("reference", "matthiesen2032"),
    ("cells_per_gpu", 0),
    ("cells_per_gpu", "many"),
    ("datasets.mnst", {}),
    ("datasets.flowers", FOLDER | {"size": None}),
    ("datasets.flowers", {"format": FORMAT, "folder": "data/flowers"}),
    ("experiments.e.sedes", [1]),
    ("experiments.e.seeds", [1, 1]),
    ("experiments.e.seeds", []),
    ("experiments.e.model", "resnet9"),
    ("experiments.e.grid", ...),
    ("experiments.e.grid", {"log10_lr": [-1]}),
    ("experiments.e.grid", {"axes": {"log10_lr": [-1]}}),
    ("experiments.e.grid.log10_lr", "all"),
    ("experiments.e.grid.log10_lr", ["low", -1]),
    ("experiments.e.grid.log10_lr", [True, -1]),
    ("experiments.e.grid.log10_lrs", [-1]),
    ("experiments.e.grid.log10_wd.setp", 1),
    ("experiments.e.grid.log10_wd", {"step": 0, "size": 3}),
    ("experiments.e.grid.flip", [False, True]),
    ("experiments.e.prior.momentun", 0.5),
    ("experiments.e.prior.filters", 3),
    ("experiments.e.network.filtres", 3),
    ("experiments.e.recipe.epcohs", 3),
    ("experiments.e.recipe.epochs", ...),
    ("experiments.e.recipe.epochs", "many"),
    ("experiments.e.recipe.milestones", [0]),
    ("experiments.e.variants.uniforn", [0.5]),
    ("experiments.e.variants.uniform", 0.5),
    ("experiments.e.variants.uniform", [1.0]),
    ("experiments.e.pruning.round_to", 4),
    ("experiments.e.design.share", 0.4),
    ("experiments.e.design", {"kind": "adaptive", "trials": 4}),
    ("experiments.e.design", {"kind": "random", "trials": 4, "space": LEVELS}),
    ("experiments.e.system", {}),
    ("experiments.e.system", {"parameters": {}}),
    ("experiments.e.system", {"parameters": {"wrokers": [1]}}),
    ("experiments.e.system", {"parameters": {"workers": [-1]}}),
    ("experiments.e.system", {"parameters": {"workers": 2}}),
    ("experiments.e.system", {"parameters": {"prefetch": "auto"}}),
    ("experiments.e.system", {"parameters": {"workers": [1]}, "goal": "seconds"}),
    ("experiments.e.verdict.replicates", {"first": 3}),
    ("experiments.e.verdict.margin", 0.01),
    ("analysis.thresholds", [0.5, 0.005]),
    ("objectives.accuracy_floor", 0.97),
    ("objectives.memory_limit_mb", 0),
    ("targets.here.thread", [1]),
    ("targets.here", {"kind": "shh"}),
    ("targets.here", {"kind": "ssh"}),
    ("targets.here", {"kind": "local", "host": "pi"}),
    ("targets.here", {"kind": "ssh", "host": "-oProxyCommand=touch pwned"}),
    ("cluster.rules", {"train": {}}),
    ("cluster.partition", "a b"),
]


@pytest.mark.parametrize(("place", "value"), WRONG, ids=lambda item: str(item)[:40])
def test_what_is_wrong_in_one_place_does_not_fit(place, value):
    config = changed((place, value))
    assert not VALIDATOR.is_valid(config)
    with pytest.raises(InputError):
        load_study(config)


@pytest.mark.parametrize(
    "design",
    [
        {"trials": ...},
        {"space": ...},
        {"space": {}},
        {"space": SPACE | {"momentum": [0.9]}},
        {"space": SPACE | {"schedule": {"low": 0, "high": 1}}},
        {"space": SPACE | {"log10_lr": {"low": -9, "high": 0}}},
        {"space": SPACE | {"log10_lr": {"low": -3}}},
        {"space": SPACE | {"momentm": [0, 1]}},
        {"arms": "liao2021"},
        {"arms": ["al"]},
        {"arms": ["all", "all"]},
        {"confirm": {"first": 1}},
        {"kind": "factorial"},
    ],
    ids=str,
)
def test_a_wrong_design_with_a_space_does_not_fit(design):
    config = space_study(design)
    assert not VALIDATOR.is_valid(config)
    with pytest.raises(InputError):
        load_study(config)


def refused_by(function, *values: object) -> bool:
    try:
        function(*values)
    except InputError:
        return True
    return False


@pytest.mark.parametrize("name", PARAMETERS)
def test_a_hyperparameter_has_the_bounds_and_levels_of_the_registry(name):
    parameter = PARAMETERS[name]
    limits = [COMPARISONS[type(bound)][2](bound) for bound in parameter.bounds]
    near = [limit + step for limit in limits for step in (-1, -0.5, -1e-9, 0, 1e-9, 0.5, 1)]
    tried = [*near, *map(str, limits), *parameter.levels, "low", "1.5e-1", True, False, "true", None, [0.5]]
    validator = Draft7Validator({"$ref": f"#/$defs/{name}", "$defs": SCHEMA["$defs"]})
    for value in tried:
        text = isinstance(value, str) and parameter.numeric  # whose number a schema cannot read
        assert validator.is_valid(value) is not refused_by(parameter.value, value) or text, value
    assert any(map(validator.is_valid, tried)) and not all(map(validator.is_valid, tried))


def test_a_recipe_has_the_same_hyperparameters_with_bounds_and_levels():
    """Those of the fields' types, which pydantic reads, are those of the registry."""
    recipe = SCHEMA["$defs"]["Recipe"]["properties"]
    for name in PARAMETERS.keys() & Recipe.__dataclass_fields__:
        field, registered = recipe[name], SCHEMA["$defs"][name]
        assert field["description"] == registered["description"]
        if "enum" in field:
            assert [level for level in field["enum"] if level != AUTO] == registered["enum"]
        elif PARAMETERS[name].numeric:
            (number,) = (kind for kind in field.get("anyOf", [field]) if kind["type"] != "null")
            assert number.items() >= registered["anyOf"][0].items()
        else:
            assert field["type"] == "boolean"


@pytest.mark.parametrize("name", [*DATASETS, "flowers"])
def test_options_of_data_sets_are_those_that_are_checked(name):
    needed = {"format": FORMAT, "folder": "data/flowers", "size": 64} if name == "flowers" else {}
    numbers = (-1, 0, 1, 2, 3, 256, 257, 10_000, 10_001, 10**6, 10**6 + 1, 2**32 - 1, 2**32, 0.5)
    tried = (None, True, *numbers, "", "a", FORMAT, [1])
    validator = Draft7Validator(SCHEMA["properties"]["datasets"] | {"$defs": SCHEMA["$defs"]})
    for key in DATASETS.get(name, IMAGE_FOLDER):
        for value in tried:
            if name == "flowers" and key in needed and (value is None or key == "format"):
                continue  # checked where all options are resolved
            options = needed | {key: value}
            assert validator.is_valid({name: options}) is not refused_by(check_options, name, options), options


def keys_of(schema: object, place: str = "") -> list[tuple[str, dict]]:
    """Every key that a schema knows, with its schema."""
    if isinstance(schema, list):
        return [found for item in schema for found in keys_of(item, place)]
    if not isinstance(schema, dict):
        return []
    own = [(f"{place}.{name}", field) for name, field in schema.get("properties", {}).items()]
    below = [found for name, field in own for found in keys_of(field, name)]
    rest = [
        item for name, item in schema.items() if name not in ("properties", "$defs", "if", "then", "else", "default")
    ]
    return [*own, *below, *keys_of(rest, place)]


def text_of(schema: dict) -> str:
    """What an editor shows of a key: its own text, or that of the part that it is."""
    inside = [schema, *schema.get("anyOf", [])]
    parts = [SCHEMA["$defs"][item["$ref"].rpartition("/")[2]] for item in inside if "$ref" in item]
    return next((item["description"] for item in (schema, *parts) if "description" in item), "")


def test_every_key_is_explained_in_plain_words():
    parts = [(name, part) for name, part in SCHEMA["$defs"].items() if "properties" in part]
    keys = [*keys_of(SCHEMA), *(found for name, part in parts for found in keys_of(part, name))]
    assert len(keys) > 200
    assert [name for name, field in keys if not re.fullmatch(r".{10,}[.]", text_of(field))] == []


def test_texts_come_from_the_registry_the_fields_and_the_classes():
    properties, parts = SCHEMA["properties"], SCHEMA["$defs"]
    assert (
        "β2: a number above 0 and below 1. Acts with optimiser: adam,"
        in parts["Recipe"]["properties"]["beta2"]["description"]
    )
    assert "image_cnn 12" in parts["filters"]["description"]
    assert properties["study"]["description"] == "Name of the folder under results/."
    assert parts["Cluster"]["properties"]["minutes"]["description"].endswith("minutes."), "from the class above"
    assert parts["Ssh"]["properties"]["kind"]["description"].startswith("A host that OpenSSH reaches")


def test_the_tracked_schema_is_what_the_command_prints(capsys):
    """`prunescape schema > config/study.schema.json` mends it."""
    assert main(["schema"]) == 0
    assert capsys.readouterr().out == FILE.read_text()
    Draft7Validator.check_schema(SCHEMA)
    assert SCHEMA["$schema"] == DRAFT == Draft7Validator.META_SCHEMA["$id"]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_the_first_line_of_a_config_names_the_schema(file):
    found = re.fullmatch(r"# yaml-language-server: \$schema=(\S+)", file.read_text().splitlines()[0])
    assert found and (file.parent / found[1]).resolve() == FILE
