"""Measure what training one variant takes per image at one batch size, in each configuration of system parameters."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from prunescape.running.job_log import job_log
from prunescape.store.files import read_json, write_json


def measure_training(
    variant: str,
    batch_size: int,
    *,
    shared: Path,
    widths: Path,
    identity: Path,
    data: Path,
    out: Path,
    device: str,
    prior: Mapping[str, Any],
    configurations: Sequence[Mapping[str, Any]] = ({},),
    folder: str | None = None,
) -> None:
    """Write seconds and joules per image of training the variant with these `widths` to `out` (JSON).

    The recipe is that of the experiment's declaration `shared`, completed by its `prior`. Beside them stand the numbers
    of images of one pass over the training examples, and of the test split. Raises InputError for a damaged file or a
    missing device (cpu or cuda).
    """
    import torch

    from prunescape.models.build import initialise
    from prunescape.space.recipe import Recipe
    from prunescape.tasks.contract import task_module
    from prunescape.training.cell_job import load_data, load_network
    from prunescape.training.device import environment, gpu_uuid, reproducible_device
    from prunescape.training.energy import open_meter
    from prunescape.training.numerics import apply_numerics
    from prunescape.training.speed import training_speeds

    declared, known, where = read_json(shared, "recipe"), read_json(identity, "task"), reproducible_device(device)
    recipe = Recipe(**declared["recipe"] | dict(prior) | {"batch_size": batch_size})
    task = task_module(known).Task(load_data(data, identity, folder=folder, workers=0), where, recipe.scaling)
    splits = task.open_splits(recipe, torch.Generator())
    network = initialise(load_network(widths), 0)
    apply_numerics(network, declared.get("numerics", {}))
    runs = training_speeds(network, task, recipe, configurations, open_meter(gpu_uuid(where)))
    images = {"train": len(splits.train), "test": len(splits.test)}
    content = {"variant": variant, "batch_size": batch_size, "images": images, "runs": runs}
    write_json(out, content | {"environment": environment(where)})


if __name__ == "__main__" and "snakemake" in globals():
    with job_log(snakemake.log[0]):
        measure_training(
            snakemake.wildcards.variant,
            int(snakemake.wildcards.batch_size),
            shared=Path(snakemake.input.shared),
            widths=Path(snakemake.input.widths),
            identity=Path(snakemake.input.identity),
            data=Path(snakemake.input.data),
            out=Path(snakemake.output.measured),
            device="cuda" if snakemake.resources.get("gpu") else "cpu",
            prior=snakemake.params.prior,
            configurations=snakemake.params.configurations,
            folder=snakemake.params.folder,
        )
