"""Finds what readers of a config pass over in silence: a key given twice, a yes that counts as 1. Needs PyYAML."""

from pathlib import Path
from typing import Any

import yaml

from prunescape.errors import InputError

SWITCHES = ("flip", "flush_to_zero")


class OnceLoader(yaml.SafeLoader):
    """Reads YAML as Snakemake does, but refuses a mapping that has a key twice."""

    def construct_mapping(self, node, deep=False):
        seen = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if str(key) in seen:
                raise InputError(f'the key "{key}" is given twice', where=f"line {key_node.start_mark.line + 1}")
            seen.add(str(key))
        return super().construct_mapping(node, deep=deep)


def refuse_repeated_keys(file: Path | str) -> None:
    """Raise InputError that names the file, the line and the key. What else may be wrong is for others to say."""
    try:
        yaml.load(Path(file).read_text(), OnceLoader)
    except InputError as error:
        raise InputError(error.what, where=f"{file}: {error.where}", allowed="each key once") from None
    except (yaml.YAMLError, OSError, UnicodeDecodeError):
        return


def refuse_switches(value: Any, source: str, *keys: object) -> None:
    """A YAML yes or no where a number or text belongs would pass as 1 or 0; only SWITCHES may be one or list some."""
    if isinstance(value, bool) and not any(key in SWITCHES for key in keys[-2:]):
        where = f"{source}: {'.'.join(map(str, keys))}"
        raise InputError(f"{value} is a switch", where=where, allowed="a number or a text")
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        refuse_switches(item, source, *keys, key)
