"""Types of command-line arguments that several commands take."""

import argparse
import os
from pathlib import Path

from prunescape.errors import InputError
from prunescape.store.files import is_path


def example_shape(text: str) -> tuple[int, ...]:
    """`3,224,224` as channels, height, width, or `20000,200` as the vocabulary and the length of a text."""
    parts = text.split(",")
    if len(parts) not in (2, 3) or not all(part.isdecimal() and int(part) for part in parts):
        raise argparse.ArgumentTypeError(f'"{text}" is no shape like 3,224,224')
    return tuple(map(int, parts))


def dimension(text: str) -> tuple[str, int]:
    """`height=320` as a name and a size."""
    name, _, size = text.rpartition("=")
    if not name or not size.isdecimal() or int(size) < 1:
        raise argparse.ArgumentTypeError(f'"{text}" is no size like height=320')
    return name, int(size)


def folder(text: str) -> Path:
    """A folder that is there, or can be made; raises InputError for a file, what is below one, or a closed folder."""
    path = Path(text)
    there = next(each for each in (path.absolute(), *path.absolute().parents) if os.path.exists(each))
    if not there.is_dir():
        raise InputError(f"cannot be written: {there.name} is a file", where=path, allowed="a folder")
    if not os.access(there, os.W_OK | os.X_OK):
        raise InputError("cannot be written: permission denied", where=path, allowed="a folder of your own")
    if not is_path(text):
        raise InputError(f"{repr(text)[:60]} is no path", allowed="the path of a folder")
    return path


def named_number(text: str) -> tuple[str, float]:
    """`weight_decay=1e-6` as a name and a number."""
    name, _, given = text.rpartition("=")
    if not name:
        raise argparse.ArgumentTypeError(f'"{text}" is not NAME=NUMBER as in weight_decay=1e-6')
    return name, number(given)


def named_text(text: str) -> tuple[str, str]:
    """`optimiser=adam` as a name and a text; the name may hold a colon as in `log10:lr`."""
    name, _, given = text.partition("=")
    if not name or not given:
        raise argparse.ArgumentTypeError(f'"{text}" is not NAME=VALUE as in optimiser=adam')
    return name, given


def number(text: str) -> float:
    """A number; what it may be is for the function behind the command to say."""
    try:
        return float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f'"{text}" is not a number') from None


def whole_number(text: str) -> int:
    """A count from 1."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f'"{text}" is not a whole number above 0')
    return int(text)
