"""Write down what all cells of an experiment share: the recipe, the data, and the code that trains."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from prunescape.errors import InputError
from prunescape.running.job_log import job_log
from prunescape.store.files import read_json, write_json
from prunescape.tasks.parts import training_count


def declare_experiment(
    recipe: dict[str, Any],
    code: str,
    *,
    identity: Path,
    out: Path,
    network: Mapping[str, Any] = MappingProxyType({}),
    batch_sizes: Sequence[int] = (),
    parts: Sequence[tuple[str, float]] = (("none", 1.0),),
    probe: dict[str, Any] | None = None,
    settle: Mapping[str, Sequence[Any]] | None = None,
) -> None:
    """Write `recipe`, the digest `code` of the training code and the data's digest to `out` (JSON).

    Beside them stand the hyperparameters of the `network` that all cells share, where its model has any.

    The file is small and compared by content, so that a change of any of them reaches every cell. The precision `auto`
    is settled here, once, by a probe of an unpruned network: another machine trains on with what stands in the file.
    `probe` names its architecture, model, hyperparameters and device, and the `prior` (values by hyperparameter) that
    completes the recipe. `settle` has the values of the system parameters that change how sums are rounded; the best of
    them stand in the file as `numerics`, the precision in the recipe. Raises InputError when one of the `batch_sizes`
    leaves a last batch that the network cannot learn from, of all examples or one of the `parts` (partition and data
    share) that are trained on.
    """
    known = read_json(identity, "digest", "train", "shape", "classes")
    counts = {training_count(known["train"], known["classes"], *part) for part in parts}
    for size in batch_sizes:
        if size == 1 or any(count % size == 1 for count in counts):
            check_single_image(known, size, probe["architecture"], probe["model"], probe["hyperparameters"])
    numerics = probed_numerics(recipe, identity, settle, **probe) if settle else {}
    if "precision" in numerics:
        recipe = recipe | {"precision": numerics.pop("precision")}
    if recipe.get("precision") == "auto":
        recipe = recipe | {"precision": probed_precision(recipe, identity, **probe)}
    shaped = {"network": dict(network)} if network else {}
    shaped |= {"numerics": numerics} if numerics else {}
    write_json(out, {"recipe": recipe, "code": code, "data": known["digest"]} | shaped)


def check_single_image(
    known: dict[str, Any], batch_size: int, architecture: str, model: str, hyperparameters: dict[str, Any]
) -> None:
    """Raise InputError where the network cannot learn from one example: batch norm has no variance of one value."""
    from prunescape.models.build import build_model
    from prunescape.models.counting import example_input

    shape = {"in_channels": known["shape"][0], "image_size": known["shape"][1:], "classes": known["classes"]}
    network = build_model(architecture, model, **shape, hyperparameters=hyperparameters)
    try:
        network.train()(example_input(network, known["shape"]))
    except ValueError:
        what = f"the last batch would have 1 example, too few for the batch norm of {model}"
        hint = "choose another batch_size, or another number of examples with the data set's option train"
        raise InputError(what, where=f"recipe.batch_size: {batch_size}", hint=hint) from None


def probed_precision(recipe: dict[str, Any], identity: Path, **probe: Any) -> str:
    """The precision that trains the network of `probe` fastest here."""
    from prunescape.training.probe import fastest_precision

    return fastest_precision(*probed_training(recipe, identity, **probe))


def probed_numerics(
    recipe: dict[str, Any], identity: Path, values: Mapping[str, Sequence[Any]], **probe: Any
) -> dict[str, Any]:
    """The best of these values of system parameters here, by name."""
    from prunescape.training.probe import fastest_numerics

    exact = recipe | ({"precision": values["precision"][0]} if "precision" in values else {})
    return fastest_numerics(*probed_training(exact, identity, **probe), values)


def probed_training(
    recipe: dict[str, Any],
    identity: Path,
    *,
    architecture: str,
    model: str,
    device: str,
    prior: dict[str, Any],
    hyperparameters: Mapping[str, Any] = MappingProxyType({}),
) -> tuple[Any, Any, Any]:
    """The network of `model` with these hyperparameters, the task on made-up examples, and the whole recipe."""
    from prunescape.models.build import build_model, initialise
    from prunescape.space.recipe import Recipe
    from prunescape.tasks.contract import task_module
    from prunescape.training.device import reproducible_device

    known, where = read_json(identity, "task", "shape", "classes"), reproducible_device(device)
    shape = {"in_channels": known["shape"][0], "image_size": known["shape"][1:], "classes": known["classes"]}
    network = build_model(architecture, model, **shape, hyperparameters=hyperparameters)
    whole, module = Recipe(**recipe | prior), task_module(known)
    task = module.Task(module.example_data(known, whole.batch_size), where)
    return initialise(network, 0), task, whole


if __name__ == "__main__" and "snakemake" in globals():
    with job_log(snakemake.log[0]):
        declare_experiment(
            snakemake.params.recipe,
            snakemake.params.code,
            identity=Path(snakemake.input.identity),
            out=Path(snakemake.output.shared),
            network=snakemake.params.network,
            batch_sizes=snakemake.params.batch_sizes,
            parts=snakemake.params.parts,
            probe=snakemake.params.probe,
            settle=snakemake.params.settle,
        )
