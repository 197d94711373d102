"""The command that prints the JSON Schema of a study's config."""

import argparse
import json


def add_schema(command: argparse.ArgumentParser) -> None:
    """`prunescape schema`."""
    command.description = (
        "Print the JSON Schema of a study's config, with which an editor completes, explains and checks its keys. "
        "config/study.schema.json is what this prints; docs/running.md says how an editor finds it."
    )
    command.set_defaults(run=_print_schema)


def _print_schema(_: argparse.Namespace) -> None:
    """Print the schema, keys sorted."""
    from prunescape.config.schema import study_schema

    print(json.dumps(study_schema(), indent=1, sort_keys=True))
