"""Write down what all cells of an experiment share: the recipe, and the digest of the code that trains by it."""

from pathlib import Path

from prunescape.files import write_json
from prunescape.joblog import job_log


def declare_recipe(recipe: dict, code: str, *, out: Path) -> None:
    """Write `recipe` and `code` to `out` (JSON): a small file, so that a change of either reaches every cell."""
    write_json(out, {"recipe": recipe, "code": code})


if __name__ == "__main__" and "snakemake" in globals():
    with job_log(snakemake.log[0]):
        declare_recipe(snakemake.params.recipe, snakemake.params.code, out=Path(snakemake.output.recipe))
