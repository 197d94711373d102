"""Train one cell from scratch and record what it reached; a diverged training is a result, not an error."""

import sys
import time
from pathlib import Path

from prunescape.cells import Cell
from prunescape.data.prepared import IDENTITY, load_prepared
from prunescape.files import file_digest, read_json, write_json
from prunescape.joblog import job_log
from prunescape.recipe import Recipe
from prunescape.records import WIDTHS


def train_cell(
    cell: Cell,
    *,
    device: str,
    shared: Path,
    identity: Path,
    widths: Path,
    data: Path,
    record: Path,
    weights: Path,
    folder: str | None = None,
    workers: int = 0,
) -> None:
    """Train `cell` on the prepared data set and write its record (JSON) and weights (safetensors).

    The network is the full model cut to its variant's widths, He-initialised: no weight that ranked filters stays
    (matthiesen2023, 3.1.3). `device` is cpu or cuda; `shared` (JSON, see declare_experiment) holds the recipe and the
    training code's digest. `folder` is where an image folder's images lie and `workers` how many processes decode
    them: neither changes the result. Raises InputError when an input is damaged or the device is missing.
    """
    from prunescape.nets.build import initialise, planned_network
    from prunescape.nets.weights import save_weights
    from prunescape.training.cell_record import cell_record
    from prunescape.training.loop import train
    from prunescape.training.provenance import environment, peak_memory_bytes, reproducible_device

    started = time.perf_counter()
    known, declared = read_json(identity, *IDENTITY), read_json(shared, "recipe", "code")
    plan = read_json(widths, *WIDTHS)
    where = reproducible_device(device)
    network = initialise(planned_network(plan), cell.seed)
    settings = {"learning_rate": cell.learning_rate, "weight_decay": cell.weight_decay, "seed": cell.seed}
    prepared, by = load_prepared(data, identity, folder=folder, workers=workers), Recipe(**declared["recipe"])
    outcome = train(network, prepared, by, **settings, device=where, report=print_epoch)
    content = cell_record(cell, outcome, widths=plan, identity=known)
    save_weights(network, weights, {"status": content["status"]})
    content["seconds"], content["peak_memory_bytes"] = time.perf_counter() - started, peak_memory_bytes(where)
    digests = {"data_digest": known["digest"], "code_digest": declared["code"]}
    digests |= {"widths_digest": file_digest(widths), "weights_digest": file_digest(weights)}
    write_json(record, content | {"recipe": declared["recipe"], "provenance": environment(where) | digests})


def print_epoch(entry: dict) -> None:
    """One line in the cell's log for each epoch."""
    print(" ".join(f"{name}={value}" for name, value in entry.items()), file=sys.stderr, flush=True)


if __name__ == "__main__" and "snakemake" in globals():
    with job_log(snakemake.log[0]):
        train_cell(
            Cell.from_wildcards(snakemake.wildcards),
            device="cuda" if snakemake.resources.get("gpu") else "cpu",
            shared=Path(snakemake.input.shared),
            identity=Path(snakemake.input.identity),
            widths=Path(snakemake.input.widths),
            data=Path(snakemake.input.data),
            record=Path(snakemake.output.record),
            weights=Path(snakemake.output.weights),
            folder=snakemake.params.folder,
            workers=snakemake.threads - 1,
        )
