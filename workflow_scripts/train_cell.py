"""Train one cell from scratch and record what it reached; a diverged training is a result, not an error."""

import platform
import sys
from contextlib import ExitStack
from typing import Any

from prunescape.running.warm import Together, run_job
from prunescape.space.cells import Cell


def train_cell(cell: str, **arguments: Any) -> None:
    """Train the cell called `cell` on the prepared data set and write its record (JSON) and weights (safetensors).

    `arguments` are those of CellJob: paths, and where to train. Raises InputError when an input is damaged or the
    device is missing, Stopped when the process is asked to end.
    """
    from prunescape.training.cell_job import CellJob, train_jobs

    train_jobs([CellJob(cell, **arguments)])


def train_cells(requests: list[tuple[str, dict[str, Any]]]) -> None:
    """Train several cells of one variant on one GPU in step, as many at once as its memory allows.

    A request is the log for a cell's epochs and its arguments, as for `train_cell`.
    """
    from prunescape.training.cell_job import CellJob, groups_of, train_jobs

    jobs: list[CellJob] = []
    with ExitStack() as logs:
        for log, arguments in requests:
            say = logs.enter_context(open(log, "w", buffering=1)) if jobs else sys.stderr  # the first one's goes there
            jobs.append(CellJob(**arguments, say=say, beside=jobs[0] if jobs else None))
        for group in groups_of(jobs):
            for job in group if len(group) > 1 else ():
                print(f"{len(group)} cells train together", file=job.say)
            train_jobs(group)


def preload(*, widths: str, data: str, identity: str, folder: str | None, workers: int, **others: Any) -> None:
    """Load what other cells need too, in the process that will fork them."""
    from prunescape.training import cell_job  # noqa: F401 (loaded once for all children)
    from prunescape.training.loading import load_data, load_network

    load_network(widths)
    load_data(data, identity, folder=folder, workers=workers)
    platform.platform()  # kept by Python, which runs a program to find it


def together_of(device: str, widths: str, most: int | str) -> Together | None:
    """Which cells may train in one process: on a GPU those of one variant, up to `most` or, for auto, what fits."""
    if device != "cuda" or most == 1:
        return None
    return Together(train_cells.__name__, key=widths, most=None if most == "auto" else most)


if __name__ == "__main__" and "snakemake" in globals():
    device = "cuda" if snakemake.resources.get("gpu") else "cpu"
    run_job(
        train_cell,
        log=snakemake.log[0],
        together=together_of(device, snakemake.input.widths, snakemake.params.cells_per_gpu),
        cell=Cell.from_wildcards(snakemake.wildcards).path,
        device=device,
        shared=snakemake.input.shared,
        identity=snakemake.input.identity,
        widths=snakemake.input.widths,
        data=snakemake.input.data,
        record=snakemake.output.record,
        weights=snakemake.output.weights,
        checkpoint=snakemake.params.checkpoint,
        folder=snakemake.params.folder,
        workers=snakemake.threads - 1,
    )
