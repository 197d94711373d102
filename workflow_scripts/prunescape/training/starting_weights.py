"""Weights that a training passes through, from which cells of some pipelines start."""

from typing import Any

from prunescape.models.weights import save_weights
from prunescape.store.records import DIVERGED, OK
from prunescape.training.cell_job import open_job
from prunescape.training.cell_record import CellFiles
from prunescape.training.checkpointing import stop_on_signals
from prunescape.training.together import train_together


def train_until(
    epochs: int, cell: dict[str, Any], files: dict[str, str | None], *, out: str, device: str, workers: int = 0
) -> None:
    """Train the first `epochs` of the cell with this content and write its weights then to `out` (safetensors).

    They follow from seed, recipe and data alone (training/device.py): the cell's whole training passes through the same
    bits, unless it is stacked with others on a GPU, which rounds sums in another order (together.py). `files` are the
    fields of CellFiles without record and weights. Raises InputError when an input is damaged or the device (cpu or
    cuda) is missing, Stopped when the process is asked to end.
    """
    job = open_job(cell, CellFiles(**files, record="", weights=out), device=device, workers=workers)
    training = job.training
    training.rate_factors = training.rate_factors[:epochs]
    with stop_on_signals(job.checkpointer):
        train_together([training])
    status = {"status": DIVERGED if training.outcome.diverged else OK}
    save_weights(training.internal.plain(training.network).float(), out, status)
