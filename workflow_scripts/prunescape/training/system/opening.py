"""From what a job says about system parameters to what tunes them in its training."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import torch

from prunescape.errors import InputError
from prunescape.space.system_parameters import AUTO
from prunescape.tasks.system import decode_by
from prunescape.training.device import processor
from prunescape.training.system.unchanged import Unchanged

if TYPE_CHECKING:
    from prunescape.space.recipe import Recipe
    from prunescape.training.loop import Training
    from prunescape.training.system.one_factor import Values

# of the recipe: what makes an epoch of the same network on the same data longer or shorter
OF_RECIPE = ("batch_size", "precision", "internal", "augmentation", "optimiser", "partition", "data_share")


def open_system(settings: Mapping[str, Any] | None, workers: int, about: Mapping[str, Any]) -> Unchanged:
    """What tunes the system parameters of one training; nothing is changed without `settings`.

    These are `values`, by parameter those to try or `auto`, `goal` and `store`, the path of the store or None. A
    training never has more workers than `workers`, the cores of its job beside its own; `about` is what it is.
    """
    values = values_within(settings["values"], workers) if settings else {}
    if not values or values == {"workers": [workers]}:
        return Unchanged()
    # pyarrow, which most trainings do without, takes a third of a second to import
    from prunescape.training.system.memory import Memory
    from prunescape.training.system.tuning import Tuning

    memory = Memory(settings["store"], about, settings["goal"])
    return Tuning(values, goal=settings["goal"], memory=memory, cores=1 + workers)


def values_within(values: Mapping[str, Any], workers: int) -> Values:
    """The values to try: so many workers at most, and each once; auto tries these and none."""
    known = dict(values)
    if known.get("workers") == AUTO:
        known["workers"] = [workers, 0]
    if "workers" in known:
        known["workers"] = [*dict.fromkeys(min(value, workers) for value in known["workers"])]
    return known


def note_numerics(digests: dict[str, Any], declared: Mapping[str, Any]) -> None:
    """Let checkpoints and records tell by what a cell was computed, where its experiment declares that."""
    if "numerics" in declared:
        digests["numerics"] = declared["numerics"]


def workers_within(workers: int, declared: Mapping[str, Any]) -> int:
    """How many of the cores of a job, beside its first one, are left for decoding. Raises InputError for too few."""
    threads = declared.get("numerics", {}).get("threads", 1)
    if threads > 1 + workers:
        what, hint = f"cells are declared with {threads} threads, and the job has {1 + workers} cores", "give it more"
        raise InputError(what, where="system.parameters.threads", hint=f"{hint}: --cores {threads}")
    return workers - (threads - 1)


def apply_declared(training: Training, declared: Mapping[str, Any], workers: int) -> None:
    """Let a training that has not begun compute as its experiment declares, within the cores of its job."""
    if "numerics" not in declared:
        return
    from prunescape.training.numerics import apply_numerics

    apply_numerics(training.network, declared["numerics"])
    if hasattr(training.splits.train, "workers"):
        decode_by(training.splits, {"workers": workers_within(workers, declared)})


def training_key(digests: Mapping[str, Any], recipe: Recipe, device: torch.device) -> dict[str, Any]:
    """What the time of an epoch depends on beside system parameters and host: what the store knows a training by."""
    digested = {name: digests[name] for name in ("data_digest", "widths_digest", "numerics") if name in digests}
    chosen = {name: getattr(recipe, name) for name in OF_RECIPE}
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else processor()
    return {**digested, **chosen, "device": name}
