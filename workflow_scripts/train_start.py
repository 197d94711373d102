"""Train at the prior what cells of a pipeline start from: the base to an earlier epoch, or a network between cuts."""

from collections.abc import Mapping
from typing import Any

from prunescape.running.warm import run_job


def train_start(
    cell: dict[str, Any], files: dict[str, str | None], *, epochs: int, out: str, device: str, workers: int = 0
) -> None:
    """As `train_until` with the paths in `files`; torch takes seconds to import, which the warm process does once.

    An image folder is decoded by so many `workers`.
    """
    from prunescape.training.starting_weights import train_until

    train_until(epochs, cell, files, out=out, device=device, workers=workers)


def preload(arguments: Mapping[str, Any]) -> None:
    """Load what other trainings need too, in the process that will fork them."""
    from prunescape.training.gpu import import_for_children

    import_for_children("prunescape.training.starting_weights")


if __name__ == "__main__" and "snakemake" in globals():
    run_job(
        train_start,
        log=snakemake.log[0],
        cell=snakemake.params.cell,
        files={
            "shared": snakemake.input.shared,
            "identity": snakemake.input.identity,
            "widths": snakemake.input.widths,
            "data": snakemake.input.data,
            "checkpoint": snakemake.params.checkpoint,
            "folder": snakemake.params.folder,
            "start": snakemake.input.get("start") or None,
        },
        epochs=snakemake.params.epochs,
        out=snakemake.output.weights,
        device="cuda" if snakemake.resources.get("gpu") else "cpu",
        workers=snakemake.threads - 1,
    )
