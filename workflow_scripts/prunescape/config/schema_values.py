"""JSON schemas of what the types of a config leave open: hyperparameters, data sets and their options, models, arms."""

from typing import Any, get_args

from annotated_types import Ge, Gt, Le, Lt

from prunescape.config.datasets import DATASETS, FORMAT, GPU_WORKERS, IMAGE_FOLDER, NEEDED
from prunescape.config.designs import AGAIN, ALL, FIX, FIX_DIMENSION, KEYS, LIAO2022, SPACE_KINDS, Bounds
from prunescape.config.experiment import FEWEST_AXES
from prunescape.config.models import ARCHITECTURES, FACTORY_PATTERN, NETWORKS, TIMM, TIMM_PATTERN
from prunescape.config.texts import LARGEST
from prunescape.config.tuning import BESIDE_SEARCH, CUT, GRID, VARIANT
from prunescape.space.cells import NAME_PATTERN
from prunescape.space.networks import NETWORK
from prunescape.space.parameters import COMPARISONS, Dimension, Parameter
from prunescape.space.recipe import PARAMETERS
from prunescape.space.reference import field_texts, hyperparameter_line
from prunescape.space.system_parameters import AUTO, NEUTRAL, SYSTEM
from prunescape.space.variants import METHODS

Schema = dict[str, Any]
# Numbers become decimal text, so their text will do: YAML reads 1e-3 as one.
NUMBER_TEXT = {"type": "string", "pattern": r"^\s*[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?\s*$"}
LIMITS = {Ge: "minimum", Gt: "exclusiveMinimum", Le: "maximum", Lt: "exclusiveMaximum"}
RATIO = {"anyOf": [{"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1}, NUMBER_TEXT]}
MODEL_PATTERN = f"^({TIMM}{TIMM_PATTERN}|{FACTORY_PATTERN})$"  # torchvision:NAME looks like a factory
METHOD_TEXTS = {
    "uniform": "Every layer keeps the same share of its filters.",
    "nonuniform": "Filters are ranked over the whole network, so layers keep different shares.",
}
COUNT = {"type": "integer", "minimum": 1}
ADDRESS = {"type": "string", "pattern": "^(https?://[^/@\\s]+|file://.*/.*[^/\\s])[^@\\s]*$"}
EQUAL_SHARES = "with equal shares of each class"
OPTIONS: dict[str, tuple[Schema, str]] = {  # of data sets; check_options in datasets.py refuses what these do
    "folder": ({"type": "string", "minLength": 1}, "Where the original files are, or go. No result depends on it."),
    "format": ({"const": FORMAT}, "Images in train/CLASS/ and val/CLASS/ of folder, read from disk during training."),
    "size": (COUNT, "Side of the square crop, pixels; training crops lie anywhere, tests take the centre."),
    "resize": (COUNT, "The shorter side of an image before the crop, pixels."),
    "workers": (
        {"type": "integer", "minimum": 0, "maximum": 256},
        "Processes that decode beside each training, as cores allow. No result depends on it.",
    ),
    "train": (COUNT, f"Number of training examples, drawn by split_seed {EQUAL_SHARES}."),
    "test": (COUNT, f"Number of test examples, drawn by split_seed {EQUAL_SHARES}."),
    "validation": (
        {"type": "integer", "minimum": 0},
        f"Number of training examples held out, {EQUAL_SHARES}, for select_on: validation; 0: none.",
    ),
    "split_seed": ({"type": "integer", "minimum": 0, "exclusiveMaximum": 2**32}, "Decides which examples are drawn."),
    "vocabulary": (
        COUNT,
        "Numbers for words: the most frequent of the training split, one for padding, one for others.",
    ),
    "length": (COUNT, "Number of the last words of a text, which are kept; shorter texts are padded."),
    "url": (
        {"anyOf": [ADDRESS, {"type": "array", "items": ADDRESS, "minItems": 1}]},
        "Where missing files are downloaded from, tried in order; a folder's ends in /. No result depends on it.",
    ),
    "download": ({"type": "boolean"}, "Whether missing files are downloaded. No result depends on it."),
}
LEFT_OUT = {  # of options without a default
    **dict.fromkeys(("train", "test"), "all there are"),
    "resize": "256/224 of size",
    "workers": f"{GPU_WORKERS} with a GPU; without, cores that no cell needs, if that turns out faster",
}


def open_schemas() -> dict[tuple[str, str], Schema]:
    """The schema of each key of a config whose type allows more than its checks do, by its class and its name."""
    trained = [name for name in PARAMETERS if name not in NETWORK]
    axes = _keys(
        {name: _varied(name, _reference("Steps"), 1) for name, parameter in PARAMETERS.items() if parameter.numeric},
        minProperties=FEWEST_AXES,
    )
    ratios = {method: _list_of(RATIO) | {"description": METHOD_TEXTS[method]} for method in METHODS}
    space = {name: _varied(name, _bounds(name), 2) for name in PARAMETERS}
    return {
        ("Study", "datasets"): _datasets(),
        ("Experiment", "model"): _one_of(ARCHITECTURES, {"type": "string", "pattern": MODEL_PATTERN}),
        ("Experiment", "dataset"): _one_of(DATASETS, {"type": "string", "pattern": f"^{NAME_PATTERN}$"}),
        ("Experiment", "network"): _keys({name: _reference(name) for name in NETWORK}),
        ("Experiment", "variants"): _keys(ratios),
        ("Experiment", "prior"): _keys({name: _reference(name) for name in trained}),
        ("Experiment", "grid"): {
            "anyOf": [_keys({"axes": axes | {"description": "The axes of the grid."}}, required=["axes"]), axes]
        },
        ("System", "parameters"): _keys({name: _tried(name) for name in SYSTEM}, minProperties=1),
        ("DesignTerms", "space"): _keys(space, minProperties=1),
        ("TuneTerms", "space"): _keys(_searched(space), minProperties=1),
        ("DesignTerms", "arms"): {"anyOf": [{"const": LIAO2022}, _list_of({"enum": [LIAO2022, *_arms()]})]},
    }


def _tried(name: str) -> Schema:
    """The values of a system parameter that are tried."""
    values = _system_values(name)
    text = {"description": values.pop("description")}
    return ({"anyOf": [values, {"const": AUTO}]} if name == "workers" else values) | text


def _system_values(name: str) -> Schema:
    """A list of values of a system parameter."""
    parameter = SYSTEM[name]
    least, most = parameter.bounds
    values = (
        {"enum": [*parameter.levels]} if parameter.levels else {"type": "integer", "minimum": least, "maximum": most}
    )
    text = f"{parameter.meaning[:1].upper()}{parameter.meaning[1:]}; left out: {parameter.default}."
    return _list_of(values) | {"description": text}


def hyperparameter_schemas() -> dict[str, Schema]:
    """The schema of a value of each hyperparameter, by name: what `Parameter.value` takes."""
    return {name: _value(parameter) | {"description": _line(name)} for name, parameter in PARAMETERS.items()}


def design_rules() -> dict[str, Schema]:
    """What the kind of a design asks for, by the class whose keys it decides on: which keys there are, and a grid."""
    kinds = []
    for kind, keys in KEYS.items():
        missing = {} if kind == "grid" else {"required": ["kind"]}
        rule = {"propertyNames": {"enum": ["kind", *keys]}}
        needed = [key for key in ("space", "trials") if key in keys]
        then = rule | ({"required": needed} if needed else {})
        kinds.append({"if": {"properties": {"kind": {"const": kind}}} | missing, "then": then})
    of_a_space = {"properties": {"kind": {"enum": [*SPACE_KINDS]}}, "required": ["kind"]}
    of_a_search = {"properties": {"tune": {"type": "object"}}, "required": ["tune"]}
    with_a_space = {"anyOf": [{"properties": {"design": of_a_space}, "required": ["design"]}, of_a_search]}
    grid = {"then": {"not": {"required": ["grid"]}}, "else": {"required": ["grid"]}}
    beside = [{"if": of_a_search, "then": {"not": {"required": [key]}}} for key in BESIDE_SEARCH]
    sampled = {"if": {"properties": {"sampler": {"const": GRID}}, "required": ["sampler"]}}
    sampled |= {"then": {"properties": {"brackets": {"const": 1}, "trials": {"type": "null"}}}}
    sampled["else"] = {"required": ["trials"], "properties": {"trials": {"type": "integer", "minimum": 2}}}
    return {
        "DesignTerms": {"allOf": kinds},
        "Experiment": {"allOf": [{"if": with_a_space} | grid, *beside]},
        "TuneTerms": sampled,
    }


def _searched(space: dict[str, Schema]) -> dict[str, Schema]:
    """The space of a search: variants, hyperparameters of the training that no budget cuts, system parameters."""
    variants = _list_of({"type": "string"}) | {"description": "Names of variants, as base and uniform-0.5."}
    trained = {name: schema for name, schema in space.items() if name not in (*CUT, *NETWORK)}
    return {VARIANT: variants} | {name: _system_values(name) for name in NEUTRAL} | trained


def _keys(properties: dict[str, Schema], **more: Any) -> Schema:
    return {"type": "object", "properties": properties, "additionalProperties": False, **more}


def _list_of(items: Schema, least: int = 1) -> Schema:
    return {"type": "array", "items": items, "minItems": least, "uniqueItems": True}


def _one_of(names: Any, other: Schema) -> Schema:
    """Names that an editor offers, and what else is allowed."""
    return {"anyOf": [{"enum": [*names]}, other]}


def _reference(name: str) -> Schema:
    return {"$ref": f"#/$defs/{name}"}


def _varied(name: str, other: Schema, least: int) -> Schema:
    """A hyperparameter as a list of so many values or more, or, where it is numeric, as the `other` schema says."""
    values = _list_of(_reference(name), least)
    choices = {"anyOf": [other, values]} if PARAMETERS[name].numeric else values
    return choices | {"description": _line(name)}


def _bounds(name: str) -> Schema:
    """Bounds whose ends are values of the hyperparameter."""
    ends = {end: {"allOf": [_reference(name)], "description": text} for end, text in field_texts(Bounds).items()}
    return _keys(ends, required=[*ends])


def _line(name: str) -> str:
    """What an editor shows of a hyperparameter; of a network's, too, which models have it, with their defaults."""
    models = ", ".join(f"{model} {defaults[name]}" for model, defaults in NETWORKS.items() if name in defaults)
    return hyperparameter_line(PARAMETERS[name]) + (f" Defaults: {models}." if models else "")


def _value(parameter: Parameter) -> Schema:
    if parameter.numeric:
        kind = "integer" if parameter.meaning.scale == "integer" else "number"
        limits = {LIMITS[type(bound)]: COMPARISONS[type(bound)][2](bound) for bound in parameter.bounds}
        return {"anyOf": [{"type": kind, **limits}, NUMBER_TEXT]}
    return {"enum": [*parameter.levels] or [True, False, "true", "false"]}


def _arms() -> list[str]:
    fixed = [f"{FIX}{name}" for name in PARAMETERS]
    return [ALL, AGAIN, *fixed, *(f"{FIX_DIMENSION}{name}" for name in get_args(Dimension))]


def _datasets() -> Schema:
    """Known names with their own options; any other is a folder of images, whose place and size are needed."""
    known = {
        name: _keys({key: _option(key, default) for key, default in has.items()}) for name, has in DATASETS.items()
    }
    described = {name: schema | {"description": f"Options of {name}."} for name, schema in known.items()}
    folder = _keys({key: _option(key, default) for key, default in IMAGE_FOLDER.items()}, required=["format", *NEEDED])
    described_folder = folder | {"description": "A folder of images, under any name."}
    return _keys(described) | {"additionalProperties": described_folder}


def _option(key: str, default: object) -> Schema:
    schema, text = OPTIONS[key]
    if key in LARGEST:
        least, most = LARGEST[key]
        schema = schema | {"minimum": least, "maximum": most}
    if default is None and key not in NEEDED:
        schema = {"anyOf": [schema, {"type": "null"}]}
    if default is None:
        return schema | {"description": f"{text} Left out: {LEFT_OUT[key]}." if key in LEFT_OUT else text}
    return schema | {"description": text, "default": default}
