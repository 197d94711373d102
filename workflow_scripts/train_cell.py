"""Train one cell from scratch and record what it reached; a diverged training is a result, not an error."""

import hashlib
import json
import sys
from typing import Any

from prunescape.cells import Cell
from prunescape.files import file_digest, read_json, write_json
from prunescape.jobs.warm import run_job


def train_cell(
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
) -> None:
    """Train the cell called `cell` on the prepared data set and write its record (JSON) and weights (safetensors).

    The network is the full model cut to its variant's widths, He-initialised: no weight that ranked filters stays
    (matthiesen2023, 3.1.3). `device` is cpu or cuda; `shared` (JSON, see declare_experiment) holds the recipe and the
    training code's digest. `folder` is where an image folder's images lie and `workers` how many processes decode
    them: neither changes the result. In `checkpoint` an interrupted training left where it was; this one goes on from
    there, to the same result. Raises InputError when an input is damaged or the device is missing, Stopped when the
    process is asked to end.
    """
    from prunescape.data.prepared import IDENTITY
    from prunescape.nets.build import initialise
    from prunescape.nets.weights import save_weights
    from prunescape.recipe import Recipe
    from prunescape.records import WIDTHS
    from prunescape.training.cell_record import cell_record
    from prunescape.training.keeper import Keeper
    from prunescape.training.loading import load_data, load_network
    from prunescape.training.loop import Training
    from prunescape.training.provenance import environment, peak_memory_bytes, reproducible_device

    it = Cell.parse(cell)
    known, declared = read_json(identity, *IDENTITY), read_json(shared, "recipe", "code")
    plan = read_json(widths, *WIDTHS)
    where = reproducible_device(device)
    digests = {"data_digest": known["digest"], "code_digest": declared["code"], "widths_digest": file_digest(widths)}
    keeper = Keeper(checkpoint, checkpoint_key(cell, declared["recipe"], digests, device))
    network = initialise(load_network(widths), it.seed)
    prepared = load_data(data, identity, folder=folder, workers=workers)
    settings = {"learning_rate": it.learning_rate, "weight_decay": it.weight_decay, "seed": it.seed, "device": where}
    hooks = {"report": print_epoch, "between_batches": keeper.between_batches}
    training = Training(network, prepared, Recipe(**declared["recipe"]), **settings, **hooks)
    keeper.resume(training)
    with keeper.listening():
        outcome = training.run()
    content = cell_record(it, outcome, widths=plan, identity=known)
    save_weights(network, weights, {"status": content["status"]})
    content |= {"seconds": keeper.seconds, "resumes": keeper.resumes, "peak_memory_bytes": peak_memory_bytes(where)}
    digests["weights_digest"] = file_digest(weights)
    write_json(record, content | {"recipe": declared["recipe"], "provenance": environment(where) | digests})


def checkpoint_key(cell: str, recipe: dict[str, Any], digests: dict[str, str], device: str) -> str:
    """Names all that decides a training, and torch's version and kind of device: only the same goes on with another."""
    import torch

    decisive = [cell, recipe, digests, device, torch.__version__]
    return hashlib.sha256(json.dumps(decisive, sort_keys=True).encode()).hexdigest()


def preload(*, widths: str, data: str, identity: str, folder: str | None, workers: int, **others: Any) -> None:
    """Load what other cells need too, in the process that will fork them."""
    from prunescape.training import cell_record, keeper, provenance  # noqa: F401 (loaded once for all children)
    from prunescape.training.loading import load_data, load_network

    load_network(widths)
    load_data(data, identity, folder=folder, workers=workers)


def print_epoch(entry: dict) -> None:
    """One line in the cell's log for each epoch."""
    print(" ".join(f"{name}={value}" for name, value in entry.items()), file=sys.stderr, flush=True)


if __name__ == "__main__" and "snakemake" in globals():
    run_job(
        train_cell,
        log=snakemake.log[0],
        cell=Cell.from_wildcards(snakemake.wildcards).path,
        device="cuda" if snakemake.resources.get("gpu") else "cpu",
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
