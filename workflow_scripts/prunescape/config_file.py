"""Finds what a YAML reader passes over in silence: a key that is given twice. Needs PyYAML."""

from pathlib import Path

import yaml

from prunescape.errors import InputError


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
