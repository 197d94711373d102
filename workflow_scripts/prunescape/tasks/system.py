"""Applies the neutral system parameters of decoding: how many workers, how far ahead, on which cores.

Nothing here decides a result, so no code digest covers this file (running/code_digest.py).
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Self

from torch.utils.data import DataLoader

from prunescape.space.system_parameters import NEUTRAL, SYSTEM, Configuration

DECODED = ("train", "test", "validation")  # splits


@dataclass(frozen=True)
class Decoding:
    """How the images of one split are decoded from now on; the fields are the neutral parameters of the registry."""

    workers: int = SYSTEM["workers"].default
    prefetch: int = SYSTEM["prefetch"].default
    affinity: str = SYSTEM["affinity"].default

    @classmethod
    def of(cls, configuration: Configuration) -> Self:
        """That of a configuration; a parameter that it does not name has its default."""
        return cls(**{name: value for name, value in configuration.items() if name in NEUTRAL})


def decode_by(splits: Any, configuration: Configuration) -> None:
    """Let the splits of a training be decoded as `configuration` says, from the next pass over them on."""
    for name in DECODED:
        split = getattr(splits, name)
        if split is not None:
            split.system = Decoding.of(configuration)


def set_up(loader: DataLoader, decoding: Decoding | None) -> None:
    """Change a loader that has not begun; without a `decoding` it stays as it is."""
    if decoding is None:
        return
    loader.num_workers = decoding.workers
    loader.prefetch_factor = decoding.prefetch if decoding.workers else None
    loader.worker_init_fn = _bound_to_cores(os.getpid()) if decoding.affinity == "bound" else None


def _bound_to_cores(training: int) -> Callable[[int], None] | None:
    """What binds a worker to one of the cores that its training may use, where the system can."""
    if not hasattr(os, "sched_setaffinity"):
        return None
    return partial(_bind, cores=sorted(os.sched_getaffinity(0)), first=training)


def _bind(worker: int, *, cores: list[int], first: int) -> None:
    """The process number of the training decides the first core: trainings side by side begin at different ones."""
    os.sched_setaffinity(0, {cores[(first + worker) % len(cores)]})
