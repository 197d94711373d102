"""The training of one cell, alone or several in step: what it reads, and what it writes."""

import copy
import hashlib
import json
import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import redirect_stderr
from dataclasses import asdict, dataclass
from functools import lru_cache, partial
from itertools import groupby
from pathlib import Path
from types import MappingProxyType
from typing import Any, TextIO

import torch
from torch import nn

from prunescape.models.build import planned_network
from prunescape.models.weights import save_weights
from prunescape.pruning.retraining import cut_short, rate_factors, retraining_recipe, start_network
from prunescape.space.cells import Cell
from prunescape.space.levels import LOADED, loaded_module
from prunescape.space.recipe import Recipe
from prunescape.space.settings import Setting
from prunescape.store.files import file_digest, read_json, write_json
from prunescape.store.records import WIDTHS
from prunescape.tasks.contract import task_module
from prunescape.training.cell_record import CellFiles, cell_record
from prunescape.training.checkpointing import Checkpointer, stop_on_signals
from prunescape.training.device import environment, gpu_uuid, peak_memory_bytes, reproducible_device
from prunescape.training.energy import energy_fields, open_meter
from prunescape.training.gpu import has_claimed, import_for_children
from prunescape.training.loop import Training, start_training
from prunescape.training.system.opening import (
    apply_declared,
    note_numerics,
    open_system,
    training_key,
    workers_within,
)
from prunescape.training.together import most_together, train_together


@dataclass
class CellJob:
    """The training of one cell, ready to begin or to go on from its checkpoint.

    `recipe` is what its experiment declares, `plan` its variant's, `identity` that of its data set.
    """

    cell: Cell
    files: CellFiles
    recipe: dict[str, Any]
    plan: dict[str, Any]
    identity: dict[str, Any]
    digests: dict[str, Any]
    training: Training
    checkpointer: Checkpointer
    log: TextIO
    alone: str | None = None  # why it cannot train beside others on a GPU

    def write_results(self, together: int) -> None:
        """Write record and weights of the finished training, one of `together` in step."""
        training = self.training
        about = {"task": training.task, "widths": self.plan, "identity": self.identity | training.splits.counts}
        content = cell_record(self.cell, training.outcome, **about) | {"together": together, "alone": self.alone}
        content |= energy_fields(training.meter, training.outcome.used, training.outcome.seconds, together)
        save_weights(
            training.internal.plain(training.network).float(), self.files.weights, {"status": content["status"]}
        )
        content |= {"seconds": self.checkpointer.seconds, "resumes": self.checkpointer.resumes}
        if self.checkpointer.continued_from:
            content["continued_from"] = self.checkpointer.continued_from
        content |= {"compile_seconds": training.internal.compile_seconds}
        training.system.note_in(content)
        content |= {"peak_memory_bytes": peak_memory_bytes(training.device), "recipe": self.recipe}
        digests = self.digests | {"weights_digest": file_digest(self.files.weights)}
        write_json(self.files.record, content | {"provenance": environment(training.device) | digests})


def open_job(
    cell: dict[str, Any],
    files: CellFiles,
    *,
    device: str,
    workers: int = 0,
    levels: Mapping[str, str] = MappingProxyType({}),
    log: TextIO | None = None,
    beside: CellJob | None = None,
    system: Mapping[str, Any] | None = None,
) -> CellJob:
    """Read what the cell with this content needs, claim the `device` (cpu or cuda), and build its training.

    An image folder is decoded by so many `workers`, which changes no result, or by as many as turns out best, within
    them, where `system` says what to try (training/system/opening.py); `levels` are the digests of the code of
    this cell's levels, as `NAME=LEVEL`, beside that which all cells share. One line per epoch goes to `log`, by
    default standard error; examples are shared with the job `beside`. Raises InputError when an input is damaged or the
    device is missing.
    """
    known, log = Cell.from_content(cell), log or sys.stderr
    identity = read_json(files.identity, "task", "dataset", "digest", "train", "test")
    declared, plan = read_json(files.shared, "recipe", "code"), read_json(files.widths, *WIDTHS, "pipeline")
    digests = {"data_digest": identity["digest"], "code_digest": declared["code"]}
    digests |= {"widths_digest": file_digest(files.widths), "level_digests": dict(levels)}
    note_numerics(digests, declared)
    pipeline, values = cut_short(plan["pipeline"], known.setting.training.values)
    recipe = retraining_recipe(pipeline, Recipe(**declared["recipe"] | values))
    where = reproducible_device(device)
    key = checkpoint_key(known.whole.content, declared["recipe"], digests, device)
    checkpointer = Checkpointer(files.checkpoint, key, stop=known.setting.stop)
    data = load_data(files.data, files.identity, folder=files.folder, workers=workers)
    training = start_training(
        start_network(load_network(files.widths), pipeline, known.seed, files.start),
        task_module(identity).Task(data, where, recipe.scaling),
        recipe,
        seed=known.seed,
        rate_factors=rate_factors(pipeline, recipe)[: known.setting.stop],
        report=partial(_print_epoch, log),
        between_batches=checkpointer.between_batches,
        beside=beside.training if beside else None,
        meter=open_meter(gpu_uuid(where), claimed=has_claimed()),
        system=open_system(system, workers_within(workers, declared), training_key(digests, recipe, where)),
    )
    apply_declared(training, declared, workers)
    with redirect_stderr(log):
        checkpointer.resume(training)
    return CellJob(known, files, declared["recipe"], plan, identity, digests, training, checkpointer, log)


def _print_epoch(log: TextIO, entry: dict[str, Any]) -> None:
    print(" ".join(f"{name}={value}" for name, value in entry.items()), file=log, flush=True)


def train_jobs(jobs: Sequence[CellJob]) -> None:
    """Train jobs that are equally far, in step, and write their results; raises Stopped when asked to end."""
    with stop_on_signals(*(job.checkpointer for job in jobs)):
        train_together([job.training for job in jobs])
    for job in jobs:
        job.write_results(len(jobs))


def groups_of(jobs: Sequence[CellJob]) -> list[list[CellJob]]:
    """Jobs of one variant on one GPU in groups that are equally far and have the memory to train at once."""
    (most, alone), groups = most_together(jobs[0].training), []
    for job in jobs:
        job.alone = alone

    def steps(job: CellJob) -> int:
        return job.training.steps

    for _, alike in groupby(sorted(jobs, key=steps), key=steps):
        members = list(alike)
        parts = -(-len(members) // most)
        groups += [members[part::parts] for part in range(parts)]
    return groups


def checkpoint_key(cell: dict[str, Any], recipe: dict[str, Any], digests: dict[str, Any], device: str) -> str:
    """Names all that decides a training, and torch's version and kind of device: only the same goes on with another.

    `cell` is that of the whole training: one that stops early is its beginning, and leaves it where it was.
    """
    decisive = [cell, recipe, digests, device, torch.__version__]
    return hashlib.sha256(json.dumps(decisive, sort_keys=True).encode()).hexdigest()


def load_by_name(shared: Path | str, setting: dict[str, str]) -> None:
    """Import the modules that a cell loads by name, some of which take seconds: its optimiser, a compiler and so on."""
    values = asdict(Recipe(**read_json(shared, "recipe")["recipe"] | Setting.of(setting).training.values))
    import_for_children(*filter(None, (loaded_module(name, values[name]) for name in LOADED)))


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
