"""Write down what all cells of an experiment share: the recipe, the data, and the code that trains."""

from pathlib import Path
from typing import Any

from prunescape.running.job_log import job_log
from prunescape.store.files import read_json, write_json


def declare_experiment(
    recipe: dict[str, Any], code: str, *, identity: Path, out: Path, probe: dict[str, Any] | None = None
) -> None:
    """Write `recipe`, the digest `code` of the training code and the data's digest to `out` (JSON).

    The file is small and compared by content, so that a change of any of them reaches every cell. The precision `auto`
    is settled here, once, by a probe of an unpruned network: another machine trains on with what stands in the file.
    `probe` names its architecture, model and device, and the `prior` (values by hyperparameter) that completes the
    recipe.
    """
    known = read_json(identity, "digest")
    if recipe["precision"] == "auto":
        recipe = recipe | {"precision": probed_precision(recipe, identity, **probe)}
    write_json(out, {"recipe": recipe, "code": code, "data": known["digest"]})


def probed_precision(
    recipe: dict[str, Any], identity: Path, *, architecture: str, model: str, device: str, prior: dict[str, Any]
) -> str:
    """The precision that trains `model` fastest here."""
    from prunescape.models.build import build_model, initialise
    from prunescape.space.recipe import Recipe
    from prunescape.tasks.contract import task_module
    from prunescape.training.device import reproducible_device
    from prunescape.training.probe import fastest_precision

    known, where = read_json(identity, "task", "shape", "classes"), reproducible_device(device)
    network = build_model(architecture, model, in_channels=known["shape"][0], classes=known["classes"])
    whole, module = Recipe(**recipe | prior), task_module(known)
    task = module.Task(module.example_data(known, whole.batch_size), where)
    return fastest_precision(initialise(network, 0), task, whole)


if __name__ == "__main__" and "snakemake" in globals():
    with job_log(snakemake.log[0]):
        declare_experiment(
            snakemake.params.recipe,
            snakemake.params.code,
            identity=Path(snakemake.input.identity),
            out=Path(snakemake.output.shared),
            probe=snakemake.params.probe,
        )
