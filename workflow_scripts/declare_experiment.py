"""Write down what all cells of an experiment share: the recipe, the data, and the code that trains."""

from pathlib import Path

from prunescape.running.job_log import job_log
from prunescape.store.files import read_json, write_json


def declare_experiment(recipe: dict, code: str, *, identity: Path, out: Path, network: dict | None = None) -> None:
    """Write `recipe`, the digest `code` of the training code and the data's digest to `out` (JSON).

    The file is small and compared by content, so that a change of any of them reaches every cell. The precision `auto`
    is settled here, once, by a probe of the unpruned `network` (architecture, model, device): another machine trains on
    with what stands in the file.
    """
    known = read_json(identity, "digest", "shape", "classes")
    if recipe["precision"] == "auto":
        recipe = recipe | {"precision": probed_precision(recipe, known, **network)}
    write_json(out, {"recipe": recipe, "code": code, "data": known["digest"]})


def probed_precision(recipe: dict, known: dict, *, architecture: str, model: str, device: str) -> str:
    """The precision that trains `model` fastest here."""
    from prunescape.models.build import build_model, initialise
    from prunescape.training.probe import fastest_precision
    from prunescape.training.provenance import reproducible_device

    where = reproducible_device(device)
    network = build_model(architecture, model, in_channels=known["shape"][0], classes=known["classes"])
    return fastest_precision(initialise(network, 0), tuple(known["shape"]), recipe["batch_size"], where)


if __name__ == "__main__" and "snakemake" in globals():
    with job_log(snakemake.log[0]):
        declare_experiment(
            snakemake.params.recipe,
            snakemake.params.code,
            identity=Path(snakemake.input.identity),
            out=Path(snakemake.output.shared),
            network=snakemake.params.network,
        )
