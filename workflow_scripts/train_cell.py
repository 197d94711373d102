"""Train one cell and record what it reached; a diverged training is a result, not an error."""

import platform
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import asdict
from types import MappingProxyType
from typing import Any

from prunescape.running.warm import Together, run_job
from prunescape.space.cells import Cell
from prunescape.space.recipe import PARAMETERS
from prunescape.training.cell_record import CellFiles


def train_cell(
    cell: dict[str, Any],
    files: dict[str, str | None],
    *,
    device: str,
    workers: int = 0,
    levels: Mapping[str, str] = MappingProxyType({}),
    system: Mapping[str, Any] | None = None,
) -> None:
    """Train the cell with this content on the prepared data set and write its record (JSON) and weights (safetensors).

    `files` are the fields of CellFiles; an image folder is decoded by so many `workers`; `levels` are the digests of
    the code of this cell's levels, beside that which all cells share; `system` says which system parameters are tried
    between epochs. Raises InputError when an
    input is damaged or the device (cpu or cuda) is missing, Stopped when the process is asked to end.
    """
    from prunescape.training.cell_job import open_job, train_jobs

    train_jobs([open_job(cell, CellFiles(**files), device=device, workers=workers, levels=levels, system=system)])


def train_cells(requests: list[tuple[str, dict[str, Any]]]) -> None:
    """Train several cells of one variant on one GPU in step, as many at once as its memory allows.

    A request is a cell's log and its arguments as for `train_cell`; the first log is standard error.
    """
    from prunescape.training.cell_job import CellJob, groups_of, open_job, train_jobs

    jobs: list[CellJob] = []
    with ExitStack() as logs:
        for path, arguments in requests:
            log = logs.enter_context(open(path, "w", buffering=1)) if jobs else sys.stderr
            files = CellFiles(**arguments["files"])
            jobs.append(open_job(**arguments | {"files": files}, log=log, beside=jobs[0] if jobs else None))
        for group in groups_of(jobs):
            for job in group if len(group) > 1 else ():
                print(f"{len(group)} cells train together", file=job.log)
            train_jobs(group)


def preload(arguments: Mapping[str, Any]) -> None:
    """Load what other cells need too, in the process that will fork them; `arguments` are those of `train_cell`."""
    from prunescape.training.cell_job import load_by_name, load_data, load_network

    files = CellFiles(**arguments["files"])
    load_by_name(files.shared, arguments["cell"]["setting"])
    load_network(files.widths)
    load_data(files.data, files.identity, folder=files.folder, workers=arguments["workers"])
    platform.platform()  # kept by Python, which runs a program to find it


def together_of(device: str, cell: dict[str, Any], widths: str, most: int | str) -> Together | None:
    """Which cells may train in one process: on a GPU those of one variant that can be stacked, up to `most`."""
    if device != "cuda" or most == 1:
        return None
    texts = Cell.from_content(cell).whole.setting.texts
    equal = [f"{name}={text}" for name, text in texts if not PARAMETERS[name].meaning.stackable]
    return Together(train_cells.__name__, key=" ".join([widths, *equal]), most=None if most == "auto" else most)


if __name__ == "__main__" and "snakemake" in globals():
    files = CellFiles(
        shared=snakemake.input.shared,
        identity=snakemake.input.identity,
        widths=snakemake.input.widths,
        data=snakemake.input.data,
        record=snakemake.output.record,
        weights=snakemake.output.weights,
        checkpoint=snakemake.params.checkpoint,
        folder=snakemake.params.folder,
        start=snakemake.input.get("start") or None,
    )
    device = "cuda" if snakemake.resources.get("gpu") else "cpu"
    run_job(
        train_cell,
        log=snakemake.log[0],
        together=together_of(device, snakemake.params.cell, files.widths, snakemake.params.cells_per_gpu),
        cell=snakemake.params.cell,
        files=asdict(files),
        device=device,
        workers=snakemake.threads - 1,
        levels=snakemake.params.levels,
        system=snakemake.params.system,
    )
