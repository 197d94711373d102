"""One cell's training with what it reads and where its results belong, alone or several in step. Needs torch."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Sequence
from contextlib import redirect_stderr
from itertools import groupby
from typing import Any, TextIO

import torch

from prunescape.models.build import initialise
from prunescape.models.weights import save_weights
from prunescape.space.cells import Cell
from prunescape.space.recipe import Recipe
from prunescape.store.files import file_digest, read_json, write_json
from prunescape.store.records import WIDTHS
from prunescape.tasks.images.prepared import IDENTITY
from prunescape.training.cell_record import cell_record
from prunescape.training.checkpointing import Checkpointer, listening
from prunescape.training.loading import load_data, load_network
from prunescape.training.loop import Training
from prunescape.training.provenance import environment, peak_memory_bytes, reproducible_device


class CellJob:
    """The training of one cell, ready to begin or to go on from its checkpoint.

    The network is the full model cut to its variant's widths, He-initialised: no weight that ranked filters stays
    (matthiesen2023, 3.1.3). `device` is cpu or cuda; `shared` (JSON, see declare_experiment) holds the recipe and the
    training code's digest. `folder` is where an image folder's images lie and `workers` how many processes decode
    them: neither changes the result. In `checkpoint` an interrupted training left where it was; this one goes on from
    there, to the same result. One line per epoch goes to `say`; images are shared with the job `beside` it. Raises
    InputError when an input is damaged or the device is missing.
    """

    def __init__(
        self,
        cell: str,
        *,
        device: str,
        shared: str,
        identity: str,
        widths: str,
        data: str,
        record: str,
        weights: str,
        checkpoint: str,
        folder: str | None = None,
        workers: int = 0,
        say: TextIO | None = None,
        beside: CellJob | None = None,
    ) -> None:
        self.cell, self.record, self.weights, self.say = Cell.parse(cell), record, weights, say or sys.stderr
        self.known, declared = read_json(identity, *IDENTITY), read_json(shared, "recipe", "code")
        self.plan, self.recipe = read_json(widths, *WIDTHS), declared["recipe"]
        self.device = reproducible_device(device)
        self.digests = {"data_digest": self.known["digest"], "code_digest": declared["code"]}
        self.digests["widths_digest"] = file_digest(widths)
        self.checkpointer = Checkpointer(checkpoint, checkpoint_key(cell, self.recipe, self.digests, device))
        rates = {"learning_rate": self.cell.learning_rate, "weight_decay": self.cell.weight_decay}
        self.training = Training(
            initialise(load_network(widths), self.cell.seed),
            load_data(data, identity, folder=folder, workers=workers),
            Recipe(**self.recipe),
            **rates,
            seed=self.cell.seed,
            device=self.device,
            report=self._print_epoch,
            between_batches=self.checkpointer.between_batches,
            beside=beside.training if beside else None,
        )
        with redirect_stderr(self.say):
            self.checkpointer.resume(self.training)

    def finish(self, together: int) -> None:
        """Write record and weights of the finished training, one of `together` in step."""
        outcome = self.training.outcome
        content = cell_record(self.cell, outcome, widths=self.plan, identity=self.known) | {"together": together}
        save_weights(self.training.network, self.weights, {"status": content["status"]})
        content |= {"seconds": self.checkpointer.seconds, "resumes": self.checkpointer.resumes}
        content |= {"peak_memory_bytes": peak_memory_bytes(self.device), "recipe": self.recipe}
        digests = self.digests | {"weights_digest": file_digest(self.weights)}
        write_json(self.record, content | {"provenance": environment(self.device) | digests})

    def _print_epoch(self, entry: dict) -> None:
        print(" ".join(f"{name}={value}" for name, value in entry.items()), file=self.say, flush=True)


def train_jobs(jobs: Sequence[CellJob]) -> None:
    """Train jobs that are equally far, in step where they are several or on a GPU, and write down what they reached.

    Raises Stopped when the process is asked to end.
    """
    with listening(*(job.checkpointer for job in jobs)):
        if jobs[0].device.type == "cuda" or len(jobs) > 1:
            from prunescape.training.together import train_together

            train_together([job.training for job in jobs])
        else:
            jobs[0].training.run()
    for job in jobs:
        job.finish(len(jobs))


def groups_of(jobs: Sequence[CellJob]) -> list[list[CellJob]]:
    """Jobs of one variant on one GPU in groups that are equally far and have the memory to train at once."""
    from prunescape.training.together import most_together

    most, groups = most_together(jobs[0].training), []

    def steps(job: CellJob) -> int:
        return job.training.steps

    for _, alike in groupby(sorted(jobs, key=steps), key=steps):
        members = list(alike)
        parts = -(-len(members) // most)
        groups += [members[part::parts] for part in range(parts)]
    return groups


def checkpoint_key(cell: str, recipe: dict[str, Any], digests: dict[str, str], device: str) -> str:
    """Names all that decides a training, and torch's version and kind of device: only the same goes on with another."""
    decisive = [cell, recipe, digests, device, torch.__version__]
    return hashlib.sha256(json.dumps(decisive, sort_keys=True).encode()).hexdigest()
