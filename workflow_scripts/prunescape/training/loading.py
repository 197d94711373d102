"""What the cells of one variant share, loaded once per process: the pruned network and the data."""

import copy
import os
from functools import lru_cache
from pathlib import Path
from typing import Any

from torch import nn

from prunescape.models.build import planned_network
from prunescape.store.files import read_json
from prunescape.store.records import WIDTHS
from prunescape.tasks.contract import task_module


def load_network(widths: Path | str) -> nn.Module:
    """The network of a plan, not initialised yet; raises InputError for a damaged plan."""
    return copy.deepcopy(_network(str(widths), _stamp(widths)))


def load_data(data: Path | str, identity: Path | str, *, folder: str | None, workers: int) -> Any:
    """A prepared data set as its task's `load_prepared` reads it, checked when first read and after any change."""
    return _data(str(data), str(identity), folder, workers, _stamp(data), _stamp(identity))


def _stamp(path: Path | str) -> tuple[int, ...] | None:
    """What differs when a file was written anew; None without one."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns


@lru_cache(maxsize=32)
def _network(widths: str, stamp: tuple | None) -> nn.Module:
    return planned_network(read_json(widths, *WIDTHS))


@lru_cache(maxsize=2)
def _data(data: str, identity: str, folder: str | None, workers: int, *stamps: tuple | None) -> Any:
    task = task_module(read_json(identity, "task"))
    return task.load_prepared(data, identity, folder=folder, workers=workers)
