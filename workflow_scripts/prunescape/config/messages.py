"""What is wrong with a config in one line: file, key, value, what is allowed, hint.

Found by pydantic, or here where it raises no error: a yes that counts as 1, a misspelled level.
"""

import dataclasses
import datetime
import typing
from difflib import get_close_matches
from typing import Any

from pydantic import BaseModel, ValidationError

from prunescape.errors import InputError, nearest
from prunescape.space.cells import NAME_PATTERN
from prunescape.space.networks import NETWORK
from prunescape.space.parameters import Value
from prunescape.space.pipelines import PIPELINES
from prunescape.space.settings import parameter_named
from prunescape.space.system_parameters import SYSTEM

TAG = "kind="  # opens the tag of a member of a union, which pydantic adds to places; no key of the config holds a "="
OF_A_KEY = "[key]"  # pydantic adds it where a key is meant, not its value
UNKNOWN_KIND = "unknown_kind"
SWITCHES = ("flip", "flush_to_zero", "download", "inference_first")  # keys whose values may be yes or no
UNKNOWN_KEY = ("extra_forbidden", "unexpected_keyword_argument")  # in a model, in a data class
LISTS = ("list_type", "tuple_type")
TEXTS = ("string_type",)
WHOLE = ("int_type", "int_parsing", "int_parsing_size", "int_from_float")
# what is allowed where pydantic finds these kinds of errors
ALLOWED = {
    **dict.fromkeys(LISTS, "a list"),
    **dict.fromkeys(TEXTS, "a text"),
    **dict.fromkeys(WHOLE, "a whole number"),
    **dict.fromkeys(("float_type", "float_parsing"), "a number"),
    **dict.fromkeys(("bool_type", "bool_parsing"), "true or false"),
    **dict.fromkeys(("dict_type", "mapping_type"), "keys with their values"),
}
VERY_LIKE = 0.85  # a key that is rather misspelled than misplaced: seed is meant as seeds
PIPELINE_MEANT = "{} is a pipeline: give it in retraining.pipelines"
NAMES = "letters, digits, dots, hyphens and underscores, a letter or digit first"
PARTS = ("model_type", "model_attributes_type", "dataclass_type")  # something else where a part's keys belong


def input_error(error: ValidationError, root: type[BaseModel], source: str) -> InputError:
    """The first error of reading `root` from `source` as an InputError; unknown keys come before missing ones."""
    errors = sorted(error.errors(include_url=False), key=lambda item: item["type"] not in UNKNOWN_KEY)
    found = errors[0]
    path = [part for part in found["loc"] if part != OF_A_KEY]
    keys = [part for part in path if not _is_tag(part)]
    where = ": ".join(filter(None, [source, ".".join(str(key) for key in keys)]))
    if found["type"] in UNKNOWN_KEY:
        allowed = _keys_at(root, path[:-1])
        what = f"unknown key (its value: {_short(found['input'])})"
        near = get_close_matches(str(keys[-1]), allowed, n=1, cutoff=VERY_LIKE)
        hint = "" if near else _elsewhere(root, keys)
        hint = hint or nearest(str(keys[-1]), allowed)
        return InputError(what, where=where, allowed=", ".join(allowed), hint=hint)
    if found["type"] in ("missing", "missing_argument"):
        return InputError("this key is missing", where=where, hint="see config/config.yaml for a complete example")
    if found["type"] == UNKNOWN_KIND:
        kind, allowed = str(found["input"]["kind"]), found["msg"]
        hint = nearest(kind, allowed.split(", "))
        return InputError(f"'{kind}' cannot be used", where=f"{where}.kind", allowed=allowed, hint=hint)
    if found["type"] in PARTS:
        allowed = f"the keys {', '.join(_keys_at(root, path))}"
        return InputError(f"{_short(found['input'])} cannot be used", where=where, allowed=allowed)
    return _value_error(found, where)


def _elsewhere(root: type[BaseModel], keys: list[object]) -> str:
    """Where a key belongs that another part of the config knows: one beside it, above or below it."""
    key, experiment = str(keys[-1]), keys[:1] == ["experiments"]
    if keys[-2:-1] == ["recipe"] and key in NETWORK:
        return f"{key} belongs to the network: give it in network.{key}"
    if experiment and keys[2:-1] == ["system"] and key in SYSTEM:
        return f"give it in system.parameters.{key}"
    if experiment and key in PIPELINES:
        return PIPELINE_MEANT.format(key)
    parts = _keys_at(root, ["experiments", "NAME"])
    if len(keys) == 1 and key in parts:
        return f"{key} belongs to an experiment: give it in experiments.NAME.{key}"
    if not experiment or len(keys) not in (3, 4):
        return ""
    if key in _keys_at(root, []):
        return f"{key} belongs to the study: give it beside experiments"
    found = [part for part in parts if key in _keys_at(root, ["experiments", "NAME", part])]
    return f"{key} belongs to {found[0]}: give it in {found[0]}.{key}" if found else ""


def level_value(name: str, given: Any) -> Value:
    """`given` as a value of the hyperparameter called `name`; raises InputError with the nearest level for another."""
    parameter = parameter_named(name)
    try:
        return parameter.value(given)
    except InputError as error:
        hint = nearest(str(given), parameter.levels)
        raise InputError(error.what, allowed=error.allowed, hint=hint) from None


def _value_error(found: dict[str, Any], where: str) -> InputError:
    value, message = found["input"], found["msg"].removeprefix("Value error, ")
    if found["type"] == "value_error":
        what, _, rest = message.partition("; allowed: ")
        allowed, _, hint = rest.partition("; hint: ")
        return InputError(what, where=where, allowed=allowed, hint=hint)
    expected = found.get("ctx", {}).get("expected", "")
    hint = _choice_meant(value, expected) if expected else _meant(found, where)
    if found["type"] == "too_short":
        least = found["ctx"]["min_length"]
        message = f"at least {least} items" if least > 1 else "at least one"
    if found["type"] == "string_too_long":
        message = f"up to {found['ctx']['max_length']} characters"
    if found["type"] == "string_pattern_mismatch" and found["ctx"]["pattern"] == f"^{NAME_PATTERN}$":
        message = NAMES
    allowed = ALLOWED.get(found["type"], (message[:1].lower() + message[1:]).removeprefix("input should be "))
    return InputError(f"{_short(value)} cannot be used", where=where, allowed=allowed, hint=hint)


def _choice_meant(value: Any, expected: str) -> str:
    """Which of the choices in pydantic's text, "'auto', 1 or 8", was meant; a number is not like another one."""
    choices = [choice.strip("' ") for part in expected.split(" or ") for choice in part.split(",")]
    if isinstance(value, str) and value in PIPELINES:
        return PIPELINE_MEANT.format(value)
    if isinstance(value, str) and value.isdecimal():
        return f"did you mean {value}, without quotes?" if value in choices else ""
    return nearest(str(value), choices) if value is not None and not isinstance(value, int | float) else ""


def _meant(found: dict[str, Any], where: str) -> str:
    """What was meant by a value of another kind: one item of a list, a text that YAML reads otherwise, a percentage."""
    value, kind = found["input"], found["type"]
    if kind in LISTS and isinstance(value, str | int | float):
        return f"did you mean [{value}]?"
    if kind in TEXTS and isinstance(value, int | float | datetime.date):
        return f'did you mean "{value}", in quotes?'
    if kind in TEXTS and isinstance(value, dict) and len(value) == 1:
        ((name, given),) = value.items()
        return f'did you mean "{name}:{given}", without the space?' if given is not None else ""
    if kind in WHOLE and isinstance(value, str):
        return _whole_number(value)
    return _share_hint(found, where)


def _whole_number(text: str) -> str:
    """What was meant by 1e3, which YAML takes for a text."""
    try:
        number = float(text)
    except ValueError:
        return ""
    return f"did you mean {int(number)}?" if number.is_integer() else ""


def _share_hint(found: dict[str, Any], where: str) -> str:
    """What was meant by a percentage where a share belongs."""
    value, limits = found["input"], found.get("ctx", {})
    most = limits.get("lt", limits.get("le"))
    shares = most is not None and 0 < most <= 1 and value != most and "log10_" not in where
    return f"did you mean {value / 100:g}?" if shares and isinstance(value, int | float) and 1 <= value < 100 else ""


def _short(value: Any) -> str:
    text = repr(dict(value) if isinstance(value, dict) else value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _is_tag(part: object) -> bool:
    return isinstance(part, str) and part.startswith(TAG)


def _keys_at(root: type, keys: list[object]) -> list[str]:
    """The keys that the config knows at a place, found by walking the types from `root`."""
    kind: Any = root
    for key in keys:
        kind = _tagged(kind, key) if _is_tag(key) else _member(kind, key)
    return _fields(_mapping_in(kind))


def _member(kind: Any, key: object) -> Any:
    holder = _mapping_in(kind)
    if isinstance(holder, type) and issubclass(holder, BaseModel):
        return holder.model_fields[str(key)].annotation
    return typing.get_args(holder)[-1]


def _tagged(kind: Any, tag: object) -> Any:
    """The member of a union, somewhere in a type, that carries this tag."""
    if any(getattr(mark, "tag", None) == tag for mark in getattr(kind, "__metadata__", ())):
        return kind
    inside = (_tagged(argument, tag) for argument in typing.get_args(kind))
    return next((found for found in inside if found is not None), None)


def _mapping_in(kind: Any) -> Any:
    """What in a type holds keys: a model, a data class or a dict, looked for inside unions and annotations."""
    if dataclasses.is_dataclass(kind) or (isinstance(kind, type) and issubclass(kind, BaseModel)):
        return kind
    if typing.get_origin(kind) is dict:
        return kind
    inside = (_mapping_in(argument) for argument in typing.get_args(kind))
    return next((found for found in inside if found is not None), None)


def _fields(holder: Any) -> list[str]:
    if dataclasses.is_dataclass(holder):
        return [field.name for field in dataclasses.fields(holder)]
    return list(getattr(holder, "model_fields", {}))


def refuse_switches(value: Any, source: str, *keys: object) -> None:
    """Raise InputError for a YAML yes or no where a number or text belongs: it would pass as 1 or 0."""
    if isinstance(value, bool) and not any(key in SWITCHES for key in keys[-2:]):
        where = f"{source}: {'.'.join(map(str, keys))}"
        raise InputError(f"{value} is a switch", where=where, allowed="a number or a text")
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        refuse_switches(item, source, *keys, key)
