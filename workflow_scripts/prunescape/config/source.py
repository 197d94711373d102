"""Reads the file of a config; what is wrong with its text is one line with file, line and column.

Snakemake reads it too, first as JSON, then as YAML, and can run Python from it (YTE); nothing here runs anything.
"""

import json
from pathlib import Path
from typing import Any

import yaml

from prunescape.errors import InputError, nearest

ENDINGS = (".yaml", ".yml", ".json")
CORE = "tag:yaml.org,2002:"
MERGE = f"{CORE}merge"
MOST_VALUES = 1_000_000  # in all lists and mappings together, each counted as often as an alias repeats it
MOST_NESTED = 100
PYTHON = ("__use_yte__", "__definitions__", "__variables__")  # keys of YTE, with which Snakemake runs Python


class OnceLoader(yaml.SafeLoader):
    """Reads YAML as Snakemake does, but refuses a mapping that has a key twice, and anything that is Python's."""

    def construct_object(self, node, deep=False):
        try:
            return super().construct_object(node, deep=deep)
        except (
            ValueError,
            AttributeError,
            LookupError,
        ) as error:  # of a date, a long number, a tag
            where = _place(node.start_mark.line, node.start_mark.column)
            reason = str(error).partition(";")[0] if isinstance(error, ValueError) else node.tag.replace(CORE, "!!")
            what, hint = f"YAML cannot read {str(node.value)[:40]} ({reason})", "write a text in quotes"
            raise InputError(what, where=where, hint=hint) from None

    def construct_mapping(self, node, deep=False):
        pairs = node.value if isinstance(node, yaml.MappingNode) else []  # else the tag is wrong, as PyYAML finds
        seen = set()
        for key_node, _ in pairs:
            if key_node.tag == MERGE:  # `<<` brings other keys, and is none itself
                continue
            key = self.construct_object(key_node, deep=True)
            if str(key) in seen:
                where = f"line {key_node.start_mark.line + 1}"
                raise InputError(f'the key "{key}" is given twice', where=where, allowed="each key once")
            seen.add(str(key))
        return super().construct_mapping(node, deep=deep)


def read_config(file: Path | str) -> dict[str, Any]:
    """The keys and values in `file`, JSON or YAML; raises InputError that names the place of what is wrong."""
    try:
        content = _parsed(_text(Path(file)))
        _check_size(content)
    except InputError as error:
        where = ": ".join(filter(None, [str(file), error.where]))
        raise InputError(error.what, where=where, allowed=error.allowed, hint=error.hint) from None
    if not isinstance(content, dict):
        raise InputError("the config holds no keys", where=file, hint="see config/config.yaml for a complete example")
    for key in PYTHON:
        if key in content:
            what, hint = f"the key {key} would run Python from the config", "remove it, and write plain values"
            raise InputError(what, where=file, hint=hint)
    return content


def _check_size(content: Any) -> None:
    """Raise InputError for what never ends: a list that holds itself, or aliases of aliases of aliases."""
    waiting, count = [(content, 0)], 0
    while waiting:
        value, depth = waiting.pop()
        held = value.values() if isinstance(value, dict) else value if isinstance(value, list | set) else ()
        count += len(held)
        if depth > MOST_NESTED or count > MOST_VALUES:
            allowed = f"{MOST_VALUES} values, nested {MOST_NESTED} deep"
            raise InputError("the config never ends", allowed=allowed, hint="an alias (*name) may repeat itself")
        waiting += [(each, depth + 1) for each in held]


def _text(file: Path) -> str:
    try:
        content = file.read_bytes()
    except FileNotFoundError:
        known = [path.name for path in file.parent.glob("*") if path.suffix in ENDINGS]
        raise InputError("there is no such config file", hint=nearest(file.name, known)) from None
    except OSError as error:
        raise InputError(f"the config cannot be read ({error.strerror})") from None
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        before = content[: error.start]
        where = _place(before.count(b"\n"), error.start - before.rfind(b"\n") - 1)
        what = f"the byte 0x{content[error.start]:02x} is no UTF-8"
        raise InputError(what, where=where, hint="save the file as UTF-8") from None


def _parsed(text: str) -> Any:
    try:
        return json.loads(text, object_pairs_hook=_once)
    except (ValueError, RecursionError):
        pass
    try:
        return yaml.load(text, OnceLoader)
    except RecursionError:
        raise InputError("the config is nested too deep", allowed=f"{MOST_NESTED} lists or mappings") from None
    except yaml.MarkedYAMLError as error:
        simple = error.problem == "could not find expected ':'"  # where the key began says more than where it ended
        mark = error.context_mark if simple else error.problem_mark
        what = ", ".join(filter(None, [error.context, error.problem]))
        tabs = "\t" in text.split("\n")[min(mark.line, text.count("\n"))]
        hint = "indent with spaces: YAML takes no tabs" if tabs else "see config/config.yaml for a complete example"
        raise InputError(f"this is no YAML ({what})", where=_place(mark.line, mark.column), hint=hint) from None
    except yaml.reader.ReaderError as error:
        before = text[: error.position]
        where = _place(before.count("\n"), error.position - before.rfind("\n") - 1)
        raise InputError(f"this is no YAML ({error.reason})", where=where) from None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    keys = [key for key, _ in pairs]
    if twice := [key for key in keys if keys.count(key) > 1]:
        raise InputError(f'the key "{twice[0]}" is given twice', allowed="each key once")
    return dict(pairs)


def _place(line: int, column: int) -> str:
    """Both counted from 0."""
    return f"line {line + 1}, column {column + 1}"
