"""What README and docs/ tell a reader to type: commands that parse, files that are there, keys that the schema has."""

import json
import re
import shlex
from collections.abc import Iterator
from itertools import takewhile
from pathlib import Path

import pytest
import yaml

from prunescape.commands.cli import parser

ROOT = Path(__file__).resolve().parents[1]
PAGES = ["README.md", "CONTRIBUTING.md", *sorted(f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md"))]
NAMED_BY_THE_READER = ("datasets", "experiments", "targets")  # keys of the config whose own keys are any names


def blocks(page: str, *languages: str) -> list[str]:
    """The code blocks of a page in these languages."""
    return re.findall(rf"```(?:{'|'.join(languages)})\n(.*?)```", (ROOT / page).read_text(), re.DOTALL)


def commands(page: str) -> list[list[str]]:
    """The words of each command of a page: all lines of `sh`, those after a `$` of `console`."""
    text = "\n".join(blocks(page, "sh"))
    text += "\n" + "\n".join(re.findall(r"^\$ (.*)$", "\n".join(blocks(page, "console")), re.MULTILINE))
    lines = text.replace("\\\n", " ").splitlines()
    return [words for line in lines if "<<" not in line and (words := shlex.split(line, comments=True))]


def keys(config, above: str = "") -> Iterator[str]:
    """Every key of a piece of a config that the reader does not choose."""
    if isinstance(config, dict):
        for key, value in config.items():
            if above not in NAMED_BY_THE_READER:
                yield key
            yield from keys(value, key)
    elif isinstance(config, list):
        for value in config:
            yield from keys(value)


def properties(schema) -> Iterator[str]:
    """The names of all properties in a JSON Schema."""
    if isinstance(schema, dict):
        yield from schema.get("properties", {})
    for part in schema.values() if isinstance(schema, dict) else schema if isinstance(schema, list) else ():
        yield from properties(part)


@pytest.mark.parametrize("page", PAGES)
def test_every_command_parses_and_names_files_that_are_there(page):
    for words in commands(page):
        if words[0] == "prunescape":
            own = takewhile(lambda word: word not in ("|", ">"), words[1:])
            parser().parse_args(list(own))
        named = [word for word in words if word.startswith(("config/studies/", "benchmarks/", "tests/"))]
        assert all((ROOT / name).is_file() for name in named), words
    for script in re.findall(r"python\s+((?:benchmarks|tests)/\S+?\.py)", (ROOT / page).read_text()):
        assert (ROOT / script).is_file(), script


@pytest.mark.parametrize("page", PAGES)
def test_every_key_of_a_config_is_in_the_schema(page):
    known = set(properties(json.loads((ROOT / "config/study.schema.json").read_text())))
    for block in blocks(page, "yaml"):
        shown = yaml.safe_load(re.sub(r", (?:\.\.\.|…)(?=[}\]])", "", block))
        assert not set(keys(shown)) - known, block
