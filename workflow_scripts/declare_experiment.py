"""Write down what all cells of an experiment share: the recipe, the data, and the code that trains."""

from pathlib import Path

from prunescape.files import read_json, write_json
from prunescape.joblog import job_log


def declare_experiment(recipe: dict, code: str, *, identity: Path, out: Path) -> None:
    """Write `recipe`, the digest `code` of the training code and the data's digest to `out` (JSON).

    The file is small and compared by content, so that a change of any of them reaches every cell.
    """
    write_json(out, {"recipe": recipe, "code": code, "data": read_json(identity, "digest")["digest"]})


if __name__ == "__main__" and "snakemake" in globals():
    with job_log(snakemake.log[0]):
        declare_experiment(
            snakemake.params.recipe,
            snakemake.params.code,
            identity=Path(snakemake.input.identity),
            out=Path(snakemake.output.shared),
        )
